using System;
using Microsoft.ML.Quantization.Evaluation.ReferenceOperators;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Evaluation;

/// <summary>What an <see cref="Evaluator"/> calls for each node. Every table gives the same bytes.</summary>
public abstract class OperatorTable
{
    /// <summary>The normative operators: plain loops, one result a node. Slow; the measure of everything else.</summary>
    public static OperatorTable Reference { get; } = new Plain();

    /// <summary>The fast operators on a kernel set and a pool; the bytes of <see cref="Reference"/>.</summary>
    public static OperatorTable Fast(KernelSet kernels, WorkerPool pool)
    {
        ArgumentNullException.ThrowIfNull(kernels);
        ArgumentNullException.ThrowIfNull(pool);
        return new Quick(kernels, pool);
    }

    /// <summary>Runs one node on tensors of fixed shape.</summary>
    /// <param name="graph">The graph, its batch bound.</param>
    /// <param name="node">One of its nodes.</param>
    /// <param name="inputs">One tensor an input.</param>
    /// <param name="outputs">One allocated tensor an output; every element is written.</param>
    public abstract void Run(Graph graph, Node node, Tensor[] inputs, Tensor[] outputs);

    private sealed class Quick(KernelSet kernels, WorkerPool pool) : OperatorTable
    {
        public override void Run(Graph graph, Node node, Tensor[] inputs, Tensor[] outputs)
            => FastOperators.Run(new OperatorCall(graph, node, inputs, outputs, kernels, pool));
    }

    private sealed class Plain : OperatorTable
    {
        public override void Run(Graph graph, Node node, Tensor[] inputs, Tensor[] outputs)
        {
            ArgumentNullException.ThrowIfNull(node);
            ReferenceTable.Run(graph, node, inputs, outputs);
        }
    }
}
