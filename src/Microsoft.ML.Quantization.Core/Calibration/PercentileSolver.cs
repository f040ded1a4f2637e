using System;
using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// The range that holds the share p of the values. Symmetric: the smallest T with count(|x| ≤ T) ≥ p · n. Asymmetric: (1 − p)/2 is left out at each end,
/// or 1 − p at the only end that data on one side of zero have. Linear inside a bin, within the exact extremes. When (1 − p) · n is below 1 nothing is left out.
/// </summary>
public sealed class PercentileSolver : RangeSolver
{
    /// <summary>Creates the solver.</summary>
    /// <param name="share">p in (0.5, 1].</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    public PercentileSolver(double share = 0.9999)
    {
        RangeSource.Percentile(share).Check("Percentile");
        Share = share;
    }

    /// <inheritdoc/>
    public override RangeMethod Method => RangeMethod.Percentile;

    /// <summary>p.</summary>
    public double Share { get; }

    /// <inheritdoc/>
    protected override ClippingRange Solve(ValueStatistics statistics, RangeTarget target, ImmutableArray<string>.Builder notes)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        ArgumentNullException.ThrowIfNull(notes);
        Histogram histogram = statistics.Histogram;
        ClippingRange extremes = Extremes(histogram);
        double outside = (1 - Share) * histogram.Count;
        if (outside < 1)
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"The share {Share:R} of {histogram.Count} values leaves none out; the extremes were taken."));
            return extremes;
        }

        if (target.IsSymmetric)
        {
            double bound = Bound(Folded(histogram), outside, histogram.BinWidth);
            return new ClippingRange(-bound, bound);
        }

        double each = extremes.Low < 0 && extremes.High > 0 ? outside / 2 : outside;
        ReadOnlySpan<long> bins = histogram.Bins;
        long[] negative = bins[..(bins.Length / 2)].ToArray();
        Array.Reverse(negative);
        return new ClippingRange(-Bound(negative, each, histogram.BinWidth), Bound(bins[(bins.Length / 2)..], each, histogram.BinWidth));
    }

    /// <summary>Counts of |x|: bin i covers [i · w, (i + 1) · w).</summary>
    internal static long[] Folded(Histogram histogram)
    {
        int half = histogram.BinCount / 2;
        var folded = new long[half];
        for (int i = 0; i < half; i++)
        {
            folded[i] = histogram.Bins[half + i] + histogram.Bins[half - 1 - i];
        }

        return folded;
    }

    // The T beyond which a number of values lie; 0 when fewer lie on this side of zero at all.
    private static double Bound(ReadOnlySpan<long> magnitudes, double outside, double width)
    {
        double beyond = 0;
        for (int i = magnitudes.Length - 1; i >= 0; i--)
        {
            if (beyond + magnitudes[i] >= outside && magnitudes[i] > 0)
            {
                return (i + 1 - ((outside - beyond) / magnitudes[i])) * width;
            }

            beyond += magnitudes[i];
        }

        return 0;
    }
}
