using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Holds the engine to the normative interpreter, bit for bit.</summary>
internal static class EngineAssert
{
    /// <summary>Every kernel set with 1 thread, the best one with 2 and 5 as well; batches 1, 3 and 7. Layers of few bits run both ways: on planes or narrow weights, and on bytes.</summary>
    public static void EqualsInterpreter(Graph graph, Func<int, Tensor[]> inputs)
    {
        IReadOnlyList<KernelSet> sets = KernelRegistry.Available;
        foreach (KernelSet set in sets)
        {
            int[] threads = set == sets[0] ? [1, 2, 5] : [1];
            foreach (int count in threads)
            {
                foreach (PlanePolicy policy in Policies(graph))
                {
                    EqualsInterpreter(graph, inputs, set, count, policy);
                }
            }
        }
    }

    public static void EqualsInterpreter(Graph graph, Func<int, Tensor[]> inputs, KernelSet set, int threads, PlanePolicy policy = PlanePolicy.Automatic)
    {
        using Engine engine = Create(graph, ModelSignature.Of(graph), set, threads, policy: policy);
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        int[] batches = graph.HasFreeBatch ? [1, 3, 7] : [1];
        foreach (int batch in batches)
        {
            Tensor[] given = inputs(batch);
            AreEqual(interpreter.Run(given), engine.Run(given), $"{set.Name}, {threads} threads, batch {batch}, planes {policy}");
        }
    }

    /// <summary>An engine that shares out even the smallest work, so that small tests see every split.</summary>
    public static Engine Create(Graph graph, ModelSignature signature, KernelSet set, int threads, long limit = long.MaxValue, PlanePolicy policy = PlanePolicy.Automatic)
        => new(Packer.Pack(graph, signature, set, policy), Pools.Create(threads), limit, smallestChunk: 1);

    private static PlanePolicy[] Policies(Graph graph)
    {
        bool few = graph.Nodes.Any(n => n is IntegerConvolution or IntegerDense && graph[n.Inputs[0]].Type.Quantization is { Code.Bits.Bits: <= 2 });
        bool narrow = graph.Nodes.Any(n => n is IntegerDense && graph[n.Inputs[1]].Type.Quantization is { Code.Bits.Bits: < 8 });
        return few || narrow ? [PlanePolicy.Always, PlanePolicy.Never] : [PlanePolicy.Automatic];
    }

    public static void AreEqual(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> found, string what)
    {
        Assert.AreEqual(expected.Count, found.Count, what);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.AreEqual(expected[i].Type, found[i].Type, what);
            Assert.AreEqual(expected[i].Shape, found[i].Shape, what);
            int size = expected[i].Type.SizeOf();
            int at = expected[i].Bytes.Span.CommonPrefixLength(found[i].Bytes.Span) / size;
            Assert.IsTrue(at == expected[i].Shape.Count, $"{what}: output {i} differs first at element {at} of {expected[i].Shape}: expected {Show(expected[i], at)}, found {Show(found[i], at)}");
        }
    }

    private static string Show(Tensor tensor, int index)
    {
        int size = tensor.Type.SizeOf();
        return index >= tensor.Shape.Count ? "end" : Convert.ToHexString(tensor.Bytes.Span.Slice(index * size, size).ToArray().Reverse().ToArray());
    }
}
