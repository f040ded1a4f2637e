using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>The normative function of every node kind.</summary>
internal static class ReferenceTable
{
    private static readonly FrozenDictionary<Type, Action<ReferenceCall>> _operators = new Dictionary<Type, Action<ReferenceCall>>
    {
        [typeof(Convolution)] = LinearReference.Convolution,
        [typeof(ConvolutionTranspose)] = LinearReference.ConvolutionTranspose,
        [typeof(Dense)] = LinearReference.Dense,
        [typeof(MatMul)] = LinearReference.MatMul,
        [typeof(Unary)] = ElementwiseReference.Unary,
        [typeof(Binary)] = ElementwiseReference.Binary,
        [typeof(Where)] = ElementwiseReference.Where,
        [typeof(Cast)] = ElementwiseReference.Cast,
        [typeof(MaxPool)] = PoolingReference.MaxPool,
        [typeof(AveragePool)] = PoolingReference.AveragePool,
        [typeof(GlobalAveragePool)] = PoolingReference.GlobalAveragePool,
        [typeof(BatchNormalization)] = NormalizationReference.BatchNormalization,
        [typeof(LayerNormalization)] = NormalizationReference.LayerNormalization,
        [typeof(InstanceNormalization)] = NormalizationReference.InstanceNormalization,
        [typeof(LocalResponseNormalization)] = NormalizationReference.LocalResponseNormalization,
        [typeof(Softmax)] = NormalizationReference.Softmax,
        [typeof(Reduce)] = ReductionReference.Reduce,
        [typeof(Concat)] = StructuralReference.Concat,
        [typeof(Slice)] = StructuralReference.Slice,
        [typeof(Split)] = StructuralReference.Split,
        [typeof(Pad)] = StructuralReference.Pad,
        [typeof(Gather)] = StructuralReference.Gather,
        [typeof(Transpose)] = StructuralReference.Transpose,
        [typeof(Reshape)] = StructuralReference.Reshape,
        [typeof(Expand)] = StructuralReference.Expand,
        [typeof(Resize)] = ResizeReference.Resize,
        [typeof(FakeQuantize)] = QuantizationReference.FakeQuantize,
        [typeof(LearnedQuantize)] = QuantizationReference.LearnedQuantize,
        [typeof(FoldedWeights)] = NormalizationReference.FoldedWeights,
        [typeof(FoldedNormalization)] = NormalizationReference.FoldedNormalization,
        [typeof(Quantize)] = QuantizationReference.Quantize,
        [typeof(Dequantize)] = QuantizationReference.Dequantize,
        [typeof(IntegerConvolution)] = IntegerReference.Convolution,
        [typeof(IntegerDense)] = IntegerReference.Dense,
        [typeof(IntegerMatMul)] = IntegerReference.MatMul,
        [typeof(GroupedDense)] = GroupedReference.Dense,
        [typeof(Requantize)] = IntegerReference.Requantize,
        [typeof(DequantizeAccumulator)] = IntegerReference.DequantizeAccumulator,
        [typeof(IntegerAdd)] = IntegerReference.Add,
        [typeof(IntegerMultiply)] = IntegerReference.Multiply,
        [typeof(IntegerAveragePool)] = IntegerReference.AveragePool,
        [typeof(LookupTable)] = IntegerReference.LookupTable,
        [typeof(Staircase)] = StaircaseReference.Staircase,
        [typeof(Thresholds)] = StaircaseReference.Thresholds,
        [typeof(CombineAccumulators)] = StaircaseReference.CombineAccumulators,
    }.ToFrozenDictionary();

    /// <summary>Whether a kind is there.</summary>
    public static bool Contains(Type node) => _operators.ContainsKey(node);

    /// <summary>Runs one node.</summary>
    public static void Run(Graph graph, Node node, Tensor[] inputs, Tensor[] outputs)
        => _operators[node.GetType()](new ReferenceCall(graph, node, inputs, outputs));
}
