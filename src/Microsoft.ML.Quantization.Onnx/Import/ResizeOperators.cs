using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Resize (operator sets 10, 11, 13, 18, 19) and Upsample.</summary>
internal static class ResizeOperators
{
    /// <summary>Upsample and Resize 10: positions x / scale, nearest rounds down.</summary>
    public static ImportValue Upsample(NodeCall call)
    {
        Shape shape = call.Shape(0);
        ImmutableArray<float> scales = call.Attributes.Floats("scales") ?? Floats(call, 1, "scales");
        return Emit(call, call.Attributes.Text("mode", "nearest"), Sizes(call, shape, scales, AllAxes(shape)), ResizeCoordinates.Asymmetric, ResizeNearest.Floor);
    }

    public static ImportValue Resize(NodeCall call)
    {
        if (call.OperatorSet < 11)
        {
            return Upsample(call);
        }

        Shape shape = call.Shape(0);
        ImmutableArray<int> axes = call.Attributes.Longs("axes") is { } given ? call.Axes(given, shape.Rank) : AllAxes(shape);
        bool bySizes = call.Has(3) && call.Shape(3).FixedCount > 0;
        string policy = call.Attributes.Text("keep_aspect_ratio_policy", "stretch");
        (int[] Sizes, float[] Scales) target = bySizes ? FromSizes(call, shape, axes, policy) : Sizes(call, shape, Floats(call, 2, "scales"), axes);
        return Emit(call, call.Attributes.Text("mode", "nearest"), target, Coordinates(call), Nearest(call));
    }

    private static ImportValue Emit(NodeCall call, string mode, (int[] Sizes, float[] Scales) target, ResizeCoordinates coordinates, ResizeNearest nearest)
    {
        bool shrinks = mode is not "nearest" && target.Scales.Any(s => s < 1);
        call.RequireSupported(!(call.Attributes.Flag("antialias") && shrinks), "antialias is not supported");
        var node = new Resize
        {
            Mode = mode switch
            {
                "nearest" => ResizeMode.Nearest,
                "linear" or "bilinear" => ResizeMode.Linear,
                "cubic" => ResizeMode.Cubic,
                _ => throw call.Unsupported($"mode '{mode}' is not supported"),
            },
            Coordinates = coordinates,
            Nearest = nearest,
            CubicCoefficient = call.Attributes.Float("cubic_coeff_a", -0.75f),
            ExcludeOutside = call.Attributes.Flag("exclude_outside"),
            Sizes = [.. target.Sizes],
            Scales = [.. target.Scales],
        };
        return target.Sizes.All(s => s == 0) ? call.Input(0) : call.Emit(node, call.Input(0));
    }

    private static (int[] Sizes, float[] Scales) Sizes(NodeCall call, Shape shape, ImmutableArray<float> scales, ImmutableArray<int> axes)
    {
        call.RequireValid(scales.Length == axes.Length && scales.All(s => float.IsFinite(s) && s > 0), $"{axes.Length} positive scales, found {scales.Length}");
        (int[] Sizes, float[] Scales) result = Unchanged(shape);
        for (int i = 0; i < axes.Length; i++)
        {
            if (scales[i] != 1)
            {
                call.RequireSupported(shape[axes[i]] != Shape.Free, "a resized batch is not supported");
                double size = Math.Floor((double)shape[axes[i]] * scales[i]);
                call.RequireValid(size is >= 1 and < 1 << 24, "sizes from 1 to 2^24");
                (result.Sizes[axes[i]], result.Scales[axes[i]]) = ((int)size, scales[i]);
            }
        }

        return result;
    }

    private static (int[] Sizes, float[] Scales) FromSizes(NodeCall call, Shape shape, ImmutableArray<int> axes, string policy)
    {
        ImmutableArray<Symbol> sizes = call.Symbols(3, "sizes");
        call.RequireValid(sizes.Length == axes.Length, $"{axes.Length} sizes, found {sizes.Length}");
        (int[] Sizes, float[] Scales) result = Unchanged(shape);
        float? common = Common(call, shape, axes, sizes, policy);
        for (int i = 0; i < axes.Length; i++)
        {
            int size = shape[axes[i]];
            if (sizes[i] == Symbol.OfDimension(size))
            {
                continue;
            }

            call.RequireSupported(!sizes[i].IsBatch && size != Shape.Free, "a resized batch is not supported");
            call.RequireValid(sizes[i].Factor is >= 1 and < 1 << 24 && size > 0, "sizes from 1 to 2^24");
            float scale = common ?? ((float)sizes[i].Factor / size);
            (result.Sizes[axes[i]], result.Scales[axes[i]]) = (common is null ? (int)sizes[i].Factor : (int)Math.Floor((scale * size) + 0.5), scale);
        }

        return result;
    }

    /// <summary>The one scale of the policies that keep the aspect ratio.</summary>
    private static float? Common(NodeCall call, Shape shape, ImmutableArray<int> axes, ImmutableArray<Symbol> sizes, string policy)
    {
        if (policy == "stretch")
        {
            return null;
        }

        call.RequireSupported(policy is "not_larger" or "not_smaller", $"keep_aspect_ratio_policy '{policy}' is not supported");
        call.RequireSupported(axes.All(a => shape[a] > 0) && !sizes.Any(s => s.IsBatch), "a resized batch is not supported");
        float[] scales = [.. axes.Select((a, i) => (float)sizes[i].Factor / shape[a])];
        return scales.Length == 0 ? null : policy == "not_larger" ? scales.Min() : scales.Max();
    }

    private static ResizeCoordinates Coordinates(NodeCall call)
    {
        string mode = call.Attributes.Text("coordinate_transformation_mode", "half_pixel");
        return mode switch
        {
            "half_pixel" => ResizeCoordinates.HalfPixel,
            "asymmetric" => ResizeCoordinates.Asymmetric,
            "align_corners" => ResizeCoordinates.AlignCorners,
            "pytorch_half_pixel" => ResizeCoordinates.PytorchHalfPixel,
            "half_pixel_symmetric" => ResizeCoordinates.HalfPixelSymmetric,
            _ => throw call.Unsupported($"coordinate_transformation_mode '{mode}' is not supported"),
        };
    }

    private static ResizeNearest Nearest(NodeCall call)
    {
        string mode = call.Attributes.Text("nearest_mode", "round_prefer_floor");
        return mode switch
        {
            "round_prefer_floor" => ResizeNearest.RoundPreferFloor,
            "round_prefer_ceil" => ResizeNearest.RoundPreferCeil,
            "floor" => ResizeNearest.Floor,
            "ceil" => ResizeNearest.Ceil,
            _ => throw call.Unsupported($"nearest_mode '{mode}' is not supported"),
        };
    }

    private static ImmutableArray<float> Floats(NodeCall call, int index, string what)
    {
        call.RequireFloat(index);
        return [.. call.Constant(index, what).Values<float>()];
    }

    private static ImmutableArray<int> AllAxes(Shape shape) => [.. Enumerable.Range(0, shape.Rank)];

    private static (int[] Sizes, float[] Scales) Unchanged(Shape shape) => (new int[shape.Rank], [.. Enumerable.Repeat(1f, shape.Rank)]);
}
