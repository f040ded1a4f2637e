using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>The codebook that a weight tensor [O, ..] is fitted to.</summary>
public sealed record CodebookTarget
{
    /// <summary>Bits of a code, 1 to 8; a book has 2^bits levels, or fewer where there are fewer different weights.</summary>
    public required int Bits { get; init; }

    /// <summary>How.</summary>
    public required WeightCodebook Book { get; init; }

    /// <summary>Whether each output channel has a scale; otherwise the tensor has one.</summary>
    public bool ScalePerChannel { get; init; } = true;

    /// <summary>Whether scales are refitted by least squares to the levels found.</summary>
    public bool LeastSquaresRefit { get; init; } = true;

    /// <summary>Seed of the draws of <see cref="CodebookMethod.KMeansPlusPlus"/>.</summary>
    public ulong Seed { get; init; }

    /// <summary>What a scheme wants of a layer with weights of some bits; null for uniform codes, which have every level of a book of signed bytes with codes of 8 bits.</summary>
    internal static CodebookTarget? Of(QuantizationScheme scheme, int bits) => scheme.WeightCodebook is not { } book || (bits == 8 && !book.RealLevels)
        ? null
        : new CodebookTarget
        {
            Bits = bits,
            Book = book,
            ScalePerChannel = scheme.WeightGranularity == Granularity.PerAxis,
            LeastSquaresRefit = scheme.LeastSquaresRefit,
            Seed = scheme.Seed,
        };
}
