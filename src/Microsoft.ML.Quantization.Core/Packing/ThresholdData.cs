using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>A <see cref="ThresholdTable{T}"/> at rest.</summary>
internal sealed record ThresholdData<T>(int Count, T[] Values, int[] Directions)
    where T : unmanaged
{
    /// <summary>Bits of the planes that are written, or 0 for bytes.</summary>
    public int PlaneBits { get; init; }

    /// <summary>The kernels' form.</summary>
    public ThresholdTable<T> Value => new() { Count = Count, Values = Values, Directions = Directions, PlaneBits = PlaneBits };
}

/// <summary>Makes the kernels' threshold tables.</summary>
internal static class ThresholdData
{
    /// <summary>Whether a kernel's table can hold the codes.</summary>
    public static bool Fits(AffineQuantization result)
        => result is { Code.Signed: false, Range: { Min: >= 0, Max: <= ThresholdTable<int>.MostThresholds }, Code.Bits.Bits: <= 8 };

    /// <summary>The table of a node over accumulators, or over codes: a code passes where its value does.</summary>
    public static ThresholdData<int> OfIntegers(Thresholds node, int channels, AffineQuantization? codes) => Spread(node, channels, (i, direction) => Code(node.Integers[i], direction, codes));

    /// <summary>The table of a node over floats.</summary>
    public static ThresholdData<float> OfReals(Thresholds node, int channels) => Spread(node, channels, (i, _) => node.Reals[i]);

    /// <summary>A requantizer of few codes as thresholds, equal for every accumulator.</summary>
    public static ThresholdData<int> Of(Requantize node, int channels)
    {
        (int[] Thresholds, int Direction)[] found = [.. Enumerable.Range(0, node.Multipliers.Length).Select(c => ThresholdSearch.Find(a => Apply(node, a, c), node.Result.Range.Max))];
        return Spread(node.Result.Range.Max, channels, c => found[found.Length == 1 ? 0 : c].Direction, (c, i) => found[found.Length == 1 ? 0 : c].Thresholds[i]);
    }

    /// <summary>The same for codes with a zero point: a code passes where its value does.</summary>
    public static ThresholdData<int> OfCodes(Requantize node, int channels, int zeroPoint)
    {
        ThresholdData<int> table = Of(node, channels);
        return table with { Values = [.. table.Values.Select(t => t is int.MinValue or int.MaxValue ? t : (int)long.Clamp((long)t + zeroPoint, int.MinValue, int.MaxValue))] };
    }

    /// <summary>The quantizer of floats into few codes as thresholds, equal for every float; found by bisection over the floats in their order.</summary>
    public static ThresholdData<float> Of(AffineQuantization result, int channels)
    {
        (int[] places, _) = ThresholdSearch.Find(p => result.Single.Quantize(Ordered(p), result.Range), result.Range.Max);
        float[] values = [.. places.Select(Ordered)];
        return Spread(values.Length, channels, _ => 1, (_, i) => values[i]);
    }

    private static int Apply(Requantize node, int accumulator, int channel)
        => Requantization.Apply(accumulator, node.Multipliers[channel], node.Offsets[channel], node.Result.Single.ZeroPoint, node.Minimum, node.Maximum);

    /// <summary>The floats from −∞ to +∞ by their place in the order, −0 and 0 apart; places outside saturate.</summary>
    private static float Ordered(int place)
    {
        const int Infinity = 0x7F800000;
        int clamped = Math.Clamp(place, -Infinity - 1, Infinity);
        return clamped >= 0 ? BitConverter.Int32BitsToSingle(clamped) : -BitConverter.Int32BitsToSingle(-clamped - 1);
    }

    /// <summary>2c − top ≥ T is c ≥ ⌈(T + top) / 2⌉; c − z ≥ T is c ≥ T + z; likewise downwards.</summary>
    private static int Code(int threshold, int direction, AffineQuantization? codes)
    {
        if (codes is null || threshold is int.MinValue or int.MaxValue)
        {
            return threshold;
        }

        long code = (long)threshold + codes.Single.ZeroPoint;
        if (codes.IsMidRise)
        {
            long sum = (long)threshold + codes.Code.MidRiseTop;
            code = direction > 0 ? (sum + 1) >> 1 : sum >> 1;
        }

        return (int)Math.Clamp(code, int.MinValue, int.MaxValue);
    }

    private static ThresholdData<T> Spread<T>(Thresholds node, int channels, Func<int, int, T> value)
        where T : unmanaged
        => Spread(node.Count, channels, node.Direction, (c, i) => value(node.Start(c) + i, node.Direction(c)));

    private static ThresholdData<T> Spread<T>(int count, int channels, Func<int, int> direction, Func<int, int, T> value)
        where T : unmanaged
    {
        int[] directions = [.. Enumerable.Range(0, channels).Select(direction)];
        T[] values = [.. Enumerable.Range(0, count).SelectMany(i => Enumerable.Range(0, channels).Select(c => value(c, i)))];
        return new ThresholdData<T>(count, values, Array.TrueForAll(directions, d => d > 0) ? [] : directions);
    }
}
