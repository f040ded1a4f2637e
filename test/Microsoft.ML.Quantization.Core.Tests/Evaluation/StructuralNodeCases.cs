using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>Random cases of the node kinds that move elements; floats, codes of several widths or int64.</summary>
internal static class StructuralNodeCases
{
    public static NodeCase Concat(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 5);
        int axis = c.Dice.Next(0, shape.Length - 1);
        Func<ImmutableArray<int>, ValueId> values = Values(c);
        ImmutableArray<ValueId> parts = [.. Enumerable.Range(0, c.Dice.Next(1, 4)).Select(_ => values(shape.SetItem(axis, c.Dice.Next(0, 4))))];
        return c.Build(new Concat { Axis = c.Dice.Pick(axis, axis - shape.Length), Inputs = parts });
    }

    public static NodeCase Split(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 5);
        int axis = c.Dice.Next(0, shape.Length - 1);
        ImmutableArray<int> sizes = c.Dice.Many(c.Dice.Next(1, 4), 1, 3);
        return c.Build(new Split { Axis = axis, Sizes = sizes, Inputs = [Values(c)(shape.SetItem(axis, sizes.Sum()))] });
    }

    public static NodeCase Slice(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 2, 7);
        var axes = Enumerable.Range(0, shape.Length).Where(_ => c.Dice.Chance(2)).ToImmutableArray();
        return c.Build(new Slice
        {
            Axes = axes,
            Starts = c.Dice.Many(axes.Length, -8, 8),
            Ends = c.Dice.Many(axes.Length, -9, 9),
            Steps = [.. axes.Select(_ => c.Dice.Pick(1, 1, 2, -1, -2))],
            Inputs = [Values(c)(shape)],
        });
    }

    public static NodeCase Pad(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 2, 6);
        PadMode mode = c.Dice.Pick(Enum.GetValues<PadMode>());
        return c.Build(new Pad
        {
            Mode = mode,
            Before = [.. shape.Select(s => c.Dice.Next(-1, s - 1))],
            After = [.. shape.Select(s => c.Dice.Next(-1, s - 1))],
            Value = c.Dice.Pick(0f, 1f),
            Inputs = [Values(c)(shape)],
        });
    }

    public static NodeCase Gather(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 3), 1, 6);
        int axis = c.Dice.Next(0, shape.Length - 1);
        ImmutableArray<int> indices = c.Dice.Many(c.Dice.Next(0, 2), 1, 4);
        ValueId x = Values(c)(shape);
        ValueId picks = c.Input(RandomTensors.Indices(new Shape(indices), c.Dice.Seed(), -shape[axis], shape[axis] - 1));
        return c.Build(new Gather { Axis = axis, Inputs = [x, picks] });
    }

    public static NodeCase Transpose(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 6);
        ImmutableArray<int> permutation = [.. Enumerable.Range(0, shape.Length).OrderBy(_ => c.Dice.Next(0, 1000))];
        return c.Build(new Transpose { Permutation = permutation, Inputs = [Values(c)(shape)] });
    }

    public static NodeCase Reshape(NodeCase c) => c.Build(new Reshape { Target = c.Dice.Pick<ImmutableArray<int>>([0, -1], [-1], [6, -1, 2], [3, 8, 1]), Inputs = [Values(c)([2, 3, 4])] });

    public static NodeCase Expand(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(0, 3), 1, 5);
        ImmutableArray<int> target = [.. c.Dice.Many(c.Dice.Next(0, 2), 1, 3), .. shape.Select(s => s == 1 ? c.Dice.Next(1, 4) : c.Dice.Pick(1, s))];
        return c.Build(new Expand { Target = target, Inputs = [Values(c)(shape)] });
    }

    public static NodeCase Resize(NodeCase c)
    {
        ResizeMode mode = c.Dice.Pick(Enum.GetValues<ResizeMode>());
        ImmutableArray<int> shape = [c.Dice.Pick(1, 2), c.Dice.Next(1, 3), .. c.Dice.Many(c.Dice.Next(1, 2), 1, 6)];
        ImmutableArray<int> sizes = [0, 0, .. shape[2..].Select(_ => c.Dice.Next(1, 9))];
        return c.Build(new Resize
        {
            Mode = mode,
            Coordinates = c.Dice.Pick(Enum.GetValues<ResizeCoordinates>()),
            Nearest = c.Dice.Pick(Enum.GetValues<ResizeNearest>()),
            ExcludeOutside = c.Dice.Chance(2),
            Sizes = sizes,
            Scales = [.. sizes.Zip(shape, (s, n) => s == 0 ? 1 : s / (float)n)],
            Inputs = [mode == ResizeMode.Nearest ? Values(c)(shape) : c.Floats(shape)],
        });
    }

    /// <summary>A maker of inputs that all have one type.</summary>
    private static Func<ImmutableArray<int>, ValueId> Values(NodeCase c)
    {
        int kind = c.Dice.Next(0, 3);
        AffineQuantization quantizer = c.Quantizer(residual: true);
        while (!quantizer.Code.Range.Contains(1))
        {
            quantizer = c.Quantizer(residual: true);
        }

        return shape => kind switch
        {
            0 => c.Input(RandomTensors.Indices(new Shape(shape), c.Dice.Seed(), -100, 100)),
            1 => c.Codes(quantizer, shape),
            _ => c.OddFloats(shape),
        };
    }
}
