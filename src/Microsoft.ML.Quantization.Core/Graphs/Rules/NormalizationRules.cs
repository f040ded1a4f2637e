using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of normalisations.</summary>
internal static class NormalizationRules
{
    public static ImmutableArray<ValueType> BatchNormalization(RuleContext context)
    {
        context.RequireInputs(5, 5);
        return PerChannel(context);
    }

    public static ImmutableArray<ValueType> FoldedWeights(RuleContext context)
    {
        context.RequireInputs(3, 3);
        context.RequireFloat(0, 2);
        Shape w = context.Shape(0);
        context.RequireShape(w.Rank >= 2 && !w.IsFree && context.Shape(1).Equals(Shape.Of(w[0])) && context.Shape(2).Equals(Shape.Of(w[0])), "weights [O, ..] and two parameters [O]");
        return RuleContext.Float(w);
    }

    public static ImmutableArray<ValueType> FoldedNormalization(RuleContext context)
    {
        context.RequireInputs(6, 6);
        context.RequireFloat(0, 5);
        Shape y = context.Shape(0);
        context.RequireShape(y.Rank >= 2 && context.Shape(1).Equals(y), "two inputs [N, C, ..] of one shape");
        for (int i = 2; i < context.Count; i++)
        {
            context.RequireShape(context.Shape(i).Rank == 1 && context.Shape(i)[0] == y[1], $"parameters [{y[1]}]");
        }

        return RuleContext.Float(y);
    }

    public static ImmutableArray<ValueType> InstanceNormalization(RuleContext context)
    {
        context.RequireInputs(3, 3);
        context.RequireShape(context.Shape(0).Rank >= 3, "an input [N, C, spatial]");
        return PerChannel(context);
    }

    public static ImmutableArray<ValueType> LayerNormalization(RuleContext context)
    {
        context.RequireInputs(2, 3);
        context.RequireFloat(0, 2);
        Shape x = context.Shape(0);
        int axis = x.Axis(((LayerNormalization)context.Node).Axis);
        int size = x.CountOf(axis, x.Rank);
        for (int i = 1; i < context.Count; i++)
        {
            context.RequireShape(!context.Shape(i).IsFree && context.Shape(i).Count == size && size > 0, $"scale and shift of {size} values");
        }

        return RuleContext.Float(x);
    }

    public static ImmutableArray<ValueType> LocalResponseNormalization(RuleContext context)
    {
        context.RequireInputs(1, 1);
        context.RequireFloat(0, 0);
        context.RequireShape(context.Shape(0).Rank >= 2, "an input [N, C, ..]");
        context.RequireAttribute(((LocalResponseNormalization)context.Node).Size > 0, "a size from 1");
        return RuleContext.Float(context.Shape(0));
    }

    public static ImmutableArray<ValueType> Softmax(RuleContext context)
    {
        context.RequireInputs(1, 1);
        context.RequireFloat(0, 0);
        _ = context.Shape(0).Axis(((Softmax)context.Node).Axis);
        return RuleContext.Float(context.Shape(0));
    }

    private static ImmutableArray<ValueType> PerChannel(RuleContext context)
    {
        context.RequireFloat(0, context.Count - 1);
        Shape x = context.Shape(0);
        context.RequireShape(x.Rank >= 2, "an input [N, C, ..]");
        for (int i = 1; i < context.Count; i++)
        {
            context.RequireShape(context.Shape(i).Rank == 1 && context.Shape(i)[0] == x[1], $"parameters [{x[1]}]");
        }

        return RuleContext.Float(x);
    }
}
