using System;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>The numbers behind accumulators for the channels of one pixel, eight at a time, each lane by the operations of <see cref="Numerics.Requantization"/> or of the fused sums.</summary>
internal static class ChannelEpilogue
{
    private static readonly int _width = Vector256<int>.Count;

    /// <summary>result = fl(fl(float(accumulator) · m) + b).</summary>
    public static void Scale(ReadOnlySpan<int> accumulators, ReadOnlySpan<float> multipliers, ReadOnlySpan<float> offsets, Span<float> result)
    {
        int i = 0;
        for (; i + _width <= result.Length; i += _width)
        {
            Vector256<float> product = Vector256.ConvertToSingle(Vector256.Create(accumulators.Slice(i, _width))) * Vector256.Create(multipliers.Slice(i, _width));
            (product + Vector256.Create(offsets.Slice(i, _width))).CopyTo(result[i..]);
        }

        for (; i < result.Length; i++)
        {
            float product = (float)accumulators[i] * multipliers[i];
            result[i] = product + offsets[i];
        }
    }

    /// <summary>result = fma(float(accumulator), m, result).</summary>
    public static void Add(ReadOnlySpan<int> accumulators, ReadOnlySpan<float> multipliers, Span<float> result)
    {
        int i = 0;
        for (; i + _width <= result.Length; i += _width)
        {
            Vector256<float> values = Vector256.ConvertToSingle(Vector256.Create(accumulators.Slice(i, _width)));
            Vector256<float> sum = Vector256.Create<float>(result.Slice(i, _width));
            Vector256.FusedMultiplyAdd(values, Vector256.Create(multipliers.Slice(i, _width)), sum).CopyTo(result[i..]);
        }

        for (; i < result.Length; i++)
        {
            result[i] = MathF.FusedMultiplyAdd((float)accumulators[i], multipliers[i], result[i]);
        }
    }

    /// <summary>result = clamp(fl(result + b)).</summary>
    public static void Finish(ReadOnlySpan<float> offsets, float low, float high, Span<float> result)
    {
        int i = 0;
        for (; i + _width <= result.Length; i += _width)
        {
            Vector256<float> sum = Vector256.Create<float>(result.Slice(i, _width)) + Vector256.Create(offsets.Slice(i, _width));
            Clamp(sum, Vector256.Create(low), Vector256.Create(high)).CopyTo(result[i..]);
        }

        for (; i < result.Length; i++)
        {
            float value = result[i] + offsets[i];
            result[i] = value < low ? low : value > high ? high : value;
        }
    }

    /// <summary>result = clamp(result).</summary>
    public static void Clamp(float low, float high, Span<float> result)
    {
        int i = 0;
        for (; i + _width <= result.Length; i += _width)
        {
            Clamp(Vector256.Create<float>(result.Slice(i, _width)), Vector256.Create(low), Vector256.Create(high)).CopyTo(result[i..]);
        }

        for (; i < result.Length; i++)
        {
            float value = result[i];
            result[i] = value < low ? low : value > high ? high : value;
        }
    }

    // x < low ? low : x > high ? high : x, so that a NaN passes.
    private static Vector256<float> Clamp(Vector256<float> x, Vector256<float> low, Vector256<float> high)
        => Vector256.ConditionalSelect(Vector256.LessThan(x, low), low, Vector256.ConditionalSelect(Vector256.GreaterThan(x, high), high, x));
}
