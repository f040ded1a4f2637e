using System;
using System.Collections.Generic;
using System.Globalization;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>Runs the engine and the normative interpreter on the same generated rows; every byte must agree before a model is handed over.</summary>
public static class ModelVerification
{
    /// <summary>Verifies a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="signature">What callers give; the rows are generated in its terms.</param>
    /// <param name="engine">Makes the engine's runner.</param>
    /// <param name="rows">Size of the free batch.</param>
    /// <param name="seed">Seed of the rows.</param>
    /// <returns>Hashes of what was given and what came out.</returns>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.VerificationFailed"/>.</exception>
    public static ReferenceRun Run(Graph graph, ModelSignature signature, IGraphRunnerFactory engine, int rows, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(engine);
        int batch = graph.HasFreeBatch ? rows : 1;
        Tensor[] given = ReferenceRuns.Inputs(signature, batch, seed);
        Tensor[] inputs = ReferenceRuns.GraphInputs(graph, signature, given);
        using IGraphRunner runner = engine.Create(graph);
        using IGraphRunner interpreter = new ReferenceRunnerFactory().Create(graph);
        IReadOnlyList<Tensor> found = runner.Run(inputs);
        IReadOnlyList<Tensor> expected = interpreter.Run(inputs);
        for (int i = 0; i < expected.Count; i++)
        {
            RequireEqual(graph[graph.Outputs[i]].Name, expected[i], found[i]);
        }

        return new ReferenceRun(batch, seed, ReferenceRuns.Hash(given), ReferenceRuns.Hash(expected));
    }

    private static void RequireEqual(string output, Tensor expected, Tensor found)
    {
        int at = expected.Bytes.Span.CommonPrefixLength(found.Bytes.Span);
        if (at != expected.Bytes.Length || at != found.Bytes.Length)
        {
            throw new QuantizationException(
                QuantizationErrorCode.VerificationFailed,
                string.Create(CultureInfo.InvariantCulture, $"Output '{output}': expected the interpreter's bytes, found another one from the engine at byte {at}; nothing was written. Force the plain kernels and report this."));
        }
    }
}
