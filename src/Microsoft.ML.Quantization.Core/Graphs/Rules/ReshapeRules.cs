using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of operations whose result's shape stands in an attribute.</summary>
internal static class ReshapeRules
{
    public static ImmutableArray<ValueType> Reshape(RuleContext context)
    {
        var reshape = (Reshape)context.Node;
        context.RequireInputs(1, 1);
        Shape shape = context.Shape(0);
        bool valid = reshape.Target.All(d => d >= -1) && reshape.Target.Count(d => d == -1) <= 1;
        context.RequireAttribute(valid && reshape.Target.Length <= Shape.MaximumRank, "dimensions from 1, 0 to copy, at most one -1, rank up to 8");
        int[] target = [.. reshape.Target];
        for (int i = 0; i < target.Length; i++)
        {
            context.RequireAttribute(target[i] != 0 || i < shape.Rank, "a 0 only where the input has a dimension");
            target[i] = target[i] == 0 ? shape[i] : target[i];
        }

        return RuleContext.One(context.Type(0) with { Shape = Complete(context, shape, target, reshape.Target.IndexOf(-1)) });
    }

    private static Shape Complete(RuleContext context, Shape shape, int[] target, int rest)
    {
        bool copied = target.Where((_, i) => i != rest).Contains(Shape.Free);
        long known = target.Where((d, i) => i != rest && d != Shape.Free).Aggregate(1L, (a, d) => Math.Min(a * d, long.MaxValue / int.MaxValue));
        if (rest >= 0)
        {
            bool fits = known == 0 ? shape.FixedCount == 0 : shape.FixedCount % known == 0;
            context.RequireShape(fits, $"a count that {known} divides");
            long others = known == 0 ? 0 : shape.FixedCount / known;
            bool free = shape.IsFree && !copied;
            context.RequireShape(!free || others == 1, "a rest that is the batch alone");
            target[rest] = free ? Shape.Free : (int)others;
        }
        else
        {
            context.RequireShape(known == shape.FixedCount && copied == shape.IsFree, $"{shape.FixedCount} elements{(shape.IsFree ? " a row" : string.Empty)}");
        }

        return new Shape([.. target]);
    }

    public static ImmutableArray<ValueType> Expand(RuleContext context)
    {
        var expand = (Expand)context.Node;
        context.RequireInputs(1, 1);
        context.RequireAttribute(expand.Target.All(d => d >= -1) && expand.Target.Length <= Shape.MaximumRank, "dimensions from 0, or -1 for the batch");
        return RuleContext.One(context.Type(0) with { Shape = ElementwiseRules.Broadcast(context, context.Shape(0), new Shape(expand.Target)) });
    }

    public static ImmutableArray<ValueType> Resize(RuleContext context)
    {
        var resize = (Resize)context.Node;
        context.RequireInputs(1, 1);
        context.Require(context.Type(0).Element == ElementType.Float32 || resize.Mode == ResizeMode.Nearest, "floats, or codes for nearest");
        Shape shape = context.Shape(0);
        bool scales = resize.Scales.All(s => float.IsFinite(s) && s > 0);
        context.RequireAttribute(resize.Sizes.Length == shape.Rank && resize.Scales.Length == shape.Rank && resize.Sizes.All(s => s >= 0) && scales, "one size and positive scale an axis");
        for (int i = 0; i < shape.Rank; i++)
        {
            context.RequireShape(resize.Sizes[i] == 0 || shape[i] > 0, "resized axes of fixed size");
            shape = resize.Sizes[i] == 0 ? shape : shape.With(i, resize.Sizes[i]);
        }

        return RuleContext.One(context.Type(0) with { Shape = shape });
    }
}
