using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Comparisons and logic of values computed at run time, made of differences, casts and choices.</summary>
internal static class ComparisonOperators
{
    /// <summary>a = b: not (a − b ≠ 0).</summary>
    public static ImportValue Equal(NodeCall call)
    {
        ImportValue a = Integer(call, 0);
        return Not(call, call.CastTo(call.Binary(BinaryOperator.Subtract, a, Integer(call, 1)), ElementType.Boolean));
    }

    /// <summary>a &gt; b: max(0, a − b) ≠ 0, which is false for a NaN on either side; differences of integers wrap.</summary>
    public static ImportValue Greater(NodeCall call, int left, int right)
    {
        call.RequireNumbers(0, true);
        call.RequireNumbers(1, true);
        ImportValue difference = call.CastTo(call.Binary(BinaryOperator.Subtract, call.Input(left), call.Input(right)), ElementType.Float32);
        return call.CastTo(call.Binary(BinaryOperator.Maximum, call.Scalar(0), difference), ElementType.Boolean);
    }

    /// <summary>Not (a &gt; b) of integers.</summary>
    public static ImportValue NotGreater(NodeCall call, int left, int right)
    {
        _ = Integer(call, 0);
        _ = Integer(call, 1);
        return Not(call, Greater(call, left, right));
    }

    public static ImportValue Not(NodeCall call) => Not(call, Boolean(call, 0));

    public static ImportValue And(NodeCall call) => call.Emit(new Where(), Boolean(call, 0), Boolean(call, 1), Constant(call, false));

    public static ImportValue Or(NodeCall call) => call.Emit(new Where(), Boolean(call, 0), Constant(call, true), Boolean(call, 1));

    private static ImportValue Not(NodeCall call, ImportValue x) => call.Emit(new Where(), x, Constant(call, false), Constant(call, true));

    private static ImportValue Constant(NodeCall call, bool value) => call.NewConstant(Tensor.Create(Shape.Scalar, [value]));

    private static ImportValue Boolean(NodeCall call, int input)
    {
        ImportValue x = call.Input(input);
        call.RequireValid(x.Type.Element == ElementType.Boolean, $"input {input} of Boolean, found {x.Type}");
        return x;
    }

    private static ImportValue Integer(NodeCall call, int input)
    {
        ImportValue x = call.Input(input);
        call.RequireSupported(
            x.Type.Element is ElementType.Int64 or ElementType.Int32 or ElementType.Boolean && !x.Type.IsCodes,
            $"expected integers or Booleans to compare at run time, found {x.Type}; of floats only > and < are supported");
        return x.Type.Element == ElementType.Boolean ? call.CastTo(x, ElementType.Int32) : x;
    }
}
