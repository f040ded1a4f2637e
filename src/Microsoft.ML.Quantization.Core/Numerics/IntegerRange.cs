using System;
using System.Globalization;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>A closed interval [Min, Max] of integer codes.</summary>
/// <param name="Min">The lowest code.</param>
/// <param name="Max">The highest code.</param>
public readonly record struct IntegerRange(int Min, int Max)
{
    /// <summary>[0, 2^b − 1].</summary>
    public static IntegerRange Unsigned(int bits) => new(0, (int)(new BitWidth(bits).LevelCount - 1));

    /// <summary>[−2^(b−1), 2^(b−1) − 1], the two's complement range.</summary>
    public static IntegerRange Signed(int bits) => new((int)-(new BitWidth(bits).LevelCount / 2), (int)((new BitWidth(bits).LevelCount / 2) - 1));

    /// <summary>[−(2^(b−1) − 1), 2^(b−1) − 1]: symmetric, without the lowest code.</summary>
    public static IntegerRange SignedNarrow(int bits)
    {
        int max = (int)((new BitWidth(bits).LevelCount / 2) - 1);
        return new(-max, max);
    }

    /// <summary>Max − Min + 1.</summary>
    public long Count => (long)Max - Min + 1;

    /// <summary>min(max(value, Min), Max).</summary>
    public int Clamp(int value) => Math.Clamp(value, Min, Max);

    /// <summary>Whether Min ≤ value ≤ Max.</summary>
    public bool Contains(int value) => value >= Min && value <= Max;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[{Min}, {Max}]");
}
