using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>The codes that a range is solved for.</summary>
/// <param name="Range">The codes in use, 0 among them.</param>
/// <param name="IsSymmetric">Whether the zero point is the middle of the codes; otherwise it follows the range.</param>
public readonly record struct RangeTarget(IntegerRange Range, bool IsSymmetric)
{
    /// <summary>Unsigned codes of <paramref name="bits"/> bits, zero point free.</summary>
    public static RangeTarget Unsigned(int bits) => new(IntegerRange.Unsigned(bits), false);

    /// <summary>Signed codes of <paramref name="bits"/> bits without the lowest one, zero point 0.</summary>
    public static RangeTarget SymmetricSigned(int bits) => new(IntegerRange.SignedNarrow(bits), true);

    /// <summary>Scale and zero point for a clipping range: the one expression by which every range becomes a quantizer.</summary>
    public AffineParameters Parameters(ClippingRange range)
        => IsSymmetric ? AffineParameters.Symmetric(range.Bound, Range) : AffineParameters.Asymmetric(range.Low, range.High, Range);
}
