using System;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>Exact sums over the elements of a group.</summary>
internal static class WeightError
{
    /// <summary>2^−126.</summary>
    public const float SmallestNormal = 1.17549435e-38f;

    /// <summary>
    /// Σ (x − Decode(Encode(x)))², the differences and the sum in double: eight strided partial sums and one of the tail, added in a fixed order on every machine.
    /// </summary>
    public static double Sum(ReadOnlySpan<float> values, AffineParameters parameters, IntegerRange range)
    {
        ReadOnlySpan<Vector256<float>> vectors = MemoryMarshal.Cast<float, Vector256<float>>(values);
        Vector256<float> scale = Vector256.Create(parameters.Scale);
        Vector256<float> low = Vector256.Create((float)(range.Min - parameters.ZeroPoint));
        Vector256<float> high = Vector256.Create((float)(range.Max - parameters.ZeroPoint));
        Vector256<double> first = Vector256<double>.Zero;
        Vector256<double> second = Vector256<double>.Zero;
        foreach (Vector256<float> x in vectors)
        {
            Vector256<float> steps = Rounding.HalfToEven(Vector256.MinNative(Vector256.MaxNative(x / scale, low), high));
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(x);
            (Vector256<double> decodedLower, Vector256<double> decodedUpper) = Vector256.Widen(steps * scale);
            lower -= decodedLower;
            upper -= decodedUpper;
            first += lower * lower;
            second += upper * upper;
        }

        double tail = 0;
        foreach (float x in values[(vectors.Length * Vector256<float>.Count)..])
        {
            double d = (double)x - parameters.Dequantize(parameters.Quantize(x, range));
            tail += d * d;
        }

        first += second;
        return first[0] + first[2] + (first[1] + first[3]) + tail;
    }

    /// <summary>s = Σ x·k / Σ k², k being the codes without the zero point: the best scale for given codes. Not finite when all codes are zero.</summary>
    public static float LeastSquaresScale(ReadOnlySpan<float> values, AffineParameters parameters, IntegerRange range)
    {
        double products = 0;
        long squares = 0;
        foreach (float x in values)
        {
            int k = parameters.Quantize(x, range) - parameters.ZeroPoint;
            products += (double)x * k;
            squares += (long)k * k;
        }

        return (float)(products / squares);
    }
}
