using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>The mid-rise grid in floats, eight at a time, each lane by the very operations of <see cref="MidRise"/>.</summary>
internal static class MidRiseRuns
{
    /// <summary>Quantize, then dequantize; all elements share one scale.</summary>
    public static void FakeQuantize(ReadOnlySpan<float> source, AffineParameters parameters, Span<float> result)
    {
        int done = parameters.MidRiseTop == 1 ? Signs(source, parameters.Scale, result) : Levels(source, parameters, result);
        for (int i = done; i < result.Length; i++)
        {
            int code = MidRise.Quantize(source[i], parameters.Scale, parameters.MidRiseTop);
            result[i] = (float)MidRise.ValueOf(code, parameters.MidRiseTop) * parameters.Scale;
        }
    }

    private static int Signs(ReadOnlySpan<float> source, float scale, Span<float> result)
    {
        Vector256<float> positive = Vector256.Create(scale);
        int i = 0;
        for (; i + Vector256<float>.Count <= result.Length; i += Vector256<float>.Count)
        {
            Vector256<float> x = Vector256.Create(source.Slice(i, Vector256<float>.Count));
            Vector256<float> chosen = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256<float>.Zero), positive, -positive);
            chosen.CopyTo(result[i..]);
        }

        return i;
    }

    // A NaN fails every comparison, so that it becomes code 0.
    private static int Levels(ReadOnlySpan<float> source, AffineParameters parameters, Span<float> result)
    {
        Vector256<float> scale = Vector256.Create(parameters.Scale);
        Vector256<float> top = Vector256.Create((float)parameters.MidRiseTop);
        Vector256<float> half = Vector256.Create(0.5f);
        int i = 0;
        for (; i + Vector256<float>.Count <= result.Length; i += Vector256<float>.Count)
        {
            Vector256<float> quotient = Vector256.Create(source.Slice(i, Vector256<float>.Count)) / scale;
            Vector256<float> place = (quotient + top) * half;
            place = Vector256.ConditionalSelect(Vector256.GreaterThan(place, Vector256<float>.Zero), place, Vector256<float>.Zero);
            place = Vector256.ConditionalSelect(Vector256.GreaterThan(place, top), top, place);
            Vector256<float> code = Rounding.HalfToEven(place);
            ((code + code - top) * scale).CopyTo(result[i..]);
        }

        return i;
    }
}
