using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Functions of two and more elements.</summary>
internal static class BinaryOperators
{
    /// <summary>Add, Sub, Mul, Div; integers of shapes are computed at import.</summary>
    public static ImportValue Arithmetic(NodeCall call, BinaryOperator binary)
    {
        if (ShapeArithmetic.TryBinary(call, binary) is { } known)
        {
            return known;
        }

        call.RequireNumbers(0, true);
        call.RequireNumbers(1, true);
        return call.Binary(binary, call.Input(0), Aligned(call, call.Input(0), call.Input(1)));
    }

    /// <summary>The exponent may be of another type than the base.</summary>
    public static ImportValue Power(NodeCall call)
    {
        call.RequireFloat(0);
        ImportValue exponent = call.CastTo(call.Input(1), ElementType.Float32);
        return call.Binary(BinaryOperator.Power, call.Input(0), Aligned(call, call.Input(0), exponent));
    }

    /// <summary>x &lt; 0 ? slope · x : x; before operator set 7 a list of slopes is one a channel.</summary>
    public static ImportValue PRelu(NodeCall call)
    {
        call.RequireFloat(0, 1);
        ImportValue x = call.Input(0);
        ImportValue slope = call.Input(1);
        if (call.OperatorSet < 7 && slope.Shape is { Rank: 1, FixedCount: > 1 } && x.Shape.Rank > 2)
        {
            slope = call.ReshapeTo(slope, new Shape([slope.Shape[0], .. Enumerable.Repeat(1, x.Shape.Rank - 2)]));
        }

        return call.Binary(BinaryOperator.PRelu, x, slope);
    }

    /// <summary>Max, Min, Sum of any number of values.</summary>
    public static ImportValue Variadic(NodeCall call, BinaryOperator binary)
    {
        ImportValue result = call.Input(0);
        call.RequireNumbers(0, binary == BinaryOperator.Add);
        for (int i = 1; i < call.InputCount; i++)
        {
            call.RequireNumbers(i, binary == BinaryOperator.Add);
            result = call.Binary(binary, result, call.Input(i));
        }

        return result;
    }

    public static ImportValue Mean(NodeCall call)
    {
        call.RequireFloat(0);
        ImportValue sum = Variadic(call, BinaryOperator.Add);
        return call.InputCount == 1 ? sum : call.Binary(BinaryOperator.Divide, sum, call.Scalar(call.InputCount));
    }

    /// <summary>Before operator set 7, axis says where the shape of b begins within that of a.</summary>
    private static ImportValue Aligned(NodeCall call, ImportValue a, ImportValue b)
    {
        if (call.OperatorSet >= 7 || !call.Attributes.Has("axis") || b.Shape.Rank == 0)
        {
            return b;
        }

        int axis = call.Axis(call.Attributes.Long("axis", 0), a.Shape.Rank);
        call.RequireValid(axis + b.Shape.Rank <= a.Shape.Rank, $"a second shape inside the first one, found {b.Shape} at axis {axis} of {a.Shape}");
        return call.ReshapeTo(b, new Shape([.. b.Shape.Dimensions, .. Enumerable.Repeat(1, a.Shape.Rank - axis - b.Shape.Rank)]));
    }
}
