using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// The bound T on |x| whose histogram loses least when its first i bins are merged into L levels: the i with the least KL(P ‖ Q), ties to the larger i, T = i · w.
/// P are the first i counts with everything above added to the last; Q spreads the sum of each level over its occupied bins. L is 2^(b−1), or 2^b for data on one
/// side of zero and an asymmetric target. Exact zeros take no part. Method: Migacz, "8-bit inference with TensorRT" (2017), with Q's mass kept exact.
/// </summary>
public sealed class EntropySolver : RangeSolver
{
    /// <inheritdoc/>
    public override RangeMethod Method => RangeMethod.Entropy;

    /// <inheritdoc/>
    public override int BinCount => Histogram.EntropyBinCount;

    /// <inheritdoc/>
    protected override ClippingRange Solve(ValueStatistics statistics, RangeTarget target, ImmutableArray<string>.Builder notes)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        Histogram histogram = statistics.Histogram;
        bool oneSided = histogram.Minimum >= 0 || histogram.Maximum <= 0;
        int levels = (int)(oneSided && !target.IsSymmetric ? target.Range.Count : (target.Range.Count + 1) / 2);
        int kept = Threshold(PercentileSolver.Folded(histogram), levels, out _);
        double bound = kept * histogram.BinWidth;
        return new ClippingRange(-bound, bound);
    }

    /// <summary>The best number of kept bins of a histogram of magnitudes, from <paramref name="levels"/> to all of them, and its divergence in nats.</summary>
    internal static int Threshold(ReadOnlySpan<long> counts, int levels, out double divergence)
    {
        var prefix = new EntropyPrefix(counts);
        int best = counts.Length;
        divergence = prefix.Divergence(best, Math.Min(levels, best));
        for (int kept = counts.Length - 1; kept >= levels; kept--)
        {
            double candidate = prefix.Divergence(kept, levels);
            if (candidate < divergence)
            {
                divergence = candidate;
                best = kept;
            }
        }

        return best;
    }
}
