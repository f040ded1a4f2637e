using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// Statistics of a value to the range that its codes represent. Whatever a solver finds is brought inside the exact extremes and made to hold 0. A value that
/// never was anything but 0, or was never finite, gets [0, 0], which quantizers turn into scale 1.
/// </summary>
public abstract class RangeSolver
{
    /// <summary>With fewer rows than this, solvers that weigh frequencies fall back to the extremes and say so.</summary>
    public const int EnoughRows = 32;

    /// <summary>The highest number of codes for which frequencies matter; above it (16-bit streams) every solver takes the extremes.</summary>
    private const long MostCodes = 256;

    private static readonly (RangeMethod Method, Func<double, RangeSolver> Create)[] _solvers =
    [
        (RangeMethod.MinMax, static _ => new MinMaxSolver()),
        (RangeMethod.MovingAverage, static _ => new MovingAverageSolver()),
        (RangeMethod.Percentile, static p => new PercentileSolver(p)),
        (RangeMethod.Entropy, static _ => new EntropySolver()),
        (RangeMethod.MeanSquaredError, static _ => new MeanSquaredErrorSolver()),
    ];

    /// <summary>The methods that have a solver.</summary>
    public static ImmutableArray<RangeMethod> Methods { get; } = [.. _solvers.Select(l => l.Method)];

    /// <summary>The method as users name it.</summary>
    public abstract RangeMethod Method { get; }

    /// <summary>Bins that the histogram should have for this method.</summary>
    public virtual int BinCount => Histogram.DefaultBinCount;

    /// <summary>Whether few rows make the method meaningless.</summary>
    protected virtual bool NeedsManyRows => true;

    /// <summary>The solver of a range source; <see cref="RangeMethod.Automatic"/> is least squared error.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: a parameter outside its interval.</exception>
    public static RangeSolver For(RangeSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        source.Check("Range of activations");
        RangeSource chosen = source.ForActivations();
        return _solvers.First(l => l.Method == chosen.Method).Create(chosen.Parameter);
    }

    /// <summary>Solves one value.</summary>
    /// <param name="statistics">What was seen.</param>
    /// <param name="target">The codes.</param>
    public RangeSolution Solve(ValueStatistics statistics, RangeTarget target)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        ImmutableArray<string>.Builder notes = ImmutableArray.CreateBuilder<string>();
        Histogram histogram = statistics.Histogram;
        ClippingRange extremes = Extremes(histogram);
        Warn(histogram, notes);
        ClippingRange range = extremes;
        if (histogram.HasBins && CanSolve(statistics, target, notes))
        {
            range = Inside(Solve(statistics, target, notes), extremes);
        }

        if (histogram.Count == 0)
        {
            notes.Add("No finite value was seen.");
        }

        var error = new HistogramError(histogram);
        AffineParameters parameters = target.Parameters(range);
        return new RangeSolution(
            range,
            parameters,
            Method.ToString(),
            error.Mean(parameters, target.Range),
            error.Mean(target.Parameters(extremes), target.Range),
            notes.ToImmutable());
    }

    /// <summary>The range from the smallest to the largest value and 0.</summary>
    internal static ClippingRange Extremes(Histogram histogram) => new(Math.Min(histogram.Minimum, 0), Math.Max(histogram.Maximum, 0));

    /// <summary>The method itself; the histogram holds at least one value other than zero.</summary>
    /// <param name="statistics">What was seen.</param>
    /// <param name="target">The codes.</param>
    /// <param name="notes">Takes remarks for the user.</param>
    protected abstract ClippingRange Solve(ValueStatistics statistics, RangeTarget target, ImmutableArray<string>.Builder notes);

    // A range of nothing (nearly all values are zero) would lose the values that are not.
    private static ClippingRange Inside(ClippingRange range, ClippingRange extremes)
    {
        double low = Math.Clamp(range.Low, extremes.Low, 0);
        double high = Math.Clamp(range.High, 0, extremes.High);
        return low < high ? new ClippingRange(low, high) : extremes;
    }

    private static void Warn(Histogram histogram, ImmutableArray<string>.Builder notes)
    {
        if (histogram.NanCount > 0)
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{histogram.NanCount} NaN left out."));
        }

        long infinities = histogram.PositiveInfinityCount + histogram.NegativeInfinityCount;
        if (infinities > 0)
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{infinities} infinities left out; they saturate."));
        }

        if (HasGiantOutlier(histogram))
        {
            notes.Add("Fewer than one value in ten million lies above 1/64 of the largest magnitude: a giant outlier takes the histogram's resolution. Use more bins or a percentile.");
        }
    }

    // Counts what lies beyond 2^(e − 6) · B/2, on whole bins.
    private static bool HasGiantOutlier(Histogram histogram)
    {
        int half = histogram.BinCount / 2;
        int edge = half / 64;
        if (!histogram.HasBins || edge == 0)
        {
            return false;
        }

        long inside = histogram.ZeroCount;
        foreach (long n in histogram.Bins[(half - edge)..(half + edge)])
        {
            inside += n;
        }

        return (histogram.Count - inside) / (double)histogram.Count < 1e-7;
    }

    private bool CanSolve(ValueStatistics statistics, RangeTarget target, ImmutableArray<string>.Builder notes)
    {
        if (!NeedsManyRows)
        {
            return true;
        }

        if (statistics.Histogram.Minimum == statistics.Histogram.Maximum)
        {
            notes.Add("The value is constant.");
            return false;
        }

        if (statistics.Rows < EnoughRows)
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{statistics.Rows} rows are too few for {Method}: expected {EnoughRows}; the extremes were taken."));
            return false;
        }

        return target.Range.Count <= MostCodes;
    }
}
