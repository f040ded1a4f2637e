using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>One addend of few levels: scale[group] · value[level].</summary>
/// <param name="Code">Type of the codes.</param>
/// <param name="Range">Codes in use.</param>
/// <param name="Values">The integer of each level, ascending levels.</param>
/// <param name="Scales">One a group; raised to <see cref="LevelTable.SmallestScale"/>, since a file knows no scale of 0.</param>
internal sealed record LevelPlane(CodeType Code, IntegerRange Range, int[] Values, float[] Scales)
{
    /// <summary>1 or −1 a group, by which its values are multiplied; empty for 1 everywhere.</summary>
    public int[] Directions { get; init; } = [];

    /// <summary>Values in {−1, 1}.</summary>
    public static LevelPlane Signs(int[] values, float[] scales)
        => new(new CodeType(new BitWidth(1), false, CodeSpace.MidRise), IntegerRange.Unsigned(1), values, scales);

    /// <summary>Values in {−1, 0, 1}.</summary>
    public static LevelPlane Ternary(float[] scales) => Integers(2, 1, [-1, 0, 1], scales);

    /// <summary>Signed codes in [−most, most].</summary>
    public static LevelPlane Integers(int bits, int most, int[] values, float[] scales) => new(new CodeType(new BitWidth(bits), true), new IntegerRange(-most, most), values, scales);

    /// <summary>Values in {0, 1}, or in {−1, 0} for negative ones.</summary>
    public static LevelPlane Half(bool negative, int[] values, float[] scales)
        => new(new CodeType(new BitWidth(1), negative), negative ? new IntegerRange(-1, 0) : IntegerRange.Unsigned(1), values, scales);

    /// <summary>The integer of a level in a group.</summary>
    public int ValueOf(int group, int level) => Directions.Length == 0 ? Values[level] : Directions[group] * Values[level];

    /// <summary>The code of a level in a group.</summary>
    public int CodeOf(int group, int level) => Code.Space == CodeSpace.MidRise ? (ValueOf(group, level) + Code.MidRiseTop) / 2 : ValueOf(group, level);
}
