using System;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>
/// The clusters of least weighted squared error on a line, which are runs of the sorted values, exactly, by dynamic programming: D[1](j) = C(0, j), D[k](j) = min over i of
/// D[k − 1](i) + C(i, j), C being the error of the values [i, j) about their mean. The least i that attains the minimum does not fall with j, so that rows are filled by halves.
/// </summary>
internal static class LineClusters
{
    /// <summary>Levels, ascending: the values themselves where there are no more than <paramref name="count"/>.</summary>
    public static double[] Levels(LinePoints points, int count)
    {
        if (points.Count <= count)
        {
            return points.Values;
        }

        LinePoints few = points.Binned();
        int[] starts = Starts(few, count);
        var levels = new double[starts.Length];
        for (int k = 0; k < levels.Length; k++)
        {
            // The runs of bins are runs of values too; the means are those of the values.
            int from = few == points ? starts[k] : k == 0 ? 0 : points.Find(Border(few, starts[k]));
            int to = k + 1 == levels.Length ? points.Count : few == points ? starts[k + 1] : points.Find(Border(few, starts[k + 1]));
            levels[k] = points.MeanOf(from, Math.Max(to, from + 1));
        }

        return levels;
    }

    private static double Border(LinePoints few, int start) => (few.Values[start - 1] + few.Values[start]) / 2;

    private static int[] Starts(LinePoints points, int count)
    {
        int n = points.Count;
        count = Math.Min(count, n);
        var best = new double[n + 1];
        var next = new double[n + 1];
        var cuts = new int[count + 1][];
        for (int j = 1; j <= n; j++)
        {
            best[j] = points.ErrorOf(0, j);
        }

        for (int k = 2; k <= count; k++)
        {
            cuts[k] = new int[n + 1];
            var row = new Row(points, best, next, cuts[k], k);
            row.Solve(k, n, k - 1, n - 1);
            (best, next) = (next, best);
        }

        var starts = new int[count];
        int last = n;
        for (int k = count; k > 1; k--)
        {
            last = cuts[k][last];
            starts[k - 1] = last;
        }

        return starts;
    }

    /// <summary>One row of the table, for ends [low, high] whose cuts lie in [first, last].</summary>
    private sealed class Row(LinePoints points, double[] before, double[] row, int[] cuts, int k)
    {
        public void Solve(int low, int high, int first, int last)
        {
            if (low > high)
            {
                return;
            }

            int middle = (low + high) / 2;
            double least = double.PositiveInfinity;
            int cut = Math.Max(first, k - 1);
            for (int i = cut; i <= Math.Min(last, middle - 1); i++)
            {
                double error = before[i] + points.ErrorOf(i, middle);
                if (error < least)
                {
                    (least, cut) = (error, i);
                }
            }

            (row[middle], cuts[middle]) = (least, cut);
            Solve(low, middle - 1, first, cut);
            Solve(middle + 1, high, cut, last);
        }
    }
}
