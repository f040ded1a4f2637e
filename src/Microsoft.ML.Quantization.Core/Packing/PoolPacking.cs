using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Pools, always on channels-last data.</summary>
internal static class PoolPacking
{
    /// <summary>Packs a <see cref="MaxPool"/> of floats, unsigned codes or 16-bit ones.</summary>
    public static bool Max(PackingState state, Node node)
    {
        Window window = ((MaxPool)node).Window;
        bool planes = state.IsLocated(node.Inputs[0], Layout.BitPlanes) || Layouts.WantsPlanes(state, node.Output);
        if (planes && state.TypeOf(node.Output).Quantization is { Code.Bits.Bits: <= PlaneLayout.MostBits } codes)
        {
            return Add(state, node, (c, s, d) => new MaxPoolPlanesStep(c, Pool(c, node, window), codes.Code.Bits.Bits, s, d), Layout.BitPlanes);
        }

        return state.TypeOf(node.Output).Element switch
        {
            ElementType.UInt8 => Add(state, node, (c, s, d) => new MaxPoolByteStep(c, Pool(c, node, window), s, d)),
            ElementType.Int16 => Add(state, node, (c, s, d) => new MaxPoolWideStep(c, Pool(c, node, window), (short)(state.TypeOf(node.Output).Quantization?.Code.Range.Min ?? short.MinValue), s, d)),
            ElementType.Float32 => Add(state, node, (c, s, d) => new MaxPoolFloatStep(c, Pool(c, node, window), s, d)),
            _ => false,
        };
    }

    /// <summary>Packs an <see cref="AveragePool"/>.</summary>
    public static bool Average(PackingState state, Node node)
    {
        var pool = (AveragePool)node;
        return !NeedsWindow(state, node, pool.Window, pool.CountPadding)
            && Add(state, node, (c, s, d) => new AveragePoolFloatStep(c, Pool(c, node, pool.Window), pool.CountPadding, s, d));
    }

    /// <summary>Packs a <see cref="GlobalAveragePool"/>.</summary>
    public static bool GlobalAverage(PackingState state, Node node) => Add(state, node, (c, s, d) =>
    {
        Shape shape = c.ShapeOf(node.Inputs[0]);
        return new GlobalAverageStep(c, shape[0], shape.CountOf(2, shape.Rank), shape[1], s, d);
    });

    /// <summary>Packs an <see cref="IntegerAveragePool"/> of unsigned codes, or of 16-bit ones.</summary>
    public static bool IntegerAverage(PackingState state, Node node)
    {
        var pool = (IntegerAveragePool)node;
        ValueType input = state.TypeOf(node.Inputs[0]);
        bool isWide = input is { Element: ElementType.Int16, Quantization.IsMidRise: false } && !pool.Result.IsMidRise && input.Shape.Rank <= 4 && (pool.Result.Element is ElementType.Int16 or ElementType.UInt8);
        if ((input.Element != ElementType.UInt8 || pool.Result.Element != ElementType.UInt8) && !isWide)
        {
            return false;
        }

        Window window = pool.IsGlobal ? Whole(input.Shape) : pool.Window;
        if (!IsProved(window, input.Quantization!))
        {
            return false;
        }

        AffineQuantization result = pool.Result;
        var rule = new AverageRule(pool.CountPadding && !pool.IsGlobal, input.Quantization!.Single.ZeroPoint, pool.Multiplier, result.Single.ZeroPoint, result.Range.Min, result.Range.Max);
        bool isByte = result.Element == ElementType.UInt8;
        return !NeedsWindow(state, node, window, rule.CountPadding)
            && Add(state, node, (c, s, d) => isWide ? new WideAveragePoolStep(c, Pool(c, node, window), rule, isByte, s, d) : new AveragePoolByteStep(c, Pool(c, node, window), rule, s, d));
    }

    /// <summary>Whether 32 bits hold the sum of a window, whatever its codes; the general operator sums up in 64 and refuses what does not fit.</summary>
    private static bool IsProved(Window window, AffineQuantization codes)
    {
        long taps = window.Kernel.Aggregate(1L, (product, size) => Math.Min(product * size, int.MaxValue));
        int zero = codes.Single.ZeroPoint;
        return taps * Math.Max((long)codes.Code.Range.Max - zero, (long)zero - codes.Code.Range.Min) <= int.MaxValue;
    }

    private static ConvolutionGeometry Pool(BindContext context, Node node, Window window) => Geometry.Pool(window, context.ShapeOf(node.Inputs[0]), context.ShapeOf(node.Output));

    private static bool NeedsWindow(PackingState state, Node node, Window window, bool countPadding)
        => countPadding && Geometry.Overruns(window, state.TypeOf(node.Inputs[0]).Shape, state.TypeOf(node.Output).Shape);

    private static Window Whole(Shape shape)
    {
        int rank = shape.Rank - 2;
        return new Window
        {
            Kernel = shape.Dimensions[2..],
            Strides = [.. Enumerable.Repeat(1, rank)],
            Dilations = [.. Enumerable.Repeat(1, rank)],
            PadsBegin = [.. Enumerable.Repeat(0, rank)],
            PadsEnd = [.. Enumerable.Repeat(0, rank)],
        };
    }

    private static bool Add(PackingState state, Node node, Func<BindContext, int, int, BoundStep> bind, Layout layout = Layout.ChannelsLast)
    {
        int source = state.Read(node.Inputs[0], layout);
        int destination = state.Write(node.Output, layout);
        state.Add(new PackedStep(node.Name, node.Kind, [source], [destination], c => bind(c, source, destination)));
        return true;
    }
}
