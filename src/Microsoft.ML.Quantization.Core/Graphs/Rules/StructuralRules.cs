using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of operations that only move elements; element type and quantizer pass through.</summary>
internal static class StructuralRules
{
    public static ImmutableArray<ValueType> Concat(RuleContext context)
    {
        context.RequireInputs(1, 4096);
        Shape first = context.Shape(0);
        int axis = first.Axis(((Concat)context.Node).Axis);
        long total = 0;
        for (int i = 0; i < context.Count; i++)
        {
            Shape shape = context.Shape(i);
            context.Require(context.Type(i) with { Shape = first } == context.Type(0), "inputs of one type");
            context.RequireShape(shape.Rank == first.Rank && shape[axis] != Shape.Free && shape.With(axis, first[axis]).Equals(first), "inputs that agree outside the axis, which is fixed");
            total += shape[axis];
        }

        context.RequireShape(total <= int.MaxValue, "fewer than 2^31 elements");
        return RuleContext.One(context.Type(0) with { Shape = first.With(axis, (int)total) });
    }

    public static ImmutableArray<ValueType> Slice(RuleContext context)
    {
        var slice = (Slice)context.Node;
        context.RequireInputs(1, 1);
        int count = slice.Axes.Length;
        context.RequireAttribute(slice.Starts.Length == count && slice.Ends.Length == count && slice.Steps.Length == count && !slice.Steps.Contains(0), "one start, end and step (not 0) an axis");
        Shape shape = context.Shape(0);
        context.RequireAttribute(slice.Axes.Select(shape.Axis).Distinct().Count() == count, "axes that differ");
        for (int i = 0; i < count; i++)
        {
            int size = shape[shape.Axis(slice.Axes[i])];
            context.RequireShape(size != Shape.Free, "sliced axes of fixed size");
            (_, int length) = SliceRange(slice.Starts[i], slice.Ends[i], slice.Steps[i], size);
            shape = shape.With(slice.Axes[i], length);
        }

        return RuleContext.One(context.Type(0) with { Shape = shape });
    }

    /// <summary>First position and number of positions of a slice over an axis of the given size.</summary>
    public static (int Start, int Length) SliceRange(int start, int end, int step, int size)
    {
        if (size == 0)
        {
            return (0, 0);
        }

        long from = start < 0 ? (long)start + size : start;
        long to = end < 0 ? (long)end + size : end;
        from = Math.Clamp(from, 0, step > 0 ? size : size - 1);
        to = step > 0 ? Math.Clamp(to, 0, size) : Math.Clamp(to, -1, size - 1);
        long span = step > 0 ? to - from : from - to;
        long stride = Math.Abs((long)step);
        return ((int)from, span <= 0 ? 0 : (int)((span + stride - 1) / stride));
    }

    public static ImmutableArray<ValueType> Split(RuleContext context)
    {
        var split = (Split)context.Node;
        context.RequireInputs(1, 1);
        Shape shape = context.Shape(0);
        int axis = shape.Axis(split.Axis);
        context.RequireAttribute(split.Sizes.All(s => s >= 0) && split.Sizes.Sum(s => (long)s) == shape[axis], $"sizes that sum to {shape[axis]}");
        return [.. split.Sizes.Select(s => context.Type(0) with { Shape = shape.With(axis, s) })];
    }

    public static ImmutableArray<ValueType> Pad(RuleContext context)
    {
        var pad = (Pad)context.Node;
        context.RequireInputs(1, 1);
        Shape shape = context.Shape(0);
        context.RequireAttribute(pad.Before.Length == shape.Rank && pad.After.Length == shape.Rank, "one number before and behind each axis");
        for (int i = 0; i < shape.Rank; i++)
        {
            if (pad.Before[i] == 0 && pad.After[i] == 0)
            {
                continue;
            }

            long size = (long)shape[i] + pad.Before[i] + pad.After[i];
            context.RequireShape(shape[i] != Shape.Free && size is >= 0 and < int.MaxValue, "padded axes of fixed size");
            bool mirrored = pad.Mode != PadMode.Reflect || (pad.Before[i] < shape[i] && pad.After[i] < shape[i]);
            context.RequireShape(mirrored && (pad.Mode == PadMode.Constant || shape[i] > 0), "enough elements to mirror or repeat");
            shape = shape.With(i, (int)size);
        }

        bool code = context.Type(0).Quantization is not { } quantization || (pad.Value == MathF.Floor(pad.Value) && quantization.Range.Contains((int)pad.Value));
        context.RequireAttribute(code, "a padding value that is a code of the input");
        return RuleContext.One(context.Type(0) with { Shape = shape });
    }

    public static ImmutableArray<ValueType> Gather(RuleContext context)
    {
        context.RequireInputs(2, 2);
        context.Require(context.Type(1).Element == ElementType.Int64, "indices of Int64");
        Shape shape = context.Shape(0);
        int axis = shape.Axis(((Gather)context.Node).Axis);
        context.RequireShape(shape[axis] > 0, "a gathered axis of fixed size");
        return RuleContext.One(context.Type(0) with { Shape = new Shape([.. shape.Dimensions[..axis], .. context.Shape(1).Dimensions, .. shape.Dimensions[(axis + 1)..]]) });
    }

    public static ImmutableArray<ValueType> Transpose(RuleContext context)
    {
        var transpose = (Transpose)context.Node;
        context.RequireInputs(1, 1);
        Shape shape = context.Shape(0);
        context.RequireAttribute(transpose.Permutation.Order().SequenceEqual(Enumerable.Range(0, shape.Rank)), $"a permutation of {shape.Rank} axes");
        return RuleContext.One(context.Type(0) with { Shape = new Shape([.. transpose.Permutation.Select(p => shape[p])]) });
    }
}
