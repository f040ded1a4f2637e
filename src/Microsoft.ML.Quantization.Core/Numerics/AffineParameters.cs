using System;
using System.Globalization;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>Scale and zero point of one group: real = Scale · value(code), with value(code) = code − ZeroPoint, or 2·code − MidRiseTop for mid-rise codes.</summary>
/// <param name="Scale">Step between two values; finite and at least 2^−126.</param>
/// <param name="ZeroPoint">The code of the real 0; 0 for mid-rise codes.</param>
/// <param name="MidRiseTop">The highest code 2^bits − 1 of mid-rise codes; 0 for affine codes.</param>
public readonly record struct AffineParameters(float Scale, int ZeroPoint, int MidRiseTop = 0)
{
    private const float SmallestNormal = 1.17549435e-38f;

    /// <summary>
    /// Asymmetric parameters for the reals [low, high], widened to hold 0:
    /// s = (high − low) / (Max − Min), z = clamp(halfToEven(Min − low / s), Min, Max).
    /// Computed in double, s stored as float, then z recomputed from the stored s.
    /// A range whose s is below 2^−126 (constant zero, subnormal) gives s = 1, z = the code of 0 nearest to Min.
    /// </summary>
    public static AffineParameters Asymmetric(double low, double high, IntegerRange range)
    {
        CheckFinite(low, high);
        low = Math.Min(low, 0);
        high = Math.Max(high, 0);
        float scale = (float)((high - low) / (range.Max - (double)range.Min));
        if (!(scale >= SmallestNormal) || !float.IsFinite(scale))
        {
            return new AffineParameters(1, range.Clamp(0));
        }

        double zero = Rounding.HalfToEven(range.Min - (low / scale));
        return new AffineParameters(scale, (int)Math.Clamp(zero, range.Min, range.Max));
    }

    /// <summary>
    /// Symmetric parameters for the reals [−bound, bound]: s = 2·bound / (Max − Min), z = halfToEven((Min + Max) / 2).
    /// For a full signed range pass the narrow one. A bound whose s is below 2^−126 gives s = 1.
    /// </summary>
    public static AffineParameters Symmetric(double bound, IntegerRange range)
    {
        CheckFinite(-bound, bound);
        int zero = (int)Rounding.HalfToEven((range.Min + (double)range.Max) / 2);
        float scale = (float)(2 * Math.Abs(bound) / (range.Max - (double)range.Min));
        return !(scale >= SmallestNormal) || !float.IsFinite(scale) ? new AffineParameters(1, zero) : new AffineParameters(scale, zero);
    }

    /// <summary>value(code) = Factor · code − Zero.</summary>
    internal (int Factor, int Zero) Line => MidRiseTop == 0 ? (1, ZeroPoint) : (2, MidRiseTop);

    /// <summary>Encodes one real with <see cref="Requantization.Quantize"/>, or <see cref="MidRise.Quantize"/> for mid-rise codes.</summary>
    public int Quantize(float value, IntegerRange range) => MidRiseTop == 0
        ? Requantization.Quantize(value, Scale, ZeroPoint, range.Min, range.Max)
        : MidRise.Quantize(value, Scale, MidRiseTop);

    /// <summary>The integer that a code stands for; sums of products are sums of these.</summary>
    public int ValueOf(int code) => MidRiseTop == 0 ? code - ZeroPoint : MidRise.ValueOf(code, MidRiseTop);

    /// <summary>Decodes one code: fl(float(value(code)) · Scale).</summary>
    public float Dequantize(int code) => (float)ValueOf(code) * Scale;

    private static void CheckFinite(double low, double high)
    {
        if (!double.IsFinite(low) || !double.IsFinite(high))
        {
            throw new ArgumentOutOfRangeException(nameof(low), string.Create(CultureInfo.InvariantCulture, $"A range must be finite, found [{low}, {high}]."));
        }
    }
}
