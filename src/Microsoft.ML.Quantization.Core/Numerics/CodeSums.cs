using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>Sums of the positive and of the negative values of codes, value = factor · code − zero.</summary>
/// <param name="Positive">Σ max(value, 0).</param>
/// <param name="Negative">−Σ min(value, 0).</param>
internal readonly record struct CodeSums(long Positive, long Negative)
{
    private const int MostZero = 255;

    // Each lane takes two values of at most 2 · 255 + 255 a step, so 21 steps stay below 2^15.
    private const int Longest = 21;

    /// <summary>Σ value.</summary>
    public long Total => Positive - Negative;

    /// <summary>The sums of signed codes.</summary>
    public static CodeSums Of(ReadOnlySpan<sbyte> codes, int factor, int zero)
    {
        int at = 0;
        CodeSums sums = default;
        while (IsShort(factor, zero) && codes.Length - at >= Vector<sbyte>.Count)
        {
            var (positive, negative) = (Vector<short>.Zero, Vector<short>.Zero);
            for (int step = 0; step < Longest && codes.Length - at >= Vector<sbyte>.Count; step++, at += Vector<sbyte>.Count)
            {
                Vector.Widen(new Vector<sbyte>(codes[at..]), out Vector<short> low, out Vector<short> high);
                Add(low, high, factor, zero, ref positive, ref negative);
            }

            sums = new CodeSums(sums.Positive + Sum(positive), sums.Negative + Sum(negative));
        }

        for (; at < codes.Length; at++)
        {
            sums = sums.With(((long)factor * codes[at]) - zero);
        }

        return sums;
    }

    /// <summary>The sums of unsigned codes.</summary>
    public static CodeSums Of(ReadOnlySpan<byte> codes, int factor, int zero)
    {
        int at = 0;
        CodeSums sums = default;
        while (IsShort(factor, zero) && codes.Length - at >= Vector<byte>.Count)
        {
            var (positive, negative) = (Vector<short>.Zero, Vector<short>.Zero);
            for (int step = 0; step < Longest && codes.Length - at >= Vector<byte>.Count; step++, at += Vector<byte>.Count)
            {
                Vector.Widen(new Vector<byte>(codes[at..]), out Vector<ushort> low, out Vector<ushort> high);
                Add(Vector.AsVectorInt16(low), Vector.AsVectorInt16(high), factor, zero, ref positive, ref negative);
            }

            sums = new CodeSums(sums.Positive + Sum(positive), sums.Negative + Sum(negative));
        }

        for (; at < codes.Length; at++)
        {
            sums = sums.With(((long)factor * codes[at]) - zero);
        }

        return sums;
    }

    /// <summary>These sums and one more value.</summary>
    public CodeSums With(long value) => value > 0 ? this with { Positive = Positive + value } : this with { Negative = Negative - value };

    private static bool IsShort(int factor, int zero) => factor is 1 or 2 && Math.Abs((long)zero) <= MostZero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector<short> low, Vector<short> high, int factor, int zero, ref Vector<short> positive, ref Vector<short> negative)
    {
        var less = new Vector<short>((short)zero);
        Vector<short> a = (factor == 2 ? low + low : low) - less, b = (factor == 2 ? high + high : high) - less;
        positive += Vector.Max(a, Vector<short>.Zero) + Vector.Max(b, Vector<short>.Zero);
        negative -= Vector.Min(a, Vector<short>.Zero) + Vector.Min(b, Vector<short>.Zero);
    }

    private static int Sum(Vector<short> lanes)
    {
        Vector.Widen(lanes, out Vector<int> low, out Vector<int> high);
        return Vector.Sum(low + high);
    }
}
