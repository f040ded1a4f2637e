using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>One line of the operator list.</summary>
/// <param name="Operator">Name, first version, note.</param>
/// <param name="Import">Adds the operator to the graph and gives its first output.</param>
internal sealed record OperatorEntry(OnnxOperator Operator, Func<NodeCall, ImportValue> Import);

/// <summary>The one list of operators: code, tests and documentation read it.</summary>
internal static class OperatorList
{
    private const string Shapes = "shapes and constants, at import";

    /// <summary>The domain of ONNX Runtime's own operators.</summary>
    private const string ContributedDomain = "com.microsoft";

    private static readonly FrozenDictionary<string, OperatorEntry> _byName = Standard.ToFrozenDictionary(e => e.Operator.Name, StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, OperatorEntry> _contributed = Contributed().ToFrozenDictionary(e => e.Operator.Name, StringComparer.Ordinal);

    /// <summary>All lines.</summary>
    public static IEnumerable<OperatorEntry> Entries => Standard.Concat(Contributed());

    private static IEnumerable<OperatorEntry> Standard
        => Linear().Concat(Pools()).Concat(Normalizations()).Concat(Elementwise()).Concat(Comparisons()).Concat(Reductions()).Concat(Structure()).Concat(AtImport()).Concat(Quantization());

    /// <summary>The line of an operator, or null.</summary>
    public static OperatorEntry? Find(string name, string domain) => domain switch
    {
        "" or "ai.onnx" => _byName.GetValueOrDefault(name),
        ContributedDomain => _contributed.GetValueOrDefault(name),
        _ => null,
    };

    private static IEnumerable<OperatorEntry> Linear() =>
    [
        Entry("Conv", 1, ConvolutionOperators.Conv, "1 to 3 spatial axes"),
        Entry("ConvTranspose", 1, ConvolutionOperators.ConvTranspose, "1 to 3 spatial axes"),
        Entry("Gemm", 6, LinearOperators.Gemm),
        Entry("MatMul", 1, LinearOperators.MatMul),
    ];

    private static IEnumerable<OperatorEntry> Pools() =>
    [
        Entry("MaxPool", 1, PoolingOperators.MaxPool, "not the indices"),
        Entry("AveragePool", 1, PoolingOperators.AveragePool),
        Entry("LpPool", 2, PoolingOperators.LpPool, "not ceil_mode"),
        Entry("GlobalAveragePool", 1, PoolingOperators.GlobalAveragePool),
        Entry("GlobalMaxPool", 1, PoolingOperators.GlobalMaxPool),
        Entry("GlobalLpPool", 2, PoolingOperators.GlobalLpPool, "p = 1 and 2"),
    ];

    private static IEnumerable<OperatorEntry> Normalizations() =>
    [
        Entry("BatchNormalization", 6, NormalizationOperators.BatchNormalization, "inference"),
        Entry("InstanceNormalization", 6, NormalizationOperators.InstanceNormalization),
        Entry("LayerNormalization", 17, NormalizationOperators.LayerNormalization),
        Entry("GroupNormalization", 18, NormalizationOperators.GroupNormalization),
        Entry("LRN", 1, NormalizationOperators.LocalResponseNormalization),
        Entry("Softmax", 1, NormalizationOperators.Softmax),
        Entry("LogSoftmax", 1, NormalizationOperators.LogSoftmax),
    ];

    private static IEnumerable<OperatorEntry> Elementwise() =>
    [
        .. Unary(6, "LeakyRelu", "Elu", "Selu", "Sigmoid", "HardSigmoid", "Tanh", "Exp", "Log", "Sqrt", "Abs", "Floor", "Ceil", "Reciprocal"),
        .. Unary(1, "Softplus", "Softsign"),
        .. Unary(9, "Erf", "Sign"),
        .. Unary(10, "ThresholdedRelu"),
        .. Unary(11, "Round"),
        .. Unary(12, "Celu"),
        .. Unary(14, "HardSwish"),
        .. Unary(18, "Mish"),
        .. Unary(24, "Swish"),
        Entry("Neg", 6, UnaryOperators.Negate),
        Entry("Relu", 6, UnaryOperators.Relu),
        Entry("Gelu", 20, UnaryOperators.Gelu),
        Entry("Clip", 6, UnaryOperators.Clip, "also on codes behind QuantizeLinear, where it narrows their range"),
        Entry("Add", 6, c => BinaryOperators.Arithmetic(c, BinaryOperator.Add)),
        Entry("Sub", 6, c => BinaryOperators.Arithmetic(c, BinaryOperator.Subtract)),
        Entry("Mul", 6, c => BinaryOperators.Arithmetic(c, BinaryOperator.Multiply)),
        Entry("Div", 6, c => BinaryOperators.Arithmetic(c, BinaryOperator.Divide)),
        Entry("Pow", 1, BinaryOperators.Power, "float bases"),
        Entry("PRelu", 6, BinaryOperators.PRelu),
        Entry("Max", 6, c => BinaryOperators.Variadic(c, BinaryOperator.Maximum), "float"),
        Entry("Min", 6, c => BinaryOperators.Variadic(c, BinaryOperator.Minimum), "float"),
        Entry("Sum", 6, c => BinaryOperators.Variadic(c, BinaryOperator.Add), "float"),
        Entry("Mean", 6, BinaryOperators.Mean),
        Entry("Where", 9, ShapeOperators.Where),
        Entry("Cast", 6, ShapeOperators.Cast, "float16, bfloat16 and double are float32 here"),
        Entry("CastLike", 15, ShapeOperators.CastLike),
    ];

    private static IEnumerable<OperatorEntry> Comparisons() =>
    [
        Entry("Equal", 7, c => Comparison(c, (a, b) => a == b) ?? ComparisonOperators.Equal(c), "integers and Booleans"),
        Entry("Greater", 7, c => Comparison(c, (a, b) => a > b) ?? ComparisonOperators.Greater(c, 0, 1)),
        Entry("GreaterOrEqual", 12, c => Comparison(c, (a, b) => a >= b) ?? ComparisonOperators.NotGreater(c, 1, 0), "integers"),
        Entry("Less", 7, c => Comparison(c, (a, b) => a < b) ?? ComparisonOperators.Greater(c, 1, 0)),
        Entry("LessOrEqual", 12, c => Comparison(c, (a, b) => a <= b) ?? ComparisonOperators.NotGreater(c, 0, 1), "integers"),
        Entry("Not", 1, ComparisonOperators.Not),
        Entry("And", 7, ComparisonOperators.And),
        Entry("Or", 7, ComparisonOperators.Or),
    ];

    private static IEnumerable<OperatorEntry> Reductions() =>
    [
        Reduction("ReduceSum", ReduceOperator.Sum),
        Reduction("ReduceMean", ReduceOperator.Mean),
        Reduction("ReduceMax", ReduceOperator.Maximum),
        Reduction("ReduceMin", ReduceOperator.Minimum),
        Reduction("ReduceProd", ReduceOperator.Product),
        Reduction("ReduceL1", ReduceOperator.L1),
        Reduction("ReduceL2", ReduceOperator.L2),
        Reduction("ReduceSumSquare", ReduceOperator.SumSquare),
        Reduction("ReduceLogSum", ReduceOperator.LogSum),
        Reduction("ReduceLogSumExp", ReduceOperator.LogSumExp),
    ];

    private static IEnumerable<OperatorEntry> Structure() =>
    [
        Entry("Concat", 4, StructuralOperators.Concat),
        Entry("Slice", 1, StructuralOperators.Slice, "constant bounds"),
        Entry("Split", 2, StructuralOperators.Split, "constant sizes"),
        Entry("Pad", 1, StructuralOperators.Pad, "constant, reflect, edge; constant pads"),
        Entry("Gather", 1, StructuralOperators.Gather),
        Entry("Transpose", 1, StructuralOperators.Transpose),
        Entry("Tile", 6, StructuralOperators.Tile, "constant repeats up to 4096"),
        Entry("Identity", 1, StructuralOperators.Identity),
        Entry("Dropout", 6, StructuralOperators.Identity, "inference"),
        Entry("Reshape", 1, ReshapeOperators.Reshape, "the batch stays an axis of its own"),
        Entry("Flatten", 1, ReshapeOperators.Flatten),
        Entry("Squeeze", 1, ReshapeOperators.Squeeze),
        Entry("Unsqueeze", 1, ReshapeOperators.Unsqueeze),
        Entry("Expand", 8, ReshapeOperators.Expand, "of the free batch the first axis only"),
        Entry("DepthToSpace", 1, ReshapeOperators.DepthToSpace),
        Entry("SpaceToDepth", 1, ReshapeOperators.SpaceToDepth),
        Entry("Resize", 10, ResizeOperators.Resize, "not antialias, tf_crop_and_resize, tf_half_pixel_for_nn; constant scales or sizes"),
        Entry("Upsample", 7, ResizeOperators.Upsample),
    ];

    private static IEnumerable<OperatorEntry> AtImport() =>
    [
        Entry("Constant", 1, ShapeOperators.Constant, "not texts and sparse tensors"),
        Entry("ConstantOfShape", 9, ShapeOperators.ConstantOfShape, "constant shapes; the first axis may be the batch"),
        Entry("Shape", 1, ShapeOperators.ShapeOf, Shapes),
        Entry("Size", 1, ShapeOperators.SizeOf, Shapes),
        Entry("Range", 11, ShapeOperators.Range, Shapes),
    ];

    private static IEnumerable<OperatorEntry> Quantization() =>
    [
        Entry("QuantizeLinear", 10, QuantizationOperators.QuantizeLinear, "2 to 16 bits; per axis for constants and directly before DequantizeLinear; not blocks"),
        Entry("DequantizeLinear", 10, QuantizationOperators.DequantizeLinear, "2 to 32 bits; blocks of constants become floats"),
        Entry("QLinearConv", 10, QuantizedLinearOperators.Conv, "8 bits; as Dequantize, Conv, Quantize"),
        Entry("QLinearMatMul", 10, QuantizedLinearOperators.MatMul, "8 bits; as Dequantize, MatMul, Quantize"),
    ];

    private static IEnumerable<OperatorEntry> Contributed() =>
    [
        Entry("MatMulNBits", 1, BlockedLinearOperators.MatMulNBits, "domain com.microsoft; 2, 4 and 8 bits; not g_idx"),
    ];

    private static ImportValue? Comparison(NodeCall call, Func<long, long, bool> compare) => ShapeArithmetic.TryCompare(call, compare);

    private static OperatorEntry Entry(string name, int since, Func<NodeCall, ImportValue> import, string note = "") => new(new OnnxOperator(name, since, note), import);

    private static OperatorEntry Reduction(string name, ReduceOperator reduce) => Entry(name, 1, c => ReductionOperators.Import(c, reduce), "float");

    private static IEnumerable<OperatorEntry> Unary(int since, params string[] names) => names.Select(n => Entry(n, since, c => UnaryOperators.Import(c, n)));
}
