using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>The law of one result: every operator, kernel set and number of threads gives the bytes of the normative operator.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class FastOperatorTests
{
    private const int Repetitions = 40;

    private static readonly Dictionary<string, Func<NodeCase, NodeCase>> _cases = new(StringComparer.Ordinal)
    {
        [nameof(Convolution)] = FloatNodeCases.Convolution,
        [nameof(ConvolutionTranspose)] = FloatNodeCases.ConvolutionTranspose,
        [nameof(Dense)] = FloatNodeCases.Dense,
        [nameof(MatMul)] = FloatNodeCases.MatMul,
        [nameof(Unary)] = FloatNodeCases.Unary,
        [nameof(Binary)] = FloatNodeCases.Binary,
        [nameof(Where)] = FloatNodeCases.Where,
        [nameof(Cast)] = FloatNodeCases.Cast,
        [nameof(MaxPool)] = IntegerNodeCases.MaxPool,
        [nameof(AveragePool)] = FloatNodeCases.AveragePool,
        [nameof(GlobalAveragePool)] = FloatNodeCases.GlobalAveragePool,
        [nameof(BatchNormalization)] = FloatNodeCases.BatchNormalization,
        [nameof(LayerNormalization)] = FloatNodeCases.LayerNormalization,
        [nameof(InstanceNormalization)] = FloatNodeCases.InstanceNormalization,
        [nameof(LocalResponseNormalization)] = FloatNodeCases.LocalResponseNormalization,
        [nameof(Softmax)] = FloatNodeCases.Softmax,
        [nameof(Reduce)] = FloatNodeCases.Reduce,
        [nameof(Concat)] = StructuralNodeCases.Concat,
        [nameof(Slice)] = StructuralNodeCases.Slice,
        [nameof(Split)] = StructuralNodeCases.Split,
        [nameof(Pad)] = StructuralNodeCases.Pad,
        [nameof(Gather)] = StructuralNodeCases.Gather,
        [nameof(Transpose)] = StructuralNodeCases.Transpose,
        [nameof(Reshape)] = StructuralNodeCases.Reshape,
        [nameof(Expand)] = StructuralNodeCases.Expand,
        [nameof(Resize)] = StructuralNodeCases.Resize,
        [nameof(FakeQuantize)] = IntegerNodeCases.FakeQuantize,
        [nameof(LearnedQuantize)] = MethodCases.LearnedQuantize,
        [nameof(FoldedWeights)] = FloatNodeCases.FoldedWeights,
        [nameof(FoldedNormalization)] = FloatNodeCases.FoldedNormalization,
        [nameof(Quantize)] = IntegerNodeCases.Quantize,
        [nameof(Dequantize)] = IntegerNodeCases.Dequantize,
        [nameof(IntegerConvolution)] = IntegerNodeCases.Convolution,
        [nameof(IntegerDense)] = IntegerNodeCases.Dense,
        [nameof(IntegerMatMul)] = IntegerNodeCases.MatMul,
        [nameof(GroupedDense)] = IntegerNodeCases.GroupedDense,
        [nameof(Requantize)] = IntegerNodeCases.Requantize,
        [nameof(DequantizeAccumulator)] = IntegerNodeCases.DequantizeAccumulator,
        [nameof(IntegerAdd)] = IntegerNodeCases.Add,
        [nameof(IntegerMultiply)] = IntegerNodeCases.Multiply,
        [nameof(IntegerAveragePool)] = IntegerNodeCases.AveragePool,
        [nameof(LookupTable)] = IntegerNodeCases.LookupTable,
        [nameof(Staircase)] = StaircaseNodeCases.Staircase,
        [nameof(Thresholds)] = StaircaseNodeCases.Thresholds,
        [nameof(CombineAccumulators)] = StaircaseNodeCases.CombineAccumulators,
    };

    public static IEnumerable<object[]> Kinds => NodeCatalog.Kinds.Select(k => new object[] { k.Name });

    public static IEnumerable<object[]> Graphs => GraphCases.Rows;

    [TestMethod]
    public void Every_node_kind_has_a_fast_operator()
        => Assert.AreEqual(string.Empty, string.Join(", ", NodeCatalog.Kinds.Where(k => !FastOperators.Contains(k.Type)).Select(k => k.Name)));

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Fast_equals_reference_bit_for_bit(string kind)
    {
        Assert.IsTrue(_cases.ContainsKey(kind), $"{kind} has no cases.");
        for (ulong seed = 0; seed < Repetitions; seed++)
        {
            NodeCase sample = _cases[kind](new NodeCase(new Dice(seed)));
            Compare(sample.Graph, sample.Inputs, $"{kind} seed {seed}: {sample.Graph.Nodes[0]}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Graphs))]
    public void Whole_graphs_are_equal_bit_for_bit(string name)
    {
        Graph graph = GraphCases.Create(name);
        Compare(graph, GraphCases.Inputs(graph, 3), name);
    }

    [TestMethod]
    public void A_sum_outside_int32_is_refused_by_both()
    {
        var sample = new NodeCase(new Dice(1));
        Quantizers.AffineQuantization quantizer = sample.Quantizer();
        ValueId bias = sample.Constant(Tensor.Create<int>(Shape.Of(2), [int.MaxValue, int.MaxValue]));
        ValueId x = sample.Input(Codes(quantizer, quantizer.Range.Max), quantizer);
        ValueId w = sample.Constant(Codes(quantizer, quantizer.Range.Max), quantizer);
        Assert.AreNotEqual(quantizer.Single.ZeroPoint, quantizer.Range.Max);
        sample.Build(new IntegerDense { Inputs = [x, w, bias] });
        foreach (OperatorTable table in new[] { OperatorTable.Reference, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single) })
        {
            using var evaluator = new Evaluator(sample.Graph, table);
            var error = Assert.ThrowsException<QuantizationException>(() => evaluator.Run(sample.Inputs));
            Assert.AreEqual(QuantizationErrorCode.AccumulatorNotProved, error.Code);
        }
    }

    private static Tensor Codes(Quantizers.AffineQuantization quantizer, int code)
    {
        Tensor codes = Tensor.Allocate(quantizer.Element, Shape.Of(2, 3));
        codes.WritableBytes.Fill(unchecked((byte)code));
        return codes;
    }

    private static void Compare(Graph graph, IReadOnlyList<Tensor> inputs, string what)
    {
        using var reference = new Evaluator(graph, OperatorTable.Reference);
        IReadOnlyList<Tensor> expected = reference.Run(inputs);
        foreach (KernelSet kernels in KernelRegistry.Available)
        {
            foreach (WorkerPool pool in new[] { WorkerPool.Single, new ParallelPool(2), new ParallelPool(5) })
            {
                using var fast = new Evaluator(graph, OperatorTable.Fast(kernels, pool));
                IReadOnlyList<Tensor> found = fast.Run(inputs);
                for (int i = 0; i < expected.Count; i++)
                {
                    AssertSame(expected[i], found[i], $"{what}, output {i}, {kernels.Name}, {pool.ThreadCount} threads");
                }
            }
        }
    }

    private static void AssertSame(Tensor expected, Tensor found, string what)
    {
        if (expected.Type != ElementType.Float32)
        {
            CollectionAssert.AreEqual(expected.Bytes.ToArray(), found.Bytes.ToArray(), what);
            return;
        }

        for (int i = 0; i < expected.Shape.Count; i++)
        {
            float e = expected.Values<float>()[i];
            float f = found.Values<float>()[i];
            Assert.IsTrue(BitConverter.SingleToInt32Bits(e) == BitConverter.SingleToInt32Bits(f) || (float.IsNaN(e) && float.IsNaN(f)), $"{what}: element {i}: expected {e:R}, found {f:R}");
        }
    }
}
