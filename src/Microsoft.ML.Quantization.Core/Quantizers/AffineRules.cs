using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>What every affine quantizer must obey.</summary>
public static class AffineRules
{
    private const int MostMidRiseBits = 7;

    /// <summary>Checks ranges, counts, scales and zero points.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidAttribute"/>.</exception>
    public static void Check(AffineQuantization value, string place)
    {
        ArgumentNullException.ThrowIfNull(value);
        bool range = value.Range.Min < value.Range.Max && value.Code.Range.Contains(value.Range.Min) && value.Code.Range.Contains(value.Range.Max);
        bool groups = value.Scales.Length > 0 && value.Scales.Length == value.ZeroPoints.Length
            && (value.Granularity != Granularity.PerTensor || value.Scales.Length == 1)
            && (value.Granularity != Granularity.PerGroup || value.GroupSize > 0);
        if (!range || !groups)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"Quantizer of '{place}': expected a range inside {value.Code.Range} and one scale and zero point a group, found {value}.");
        }

        CheckSpace(value, place);
        CheckCodebook(value, place);
        if (!value.Scales.All(s => float.IsFinite(s) && s > 0) || !value.ZeroPoints.All(value.Range.Contains))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"Quantizer of '{place}': expected finite positive scales and zero points inside {value.Range}, found {value}.");
        }
    }

    private static void CheckCodebook(AffineQuantization value, string place)
    {
        if (value.Codebook is not { } book)
        {
            return;
        }

        bool axis = value.Granularity == Granularity.PerTensor || (value.Granularity == Granularity.PerAxis && value.Axis == 0);
        string? fault = book.Fault();
        bool codes = !value.Code.Signed && value.Code.Bits.Bits <= 8 && value.Range.Min == 0 && value.Range.Max == book.Entries - 1;
        if (fault is not null || !axis || !codes || !value.ZeroPoints.All(z => z == 0))
        {
            string expected = fault ?? "unsigned codes from 0 of up to 8 bits, one an entry, a scale for all or for each output channel, and zero points 0";
            throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"Codebook of '{place}': expected {expected}, found {value}.");
        }
    }

    private static void CheckSpace(AffineQuantization value, string place)
    {
        bool midRise = !value.Code.Signed && value.Code.Bits.Bits <= MostMidRiseBits && value.Range == value.Code.Range && value.ZeroPoints.All(z => z == 0);
        if ((value.Codebook is null) == (value.Code.Space == CodeSpace.Codebook))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"Quantizer of '{place}': expected levels for codebook codes and for no others, found {value}.");
        }

        if (!Enum.IsDefined(value.Code.Space) || (value.IsMidRise && !midRise))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"Quantizer of '{place}': expected mid-rise codes to be unsigned, of 1 to {MostMidRiseBits} bits, all in use, with zero points 0, found {value}.");
        }
    }
}
