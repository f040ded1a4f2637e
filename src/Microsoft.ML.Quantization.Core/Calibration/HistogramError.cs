using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// The squared error that a quantizer makes on the values of a histogram, taken as uniform within each bin:
/// E = Σ over codes q of ∫ (x − s·(q − z))² over the reals that q stands for, with the real scale and zero point of the quantizer. Where no bin straddles
/// a rounding boundary this is Σ n_i · (w²/12 + (centre_i − Q(centre_i))²). Prefix moments make one code O(1), so a candidate costs as much as it has codes.
/// Zeros are exact for every quantizer and cost nothing.
/// </summary>
internal sealed class HistogramError
{
    private readonly long[] _bins;
    private readonly double[] _count;
    private readonly double[] _first;
    private readonly double[] _second;
    private readonly double _width;
    private readonly double _low;
    private readonly double _high;
    private readonly double _total;

    public HistogramError(Histogram histogram)
    {
        _bins = histogram.Bins.ToArray();
        _width = histogram.BinWidth;
        _total = histogram.Count;
        int half = _bins.Length / 2;
        _low = Math.Floor(histogram.Minimum / _width);
        _high = Math.Floor(histogram.Maximum / _width) + 1;
        _count = new double[_bins.Length + 1];
        _first = new double[_bins.Length + 1];
        _second = new double[_bins.Length + 1];
        for (int i = 0; i < _bins.Length; i++)
        {
            double k = i - half;
            _count[i + 1] = _count[i] + _bins[i];
            _first[i + 1] = _first[i] + (_bins[i] * (k + 0.5));
            _second[i + 1] = _second[i] + (_bins[i] * ((k * k) + k + (1.0 / 3)));
        }
    }

    /// <summary>The mean over all finite values, zeros included; 0 without values.</summary>
    public double Mean(AffineParameters parameters, IntegerRange range) => _total == 0 ? 0 : Sum(parameters, range) * _width * _width / _total;

    /// <summary>E in units of squared bin widths.</summary>
    public double Sum(AffineParameters parameters, IntegerRange range)
    {
        double step = parameters.Scale / _width;
        int first = Code(_low / step, parameters.ZeroPoint, range);
        int last = Code(_high / step, parameters.ZeroPoint, range);
        double sum = 0;
        Moments before = At(_low);
        for (int q = first; q <= last; q++)
        {
            double centre = ((double)q - parameters.ZeroPoint) * step;
            Moments after = At(q == last ? _high : Math.Clamp(centre + (0.5 * step), _low, _high));
            double count = after.Count - before.Count;
            sum += (after.Second - before.Second) - (2 * centre * (after.First - before.First)) + (centre * centre * count);
            before = after;
        }

        return Math.Max(sum, 0);
    }

    private static int Code(double steps, int zeroPoint, IntegerRange range) => (int)Math.Clamp(Rounding.HalfToEven(steps) + zeroPoint, range.Min, range.Max);

    // Moments of everything below u, u counted in bins.
    private Moments At(double u)
    {
        int half = _bins.Length / 2;
        double k = Math.Floor(u);
        int i = (int)k + half;
        if (i >= _bins.Length)
        {
            return new Moments(_count[^1], _first[^1], _second[^1]);
        }

        double n = _bins[i];
        return new Moments(
            _count[i] + (n * (u - k)),
            _first[i] + (n * ((u * u) - (k * k)) / 2),
            _second[i] + (n * ((u * u * u) - (k * k * k)) / 3));
    }

    private readonly record struct Moments(double Count, double First, double Second);
}
