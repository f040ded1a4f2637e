namespace Microsoft.ML.Quantization.Numerics;

/// <summary>How an integer code stands for a real number.</summary>
public enum CodeSpace
{
    /// <summary>real = Scale · (code − ZeroPoint).</summary>
    Affine = 0,

    /// <summary>real = Scale · v with the odd integers v = 2·code − (2^bits − 1): {−1, 1} for one bit, {−3, −1, 1, 3} for two. Unsigned codes of 1 to 7 bits; no code stands for 0.</summary>
    MidRise = 1,

    /// <summary>A look-up of levels: real = Scale · level[code]. Unsigned codes of 1 to 8 bits, of constant weights only.</summary>
    Codebook = 2,
}

/// <summary>The type of a value that holds codes.</summary>
/// <param name="Bits">Bits of one code.</param>
/// <param name="Signed">Two's complement (true) or staircase index from 0 (false).</param>
/// <param name="Space">How a code stands for a real.</param>
public readonly record struct CodeType(BitWidth Bits, bool Signed, CodeSpace Space = CodeSpace.Affine)
{
    /// <summary>All codes of this type.</summary>
    public IntegerRange Range => Signed ? IntegerRange.Signed(Bits.Bits) : IntegerRange.Unsigned(Bits.Bits);

    /// <summary>The highest code of mid-rise codes, from which their values v = 2·code − MidRiseTop follow; 0 for affine codes.</summary>
    public int MidRiseTop => Space == CodeSpace.MidRise ? Range.Max : 0;

    /// <inheritdoc/>
    public override string ToString() => (Space == CodeSpace.MidRise ? "m" : Space == CodeSpace.Codebook ? "c" : Signed ? "s" : "u") + Bits;
}
