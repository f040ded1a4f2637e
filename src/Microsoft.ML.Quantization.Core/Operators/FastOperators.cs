using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>The fast operators of all node kinds: the bytes of the normative ones, at the speed of the kernel set.</summary>
public static class FastOperators
{
    private static readonly FrozenDictionary<Type, Action<OperatorCall>> _operators = new Dictionary<Type, Action<OperatorCall>>
    {
        [typeof(Convolution)] = ConvolutionOperators.Convolution,
        [typeof(ConvolutionTranspose)] = TransposedConvolutionOperator.Run,
        [typeof(Dense)] = ConvolutionOperators.Dense,
        [typeof(MatMul)] = MatMulOperator.Run,
        [typeof(Cast)] = ElementwiseOperators.Cast,
        [typeof(MaxPool)] = PoolingOperators.MaxPool,
        [typeof(AveragePool)] = PoolingOperators.AveragePool,
        [typeof(GlobalAveragePool)] = PoolingOperators.GlobalAveragePool,
        [typeof(BatchNormalization)] = NormalizationOperators.BatchNormalization,
        [typeof(InstanceNormalization)] = NormalizationOperators.InstanceNormalization,
        [typeof(LocalResponseNormalization)] = NormalizationOperators.LocalResponseNormalization,
        [typeof(Reduce)] = ReductionOperators.Reduce,
        [typeof(Concat)] = StructuralOperators.Concat,
        [typeof(Split)] = StructuralOperators.Split,
        [typeof(Pad)] = StructuralOperators.Pad,
        [typeof(Reshape)] = StructuralOperators.Reshape,
        [typeof(Resize)] = ResizeOperator.Run,
        [typeof(FakeQuantize)] = QuantizationOperators.FakeQuantize,
        [typeof(LearnedQuantize)] = c => ((LearnedQuantize)c.Node).Evaluate(c.Inputs, c.Outputs[0], c.Pool),
        [typeof(FoldedWeights)] = c => ((FoldedWeights)c.Node).Evaluate(c.Inputs, c.Outputs[0]),
        [typeof(FoldedNormalization)] = c => ((FoldedNormalization)c.Node).Evaluate(c.Inputs, c.Outputs[0]),
        [typeof(Quantize)] = QuantizationOperators.Quantize,
        [typeof(Dequantize)] = QuantizationOperators.Dequantize,
        [typeof(IntegerConvolution)] = IntegerProductOperators.Convolution,
        [typeof(IntegerDense)] = IntegerProductOperators.Dense,
        [typeof(IntegerMatMul)] = MatMulOperator.Codes,
        [typeof(GroupedDense)] = GroupedDenseOperator.Run,
        [typeof(Requantize)] = IntegerElementwise.Requantize,
        [typeof(DequantizeAccumulator)] = IntegerElementwise.DequantizeAccumulator,
        [typeof(IntegerAdd)] = IntegerElementwise.Add,
        [typeof(IntegerMultiply)] = IntegerElementwise.Multiply,
        [typeof(IntegerAveragePool)] = PoolingOperators.IntegerAveragePool,
        [typeof(LookupTable)] = IntegerElementwise.LookupTable,
        [typeof(Staircase)] = StaircaseOperators.Staircase,
        [typeof(Thresholds)] = StaircaseOperators.Thresholds,
        [typeof(CombineAccumulators)] = StaircaseOperators.CombineAccumulators,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<Type, Func<OperatorCall, PreparedWork>> _prepared = new Dictionary<Type, Func<OperatorCall, PreparedWork>>
    {
        [typeof(Unary)] = ElementwiseOperators.Unary,
        [typeof(Binary)] = ElementwiseOperators.Binary,
        [typeof(Where)] = ElementwiseOperators.Where,
        [typeof(LayerNormalization)] = NormalizationOperators.LayerNormalization,
        [typeof(Softmax)] = NormalizationOperators.Softmax,
        [typeof(Slice)] = StructuralOperators.Slice,
        [typeof(Gather)] = StructuralOperators.Gather,
        [typeof(Transpose)] = StructuralOperators.Transpose,
        [typeof(Expand)] = StructuralOperators.Expand,
    }.ToFrozenDictionary();

    /// <summary>Whether the node's kind has an operator.</summary>
    public static bool Supports(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return Contains(node.GetType());
    }

    /// <summary>Runs one node; every element of its outputs is written.</summary>
    /// <exception cref="QuantizationException">Indices outside their axis; an integer sum outside int32.</exception>
    public static void Run(OperatorCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (_prepared.TryGetValue(call.Node.GetType(), out Func<OperatorCall, PreparedWork>? prepare))
        {
            prepare(call).Share(call.Pool);
            return;
        }

        _operators[call.Node.GetType()](call);
    }

    internal static bool Contains(Type kind) => _operators.ContainsKey(kind) || _prepared.ContainsKey(kind);

    /// <summary>Whether nodes of the kind can be prepared once and run many times over the same tensors.</summary>
    internal static bool CanPrepare(Node node) => _prepared.ContainsKey(node.GetType());

    /// <summary>Binds a node to its tensors.</summary>
    internal static PreparedWork Prepare(OperatorCall call) => _prepared[call.Node.GetType()](call);
}
