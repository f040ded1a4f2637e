using System;
using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// Counts of floats on a grid of B bins of width exactly 2^e that covers [−B/2 · 2^e, B/2 · 2^e): the bin of x is floor(x · 2^−e) + B/2, an exact operation.
/// e is the smallest integer with max|x| &lt; B/2 · 2^e, so it, and with it every number here, depends only on which values were seen, not on their order or on
/// how they were split: <see cref="Merge"/> is associative and commutative and gives the bytes of one histogram of everything. Zeros, NaN and infinities
/// have counters of their own and stand in no bin. The size is fixed whatever the number of values.
/// </summary>
public sealed partial class Histogram
{
    /// <summary>The number of bins when nothing else is said: 16 KiB.</summary>
    public const int DefaultBinCount = 2048;

    /// <summary>The number of bins for <see cref="EntropySolver"/>.</summary>
    public const int EntropyBinCount = 4096;

    /// <summary>The smallest number of bins.</summary>
    public const int MinimumBinCount = 8;

    /// <summary>The largest number of bins.</summary>
    public const int MaximumBinCount = 1 << 16;

    private readonly long[] _bins;
    private int _exponent;

    /// <summary>An empty histogram.</summary>
    /// <param name="binCount">B: a power of two from 8 to 65536.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    public Histogram(int binCount = DefaultBinCount)
    {
        CheckBinCount(binCount);
        BinCount = binCount;
        _bins = new long[binCount + Lanes];
    }

    private Histogram(Histogram other)
        : this(other.BinCount) => MergeFrom(other);

    /// <summary>B.</summary>
    public int BinCount { get; }

    /// <summary>e; 0 while no value other than zero was seen.</summary>
    public int Exponent => HasBins ? _exponent : 0;

    /// <summary>2^e.</summary>
    public double BinWidth => Math.ScaleB(1, Exponent);

    /// <summary>Whether a finite value other than zero was seen.</summary>
    public bool HasBins { get; private set; }

    /// <summary>Exact zeros of either sign.</summary>
    public long ZeroCount { get; private set; }

    /// <summary>NaNs; no part of <see cref="Count"/>.</summary>
    public long NanCount { get; private set; }

    /// <summary>+∞; no part of <see cref="Count"/>.</summary>
    public long PositiveInfinityCount { get; private set; }

    /// <summary>−∞; no part of <see cref="Count"/>.</summary>
    public long NegativeInfinityCount { get; private set; }

    /// <summary>Finite values, zeros included.</summary>
    public long Count { get; private set; }

    /// <summary>The exact smallest finite value, 0 when there is none.</summary>
    public float Minimum { get; private set; }

    /// <summary>The exact largest finite value, 0 when there is none.</summary>
    public float Maximum { get; private set; }

    /// <summary>The larger magnitude of the extremes.</summary>
    public float MaximumMagnitude => MathF.Max(MathF.Abs(Minimum), MathF.Abs(Maximum));

    /// <summary>Counts of the bins; bin i covers [(i − B/2) · 2^e, (i − B/2 + 1) · 2^e).</summary>
    public ReadOnlySpan<long> Bins => _bins.AsSpan(0, BinCount);

    /// <summary>Finite values other than zero.</summary>
    public long BinnedCount => Count - ZeroCount;

    /// <summary>A histogram of values.</summary>
    public static Histogram Of(ReadOnlySpan<float> values, int binCount = DefaultBinCount)
    {
        var histogram = new Histogram(binCount);
        histogram.Add(values);
        return histogram;
    }

    /// <summary>The histogram of everything that any of the parts saw; the parts stay as they are.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.StatisticsMismatch"/>: different numbers of bins, or none at all to merge.</exception>
    public static Histogram Merge(params ReadOnlySpan<Histogram> parts)
    {
        if (parts.IsEmpty)
        {
            throw new QuantizationException(QuantizationErrorCode.StatisticsMismatch, "Histograms to merge: expected at least one, found none.");
        }

        Histogram result = parts[0].Clone();
        foreach (Histogram part in parts[1..])
        {
            result.MergeFrom(part);
        }

        return result;
    }

    /// <summary>The mean of the finite values, each nonzero one taken at its bin's centre: a function of the counts alone.</summary>
    public double Mean() => Count == 0 ? 0 : Moment(static centre => centre) / Count;

    /// <summary>The mean square of the finite values, each nonzero one taken at its bin's centre.</summary>
    public double MeanSquare() => Count == 0 ? 0 : Moment(static centre => centre * centre) / Count;

    /// <summary>The mean magnitude of the finite values, each nonzero one taken at its bin's centre.</summary>
    public double MeanMagnitude() => Count == 0 ? 0 : Moment(Math.Abs) / Count;

    /// <summary>An own copy.</summary>
    internal Histogram Clone() => new(this);

    internal static void CheckBinCount(int binCount)
    {
        if (binCount is < MinimumBinCount or > MaximumBinCount || !BitOperations.IsPow2(binCount))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                string.Create(CultureInfo.InvariantCulture, $"Bins of a histogram: expected a power of two from {MinimumBinCount} to {MaximumBinCount}, found {binCount}."));
        }
    }

    /// <summary>Adds what another histogram saw.</summary>
    internal void MergeFrom(Histogram other)
    {
        if (other.BinCount != BinCount)
        {
            throw new QuantizationException(
                QuantizationErrorCode.StatisticsMismatch,
                string.Create(CultureInfo.InvariantCulture, $"Histograms to merge: expected {BinCount} bins, found {other.BinCount}. Collect all shards with the same options."));
        }

        if (other.Count > 0)
        {
            Extend(other.Minimum, other.Maximum);
        }

        NanCount += other.NanCount;
        PositiveInfinityCount += other.PositiveInfinityCount;
        NegativeInfinityCount += other.NegativeInfinityCount;
        ZeroCount += other.ZeroCount;
        Count += other.Count;
        if (other.HasBins)
        {
            int shift = _exponent - other._exponent;
            for (int i = 0; i < BinCount; i++)
            {
                _bins[Shifted(i, shift)] += other._bins[i];
            }
        }
    }

    /// <summary>Takes over what a file says; the reader has checked it.</summary>
    internal static Histogram Restore(int binCount, in HistogramCounters counters, int firstBin, ReadOnlySpan<long> bins)
    {
        var histogram = new Histogram(binCount);
        if (counters.Count > 0)
        {
            histogram.Extend(counters.Minimum, counters.Maximum);
        }

        histogram.ZeroCount = counters.Zero;
        histogram.NanCount = counters.Nan;
        histogram.PositiveInfinityCount = counters.PositiveInfinity;
        histogram.NegativeInfinityCount = counters.NegativeInfinity;
        histogram.Count = counters.Count;
        bins.CopyTo(histogram._bins.AsSpan(firstBin));
        return histogram;
    }

    private double Moment(Func<double, double> function)
    {
        double sum = 0;
        for (int i = 0; i < BinCount; i++)
        {
            if (_bins[i] != 0)
            {
                sum += _bins[i] * function((i - (BinCount / 2) + 0.5) * BinWidth);
            }
        }

        return sum;
    }

    // k >> shift rounds towards −∞, so a bin goes into the one that covers it on both sides of zero.
    private int Shifted(int bin, int shift) => ((bin - (BinCount / 2)) >> Math.Min(shift, 31)) + (BinCount / 2);
}
