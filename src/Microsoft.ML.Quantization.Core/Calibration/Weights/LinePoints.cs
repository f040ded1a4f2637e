using System;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>Different values on a line, ascending, each with its weight, and sums of them about their mean (sums of squares far from 0 would cancel).</summary>
internal sealed class LinePoints
{
    /// <summary>More values than this go into as many bins.</summary>
    public const int Most = 16384;

    private readonly double[] _weights;
    private readonly double[] _firsts;
    private readonly double[] _squares;

    private LinePoints(double[] values, double[] weights)
    {
        Values = values;
        int n = values.Length;
        (_weights, _firsts, _squares) = (new double[n + 1], new double[n + 1], new double[n + 1]);
        double sum = 0;
        double total = 0;
        for (int i = 0; i < n; i++)
        {
            sum += weights[i] * values[i];
            total += weights[i];
        }

        Mean = total > 0 ? sum / total : 0;
        for (int i = 0; i < n; i++)
        {
            double t = values[i] - Mean;
            _weights[i + 1] = _weights[i] + weights[i];
            _firsts[i + 1] = _firsts[i] + (weights[i] * t);
            _squares[i + 1] = _squares[i] + (weights[i] * t * t);
        }
    }

    /// <summary>The values.</summary>
    public double[] Values { get; }

    /// <summary>Number of values.</summary>
    public int Count => Values.Length;

    /// <summary>The weighted mean of all.</summary>
    public double Mean { get; }

    /// <summary>Sorts values in place, weights with them, merges equal ones and drops those of weight 0.</summary>
    public static LinePoints Of(double[] values, double[] weights)
    {
        Array.Sort(values, weights);
        int count = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (weights[i] > 0)
            {
                bool same = count > 0 && values[count - 1] == values[i];
                count += same ? 0 : 1;
                values[count - 1] = values[i];
                weights[count - 1] = weights[i] + (same ? weights[count - 1] : 0);
            }
        }

        return new LinePoints(values[..count], weights[..count]);
    }

    /// <summary>The same where there are few; otherwise the means of that many bins of equal width.</summary>
    public LinePoints Binned()
    {
        if (Count <= Most)
        {
            return this;
        }

        var sums = new double[Most];
        var weights = new double[Most];
        double step = (Values[^1] - Values[0]) / Most;
        for (int i = 0; i < Count; i++)
        {
            int bin = Math.Min((int)((Values[i] - Values[0]) / step), Most - 1);
            double own = WeightOf(i, i + 1);
            weights[bin] += own;
            sums[bin] += own * Values[i];
        }

        for (int bin = 0; bin < Most; bin++)
        {
            sums[bin] = weights[bin] > 0 ? sums[bin] / weights[bin] : 0;
        }

        return Of(sums, weights);
    }

    /// <summary>The weight of the values [from, to).</summary>
    public double WeightOf(int from, int to) => _weights[to] - _weights[from];

    /// <summary>The weighted mean of the values [from, to), which are not none.</summary>
    public double MeanOf(int from, int to) => to == from + 1 ? Values[from] : Mean + ((_firsts[to] - _firsts[from]) / WeightOf(from, to));

    /// <summary>The squared error of the values [from, to) about their mean.</summary>
    public double ErrorOf(int from, int to)
    {
        double first = _firsts[to] - _firsts[from];
        return to <= from + 1 ? 0 : Math.Max(0, _squares[to] - _squares[from] - (first * first / WeightOf(from, to)));
    }

    /// <summary>The index of the first value that is not below <paramref name="value"/>.</summary>
    public int Find(double value)
    {
        (int low, int high) = (0, Count);
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = Values[middle] < value ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
