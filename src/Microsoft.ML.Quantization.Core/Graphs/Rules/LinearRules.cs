using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of convolutions and matrix products.</summary>
internal static class LinearRules
{
    public static ImmutableArray<ValueType> Convolution(RuleContext context)
    {
        var convolution = (Convolution)context.Node;
        context.RequireInputs(2, 3);
        context.RequireFloat(0, 2);
        return RuleContext.Float(ConvolutionShape(context, convolution.Window, convolution.Groups));
    }

    public static Shape ConvolutionShape(RuleContext context, Window window, int groups)
    {
        Shape x = context.Shape(0);
        Shape w = context.Shape(1);
        ImmutableArray<int> spatial = context.Spatial(window, x);
        context.RequireAttribute(groups > 0 && x[1] > 0 && x[1] % groups == 0, "groups that divide the input channels");
        context.RequireShape(w.Rank == x.Rank && w[1] == x[1] / groups && w[0] > 0 && w[0] % groups == 0, $"weights [O, {x[1] / groups}, kernel] with O a multiple of {groups}");
        for (int i = 0; i < window.Rank; i++)
        {
            context.RequireShape(w[i + 2] == window.Kernel[i], "weights of the kernel's size");
        }

        RequireBias(context, w[0]);
        return new Shape([x[0], w[0], .. spatial]);
    }

    public static ImmutableArray<ValueType> ConvolutionTranspose(RuleContext context)
    {
        var transpose = (ConvolutionTranspose)context.Node;
        context.RequireInputs(2, 3);
        context.RequireFloat(0, 2);
        Shape x = context.Shape(0);
        Shape w = context.Shape(1);
        _ = context.Spatial(transpose.Window with { PadsBegin = transpose.Window.Kernel, PadsEnd = transpose.Window.Kernel, Dilations = Ones(transpose.Window.Rank) }, x);
        context.RequireAttribute(transpose.Groups > 0 && x[1] > 0 && x[1] % transpose.Groups == 0 && transpose.OutputPadding.Length == transpose.Window.Rank, "groups that divide the input channels and one output padding an axis");
        context.RequireShape(w.Rank == x.Rank && w[0] == x[1] && w[1] > 0, $"weights [{x[1]}, O/{transpose.Groups}, kernel]");
        var spatial = ImmutableArray.CreateBuilder<int>();
        for (int i = 0; i < transpose.Window.Rank; i++)
        {
            context.RequireShape(w[i + 2] == transpose.Window.Kernel[i], "weights of the kernel's size");
            context.RequireAttribute(WindowRules.IsValid(transpose.Window, i) && transpose.OutputPadding[i] >= 0, "a valid window");
            long size = ((long)transpose.Window.Strides[i] * (x[i + 2] - 1)) + transpose.OutputPadding[i]
                + ((long)transpose.Window.Dilations[i] * (transpose.Window.Kernel[i] - 1)) + 1 - transpose.Window.PadsBegin[i] - transpose.Window.PadsEnd[i];
            context.RequireShape(size is > 0 and < 1 << 24, "a positive output size");
            spatial.Add((int)size);
        }

        RequireBias(context, w[1] * transpose.Groups);
        return RuleContext.Float(new Shape([x[0], w[1] * transpose.Groups, .. spatial]));
    }

    public static ImmutableArray<ValueType> Dense(RuleContext context)
    {
        context.RequireInputs(2, 3);
        context.RequireFloat(0, 2);
        return RuleContext.Float(DenseShape(context));
    }

    public static Shape DenseShape(RuleContext context)
    {
        Shape x = context.Shape(0);
        Shape w = context.Shape(1);
        context.RequireShape(x.Rank >= 1 && w.Rank == 2 && x[-1] == w[1] && w[0] > 0 && w[1] > 0, "x [.., K] and weights [O, K]");
        RequireBias(context, w[0]);
        return x.With(x.Rank - 1, w[0]);
    }

    public static ImmutableArray<ValueType> MatMul(RuleContext context)
    {
        context.RequireInputs(2, 2);
        context.RequireFloat(0, 1);
        return RuleContext.Float(MatMulShape(context));
    }

    public static Shape MatMulShape(RuleContext context)
    {
        Shape a = context.Shape(0);
        Shape b = context.Shape(1);
        context.RequireShape(a.Rank >= 1 && b.Rank >= 1, "ranks from 1");
        Shape left = a.Rank == 1 ? new Shape([1, .. a.Dimensions]) : a;
        Shape right = b.Rank == 1 ? new Shape([.. b.Dimensions, 1]) : b;
        context.RequireShape(left[-1] == right[-2], "inner sizes that agree");
        Shape batch = ElementwiseRules.Broadcast(context, new Shape(left.Dimensions[..^2]), new Shape(right.Dimensions[..^2]));
        ImmutableArray<int> result = batch.Dimensions;
        result = a.Rank > 1 ? result.Add(left[-2]) : result;
        result = b.Rank > 1 ? result.Add(right[-1]) : result;
        return new Shape(result);
    }

    private static void RequireBias(RuleContext context, int channels)
        => context.RequireShape(context.Count < 3 || (context.Shape(2).Rank == 1 && context.Shape(2)[0] == channels), $"a bias [{channels}]");

    private static ImmutableArray<int> Ones(int count)
    {
        var ones = new int[count];
        System.Array.Fill(ones, 1);
        return [.. ones];
    }
}
