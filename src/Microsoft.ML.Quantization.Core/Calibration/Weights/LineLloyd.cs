using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>
/// Lloyd's iteration on a line: every value to its nearest level (a midpoint to the upper one), every level to the weighted mean of its values, until the error falls by no more than
/// 10^−7 of itself. A level that got no values takes the value that is farthest from its level in the cell of largest error (the first of equals), at most twice a level in all.
/// The best levels met are kept.
/// </summary>
internal static class LineLloyd
{
    private const int MostRounds = 300;
    private const double Enough = 1e-7;

    /// <summary>Levels, ascending: the values themselves where there are no more than <paramref name="count"/>.</summary>
    public static double[] Levels(LinePoints points, int count, CodebookMethod start, CounterRandom random)
    {
        if (points.Count <= count)
        {
            return points.Values;
        }

        double[] levels = start switch
        {
            CodebookMethod.Quantiles => Quantiles(points, count),
            CodebookMethod.Linear => Linear(points, count),
            _ => PlusPlus(points, count, random),
        };
        return Iterate(points, levels);
    }

    /// <summary>min + (max − min)·j / (K − 1).</summary>
    public static double[] Linear(LinePoints points, int count)
        => [.. Enumerable.Range(0, count).Select(j => points.Values[0] + ((points.Values[^1] - points.Values[0]) * j / (count - 1)))];

    /// <summary>The smallest value up to which lies at least the share (j + ½) / K of the weight.</summary>
    public static double[] Quantiles(LinePoints points, int count)
    {
        double total = points.WeightOf(0, points.Count);
        var levels = new double[count];
        for (int j = 0, i = 0; j < count; j++)
        {
            double wanted = total * (j + 0.5) / count;
            while (i < points.Count - 1 && points.WeightOf(0, i + 1) < wanted)
            {
                i++;
            }

            levels[j] = points.Values[i];
        }

        return levels;
    }

    private static double[] PlusPlus(LinePoints points, int count, CounterRandom random)
    {
        var shares = new double[points.Count];
        var distances = new double[points.Count];
        Array.Fill(distances, double.PositiveInfinity);
        var levels = new double[count];
        for (int k = 0; k < count; k++)
        {
            double total = 0;
            for (int i = 0; i < shares.Length; i++)
            {
                total += points.WeightOf(i, i + 1) * (k == 0 ? 1 : distances[i]);
                shares[i] = total;
            }

            double drawn = (random.Bits(k) >> 11) * (1.0 / (1UL << 53)) * total;
            int found = Array.FindIndex(shares, s => s > drawn);
            levels[k] = points.Values[found < 0 ? shares.Length - 1 : found];
            for (int i = 0; i < distances.Length; i++)
            {
                double d = points.Values[i] - levels[k];
                distances[i] = Math.Min(distances[i], d * d);
            }
        }

        Array.Sort(levels);
        return levels;
    }

    private static double[] Iterate(LinePoints points, double[] levels)
    {
        double[] best = levels;
        double least = double.PositiveInfinity;
        int reseeds = 2 * levels.Length;
        for (int round = 0; round < MostRounds; round++)
        {
            int[] starts = Starts(points, levels);
            double error = Error(points, levels, starts);
            if (error < least)
            {
                bool done = double.IsFinite(least) && least - error <= Enough * least;
                (least, best) = (error, levels);
                if (done)
                {
                    break;
                }
            }
            else
            {
                break;
            }

            levels = Means(points, levels, starts, ref reseeds);
        }

        return best;
    }

    /// <summary>Where the values of each level begin, and the number of values.</summary>
    private static int[] Starts(LinePoints points, double[] levels)
    {
        var starts = new int[levels.Length + 1];
        for (int k = 1; k < levels.Length; k++)
        {
            starts[k] = Math.Max(starts[k - 1], points.Find((levels[k - 1] + levels[k]) / 2));
        }

        starts[^1] = points.Count;
        return starts;
    }

    private static double Error(LinePoints points, double[] levels, int[] starts) => Enumerable.Range(0, levels.Length).Sum(k => Error(points, levels[k], starts[k], starts[k + 1]));

    private static double Error(LinePoints points, double level, int from, int to)
    {
        if (to == from)
        {
            return 0;
        }

        double d = points.MeanOf(from, to) - level;
        return points.ErrorOf(from, to) + (points.WeightOf(from, to) * d * d);
    }

    private static double[] Means(LinePoints points, double[] levels, int[] starts, ref int reseeds)
    {
        var means = new List<double>();
        var taken = new HashSet<double>();
        for (int k = 0; k < levels.Length; k++)
        {
            bool empty = starts[k] == starts[k + 1];
            if (!empty)
            {
                means.Add(points.MeanOf(starts[k], starts[k + 1]));
            }
            else if (reseeds-- > 0 && Farthest(points, levels, starts, taken) is { } value)
            {
                taken.Add(value);
                means.Add(value);
            }
            else
            {
                means.Add(levels[k]);
            }
        }

        means.Sort();
        return [.. means];
    }

    /// <summary>The value farthest from its level in the cell of largest error that has one which is not taken.</summary>
    private static double? Farthest(LinePoints points, double[] levels, int[] starts, HashSet<double> taken)
    {
        double largest = 0;
        double? found = null;
        for (int k = 0; k < levels.Length; k++)
        {
            double error = Error(points, levels[k], starts[k], starts[k + 1]);
            if (error > largest)
            {
                // On a line the farthest value of a cell is its first or its last.
                (double first, double last) = (points.Values[starts[k]], points.Values[starts[k + 1] - 1]);
                double value = levels[k] - first >= last - levels[k] ? first : last;
                (largest, found) = taken.Contains(value) ? (largest, found) : (error, value);
            }
        }

        return found;
    }
}
