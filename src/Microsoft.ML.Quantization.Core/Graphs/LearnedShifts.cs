using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>Nodes with a learned number for each channel, and those of them that ReActNet puts around its signs (Liu et al., 2020, equations 2 and 3).</summary>
internal static class LearnedShifts
{
    private const float FirstSlope = 0.25f;

    /// <summary>x ∘ c, c learned, one number a channel, all the same at first; still to be added.</summary>
    public static Binary EachChannel(GraphBuilder builder, string name, ValueId x, BinaryOperator how, float start)
    {
        Shape own = builder[x].Type.Shape;
        var shape = new Shape([own[1], .. Enumerable.Repeat(1, own.Rank - 2)]);
        Tensor values = Tensor.Create<float>(shape, [.. Enumerable.Repeat(start, own[1])]);
        return new Binary { Name = name, Operator = how, Inputs = [x, builder.AddConstant(name + ".value", values, isTrainable: true)] };
    }

    /// <summary>x − τ, so that the sign behind it turns at τ.</summary>
    public static ValueId Shift(GraphBuilder builder, string name, ValueId x) => builder.Add(EachChannel(builder, name + ".shift", x, BinaryOperator.Subtract, 0));

    /// <summary>(x − γ) + ζ above γ, b·(x − γ) + ζ below it; the last of its nodes, still to be added.</summary>
    public static Binary Bend(GraphBuilder builder, string name, ValueId x)
    {
        ValueId before = builder.Add(EachChannel(builder, name + ".before", x, BinaryOperator.Subtract, 0));
        ValueId bent = builder.Add(PRelu(builder, name, before));
        return EachChannel(builder, name + ".behind", bent, BinaryOperator.Add, 0);
    }

    /// <summary>x above 0, b·x below it, still to be added.</summary>
    public static Binary PRelu(GraphBuilder builder, string name, ValueId x) => EachChannel(builder, name + ".prelu", x, BinaryOperator.PRelu, FirstSlope);
}
