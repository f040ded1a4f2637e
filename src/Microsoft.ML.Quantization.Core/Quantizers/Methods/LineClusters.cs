using System;
using System.Linq;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Exact clusters of least square error on a line, by dynamic programming over at most 512 of the sorted values (Wang and Song, 2011).</summary>
internal static class LineClusters
{
    private const int Most = 512;

    /// <summary>Midpoints between neighbouring clusters, or null where there are fewer different values than clusters.</summary>
    /// <param name="sorted">Ascending.</param>
    /// <param name="count">Clusters.</param>
    public static float[]? Borders(float[] sorted, int count)
    {
        float[] x = sorted.Length <= Most ? sorted : [.. Enumerable.Range(0, Most).Select(i => sorted[(int)((long)i * (sorted.Length - 1) / (Most - 1))])];
        if (x.Distinct().Count() < count)
        {
            return null;
        }

        int[] starts = Starts(x, count);
        return [.. starts.Skip(1).Select(s => (x[s - 1] + x[s]) / 2)];
    }

    /// <summary>Where each cluster begins.</summary>
    private static int[] Starts(float[] x, int count)
    {
        var sums = new double[x.Length + 1];
        var squares = new double[x.Length + 1];
        for (int i = 0; i < x.Length; i++)
        {
            (sums[i + 1], squares[i + 1]) = (sums[i] + x[i], squares[i] + ((double)x[i] * x[i]));
        }

        double Error(int from, int to)
        {
            double sum = sums[to] - sums[from];
            return squares[to] - squares[from] - (sum * sum / (to - from));
        }

        var best = new double[count + 1, x.Length + 1];
        var cut = new int[count + 1, x.Length + 1];
        for (int end = 1; end <= x.Length; end++)
        {
            best[1, end] = Error(0, end);
        }

        for (int k = 2; k <= count; k++)
        {
            for (int end = k; end <= x.Length; end++)
            {
                (best[k, end], cut[k, end]) = Enumerable.Range(k - 1, end - k + 1).Min(from => (best[k - 1, from] + Error(from, end), from));
            }
        }

        var starts = new int[count];
        int last = x.Length;
        for (int k = count; k > 1; k--)
        {
            last = cut[k, last];
            starts[k - 1] = last;
        }

        return starts;
    }
}
