using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// The range with the least expected squared error, measured with the very scale and zero point that the range leads to (<see cref="HistogramError"/>).
/// Candidates for an end are all edges of the histogram on its side and the exact extreme, then a golden-section search between the neighbours of the best.
/// Two ends are searched in turn, at most three times, from the extremes and from the best common shrinking of both; an end at zero stays there.
/// Equal errors prefer the larger range.
/// </summary>
public sealed class MeanSquaredErrorSolver : RangeSolver
{
    private const int Sweeps = 3;
    private const int GoldenSteps = 16;
    private const int ShrinkSteps = 100;
    private const int SmallestShrink = 20;
    private const double Golden = 0.6180339887498949;

    /// <inheritdoc/>
    public override RangeMethod Method => RangeMethod.MeanSquaredError;

    /// <inheritdoc/>
    protected override ClippingRange Solve(ValueStatistics statistics, RangeTarget target, ImmutableArray<string>.Builder notes)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        Histogram histogram = statistics.Histogram;
        var error = new HistogramError(histogram);
        double Error(ClippingRange range) => error.Sum(target.Parameters(range), target.Range);
        ClippingRange extremes = Extremes(histogram);
        double width = histogram.BinWidth;
        if (target.IsSymmetric)
        {
            double bound = BestEnd(extremes.Bound, width, end => Error(new ClippingRange(-end, end)));
            return new ClippingRange(-bound, bound);
        }

        ClippingRange first = Descend(extremes, extremes, width, Error);
        ClippingRange second = Descend(Shrunk(extremes, Error), extremes, width, Error);
        return Better(second, Error(second), first, Error(first)) ? second : first;
    }

    private static ClippingRange Descend(ClippingRange range, ClippingRange extremes, double width, Func<ClippingRange, double> error)
    {
        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            ClippingRange before = range;
            double low = range.Low;
            range = new ClippingRange(low, BestEnd(extremes.High, width, end => error(new ClippingRange(low, end))));
            double high = range.High;
            range = new ClippingRange(-BestEnd(-extremes.Low, width, end => error(new ClippingRange(-end, high))), high);
            if (range == before)
            {
                break;
            }
        }

        return range;
    }

    private static ClippingRange Shrunk(ClippingRange extremes, Func<ClippingRange, double> error)
    {
        ClippingRange best = extremes;
        double least = error(best);
        for (int j = ShrinkSteps - 1; j >= SmallestShrink; j--)
        {
            var candidate = new ClippingRange(extremes.Low * j / ShrinkSteps, extremes.High * j / ShrinkSteps);
            double e = error(candidate);
            if (e < least)
            {
                (best, least) = (candidate, e);
            }
        }

        return best;
    }

    // The best end in (0, limit], from the largest down, so that only a smaller error moves it inwards.
    private static double BestEnd(double limit, double width, Func<double, double> error)
    {
        if (limit == 0)
        {
            return 0;
        }

        double best = limit;
        double least = error(limit);
        for (long edge = (long)Math.Ceiling(limit / width) - 1; edge >= 1; edge--)
        {
            double e = error(edge * width);
            if (e < least)
            {
                (best, least) = (edge * width, e);
            }
        }

        double refined = GoldenSection(Math.Max(best - width, 0), Math.Min(best + width, limit), error);
        return Better(refined, error(refined), best, least) ? refined : best;
    }

    private static double GoldenSection(double low, double high, Func<double, double> error)
    {
        double a = high - (Golden * (high - low));
        double b = low + (Golden * (high - low));
        double errorA = error(a);
        double errorB = error(b);
        for (int step = 0; step < GoldenSteps; step++)
        {
            if (errorA < errorB)
            {
                (high, b, errorB) = (b, a, errorA);
                a = high - (Golden * (high - low));
                errorA = error(a);
            }
            else
            {
                (low, a, errorA) = (a, b, errorB);
                b = low + (Golden * (high - low));
                errorB = error(b);
            }
        }

        return errorA < errorB ? a : b;
    }

    private static bool Better(double end, double error, double otherEnd, double otherError) => error < otherError || (error == otherError && end > otherEnd);

    private static bool Better(ClippingRange range, double error, ClippingRange other, double otherError)
        => Better(range.High - range.Low, error, other.High - other.Low, otherError);
}
