using System.Globalization;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>A number of bits of a code: 1 to 8, or 16 and 32 for residual streams and accumulators.</summary>
public readonly record struct BitWidth
{
    /// <summary>Creates a width.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidBitWidth"/> unless 1 to 8, 16 or 32.</exception>
    public BitWidth(int bits)
    {
        if (bits is not (>= 1 and <= 8 or 16 or 32))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidBitWidth,
                string.Create(CultureInfo.InvariantCulture, $"Bit width: expected 1 to 8, 16 or 32, found {bits}."));
        }

        Bits = bits;
    }

    /// <summary>The number of bits.</summary>
    public int Bits { get; }

    /// <summary>2^Bits, as a 64-bit number.</summary>
    public long LevelCount => 1L << Bits;

    /// <inheritdoc/>
    public override string ToString() => Bits.ToString(CultureInfo.InvariantCulture);
}
