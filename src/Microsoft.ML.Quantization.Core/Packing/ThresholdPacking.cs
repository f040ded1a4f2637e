using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Steps to codes by comparison that no layer takes along, and sums of accumulators; on channels-last data.</summary>
internal static class ThresholdPacking
{
    /// <summary>Packs a <see cref="Thresholds"/> over accumulators, codes or floats.</summary>
    public static bool Thresholds(PackingState state, Node node)
    {
        var thresholds = (Thresholds)node;
        ValueId from = node.Inputs[0];
        ValueType input = state.TypeOf(from);
        if (!CanRun(state, from, thresholds.Result) || !Layouts.IsChannelAxis(state, from, thresholds.Axis, thresholds.Channels))
        {
            return false;
        }

        int channels = input.Shape[1];
        if (input.Element == ElementType.Float32)
        {
            AddFloat(state, node, ThresholdData.OfReals(thresholds, channels), thresholds.Result);
            return true;
        }

        return TryTurn(state, thresholds) || TryAddInteger(state, node, ThresholdData.OfIntegers(thresholds, channels, input.Quantization), thresholds.Result);
    }

    /// <summary>Packs a <see cref="Quantize"/> into few mid-rise codes, or into others whose layer reads planes and whose code of a NaN is 0, as comparisons give it.</summary>
    public static bool Quantize(PackingState state, Node node)
    {
        AffineQuantization result = ((Quantize)node).Result;
        bool planes = result.Code.Bits.Bits <= PlaneLayout.MostBits && result.Single.ZeroPoint == 0 && Layouts.WantsPlanes(state, node.Output);
        if (!(result.IsMidRise || planes) || !CanRun(state, node.Inputs[0], result))
        {
            return false;
        }

        AddFloat(state, node, ThresholdData.Of(result, state.TypeOf(node.Output).Shape[1]), result);
        return true;
    }

    /// <summary>Packs a <see cref="Requantize"/> of 16-bit codes into few bits that layers read as planes: thresholds, equal for every code.</summary>
    public static bool Requantize(PackingState state, Node node)
    {
        var requantize = (Requantize)node;
        ValueType input = state.TypeOf(node.Inputs[0]);
        bool fits = input is { Element: ElementType.Int16, Quantization: { IsMidRise: false, Scales.Length: 1 } } && requantize.Multipliers.Length == 1
            && CanRun(state, node.Inputs[0], requantize.Result) && Layouts.WantsPlanes(state, node.Output);
        if (!fits)
        {
            return false;
        }

        ThresholdData<int> table = ThresholdData.OfCodes(requantize, input.Shape[1], input.Quantization!.Single.ZeroPoint);
        return table.Count < 1 << requantize.Result.Code.Bits.Bits && TryAddInteger(state, node, table, requantize.Result);
    }

    /// <summary>Packs a <see cref="CombineAccumulators"/>.</summary>
    public static bool Combine(PackingState state, Node node)
    {
        var combine = (CombineAccumulators)node;
        Shape shape = state.TypeOf(node.Output).Shape;
        if (!Layouts.CanBePlanes(shape) || node.Inputs.Any(i => state.Constant(i) is not null) || !Layouts.IsChannelAxis(state, node.Output, combine.Axis, combine.Offsets.Length))
        {
            return false;
        }

        Layout layout = Layouts.Natural(shape);
        int[] sources = [.. node.Inputs.Select(i => state.Read(i, layout))];
        int destination = state.Write(node.Output, layout);
        int given = combine.Offsets.Length;
        float[][] multipliers = [.. Enumerable.Range(0, sources.Length).Select(g => Spread([.. combine.Multipliers.AsSpan(g * given, given)], shape[1]))];
        float[] offsets = Spread([.. combine.Offsets], shape[1]);
        Add(state, node, [.. sources.Distinct()], destination, (c, pixels) => new CombineStep(c, pixels, shape[1], multipliers, offsets, combine.Activation, sources, destination));
        return true;
    }

    /// <summary>Packs a <see cref="Requantize"/> or <see cref="DequantizeAccumulator"/> over accumulators that other nodes read, too.</summary>
    public static bool Epilogue(PackingState state, Node node)
    {
        ValueId from = node.Inputs[0];
        ValueType input = state.TypeOf(from);
        if (input is not { Element: ElementType.Int32, IsCodes: false } || !Layouts.CanBePlanes(input.Shape) || state.Constant(from) is not null)
        {
            return false;
        }

        if (IntegerPacking.Epilogue(state, node, from, 1, new int[input.Shape[1]]) is not { } epilogue)
        {
            return false;
        }

        Layout layout = Layouts.Natural(input.Shape);
        int source = state.Read(from, layout);
        int destination = state.Write(node.Output, layout);
        Add(state, node, [source], destination, (c, pixels) => new AccumulatorStep(c, pixels, input.Shape[1], epilogue, source, destination));
        return true;
    }

    private static float[] Spread(float[] numbers, int channels) => numbers.Length == channels ? numbers : [.. Enumerable.Repeat(numbers[0], channels)];

    private static bool CanRun(PackingState state, ValueId from, AffineQuantization result)
        => state.Constant(from) is null && Layouts.CanBePlanes(state.TypeOf(from).Shape) && ThresholdData.Fits(result);

    private static void Add(PackingState state, Node node, int[] reads, int destination, Func<BindContext, int, BoundStep> bind) => state.Add(new PackedStep(node.Name, node.Kind, reads, [destination], c =>
    {
        Shape shape = c.ShapeOf(node.Output);
        return bind(c, shape.Count == 0 ? 0 : shape.Count / shape[1]);
    }));

    /// <summary>Where the codes are written: planes where layers read them so.</summary>
    private static (int Destination, int PlaneBits) Write(PackingState state, Node node, AffineQuantization result)
    {
        bool planes = Layouts.WantsPlanes(state, node.Output);
        int destination = state.Write(node.Output, planes ? Layout.BitPlanes : Layouts.Natural(state.TypeOf(node.Output).Shape));
        return (destination, planes ? result.Code.Bits.Bits : 0);
    }

    private static void AddFloat(PackingState state, Node node, ThresholdData<float> table, AffineQuantization result)
    {
        if (Doubling(state, node.Output) is { } doubling && 2 * table.Count <= ThresholdTable<float>.MostThresholds)
        {
            // Each step counts twice.
            state.Done.Add(doubling);
            AddFloat(state, node with { Outputs = doubling.Outputs }, table with { Count = 2 * table.Count, Values = [.. table.Values, .. table.Values] }, doubling.Result);
            return;
        }

        Shape shape = state.TypeOf(node.Output).Shape;
        int source = state.Read(node.Inputs[0], Layouts.Natural(shape));
        (int destination, int bits) = Write(state, node, result);
        Add(state, node, [source], destination, (c, pixels) => new ThresholdFloatStep(c, pixels, shape[1], table with { PlaneBits = bits }, source, destination));
    }

    /// <summary>The table that doubles codes, where nothing else reads them.</summary>
    private static LookupTable? Doubling(PackingState state, ValueId codes)
        => state.OnlyConsumer(codes) is LookupTable { Result.Element: ElementType.UInt8 } table && table.Table.Select((entry, i) => entry == 2 * i).All(same => same) ? table : null;

    private static bool TryAddInteger(PackingState state, Node node, ThresholdData<int> table, AffineQuantization result)
    {
        ValueType input = state.TypeOf(node.Inputs[0]);
        bool fits = input.Element == ElementType.Int32 || (input.Element.SizeOf() <= 2 && input.Shape[1] <= ThresholdIntegerStep.MostChannels);
        if (!fits)
        {
            return false;
        }

        int source = state.Read(node.Inputs[0], Layouts.Natural(input.Shape));
        (int destination, int bits) = Write(state, node, result);
        if (bits > 0 && input.Element == ElementType.Int16)
        {
            JoinPlanes planes = JoinPlanes.Of(table, input.Shape[1], bits, destination);
            Add(state, node, [source], destination, (c, pixels) => new ThresholdWideStep(c, pixels, input.Shape[1], planes, source));
            return true;
        }

        Add(state, node, [source], destination, (c, pixels) => new ThresholdIntegerStep(c, pixels, input.Shape[1], table with { PlaneBits = bits }, input.Element, source, destination));
        return true;
    }

    /// <summary>Codes that lie in planes and only stay or turn upside down, channel by channel: whole words of them at a time.</summary>
    private static bool TryTurn(PackingState state, Thresholds node)
    {
        AffineQuantization codes = state.TypeOf(node.Inputs[0]).Quantization!;
        bool planes = codes is not null && state.IsLocated(node.Inputs[0], Layout.BitPlanes) && codes.Code.Bits == node.Result.Code.Bits && codes.Range == codes.Code.Range && node.Result.Range == codes.Range;
        if (!planes || Turned(node, codes!, state.TypeOf(node.Output).Shape[1]) is not { } mask)
        {
            return false;
        }

        int bits = codes!.Code.Bits.Bits;
        int source = state.Read(node.Inputs[0], Layout.BitPlanes);
        int destination = state.Write(node.Output, Layout.BitPlanes);
        int channels = state.TypeOf(node.Output).Shape[1];
        Add(state, node, [source], destination, (c, pixels) => new TurnPlanesStep(c, pixels, channels, bits, mask, source, destination));
        return true;
    }

    /// <summary>One pixel of planes whose bits are set in the channels that turn; null when a channel does anything else.</summary>
    private static uint[]? Turned(Thresholds node, AffineQuantization codes, int channels)
    {
        int words = PlaneLayout.Words(channels);
        var mask = new uint[words * codes.Code.Bits.Bits];
        for (int c = 0; c < channels; c++)
        {
            int[] mapped = [.. Enumerable.Range(0, codes.Range.Max + 1).Select(code => Code(node, c, codes.Single.ValueOf(code)))];
            bool turns = mapped.SequenceEqual(Enumerable.Range(0, mapped.Length).Reverse());
            if (!turns && !mapped.SequenceEqual(Enumerable.Range(0, mapped.Length)))
            {
                return null;
            }

            for (int bit = 0; turns && bit < codes.Code.Bits.Bits; bit++)
            {
                mask[(bit * words) + (c / PlaneLayout.WordBits)] |= 1u << (c % PlaneLayout.WordBits);
            }
        }

        return mask;
    }

    private static int Code(Thresholds node, int channel, int value)
    {
        IEnumerable<int> own = node.Integers.Skip(node.Start(node.Channels == 1 ? 0 : channel)).Take(node.Count);
        return node.Direction(channel) > 0 ? own.Count(t => value >= t) : own.Count(t => value <= t);
    }
}
