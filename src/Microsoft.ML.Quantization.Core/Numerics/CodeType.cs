namespace Microsoft.ML.Quantization.Numerics;

/// <summary>How an integer code stands for a real number.</summary>
public enum CodeSpace
{
    /// <summary>real = Scale · (code − ZeroPoint).</summary>
    Affine = 0,

    /// <summary>real = Scale · (2·code − (2^Bits − 1)): levels around zero without zero among them; one bit is −1 and +1.</summary>
    MidRise = 1,
}

/// <summary>The type of a value that holds codes.</summary>
/// <param name="Bits">Bits of one code.</param>
/// <param name="Signed">Two's complement (true) or staircase index from 0 (false).</param>
/// <param name="Space">How a code stands for a real.</param>
public readonly record struct CodeType(BitWidth Bits, bool Signed, CodeSpace Space = CodeSpace.Affine)
{
    /// <summary>All codes of this type.</summary>
    public IntegerRange Range => Signed ? IntegerRange.Signed(Bits.Bits) : IntegerRange.Unsigned(Bits.Bits);

    /// <inheritdoc/>
    public override string ToString() => (Signed ? "s" : "u") + Bits;
}
