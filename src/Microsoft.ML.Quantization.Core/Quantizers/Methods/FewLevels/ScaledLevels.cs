using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// The nearest α·b with b from ±levels: min over α &gt; 0 and b of ½·Σ d·(w − α·b)². The nearest level of an element changes only where α passes |w| / midpoint, so that walking these
/// places from α = ∞ down finds the exact minimum; C = Σ d·b·|w| and D = Σ d·b² are kept on the way and C²/D is made largest. One routine for BWN, exact TWN, LAB, LAT, LAQ, ADMM.
/// </summary>
internal static class ScaledLevels
{
    private const int MostRounds = 20;
    private const int MostPlaces = 1 << 22;
    private const int Share = 8192;

    /// <summary>The exact scale; 0 for zeros.</summary>
    /// <param name="w">The values.</param>
    /// <param name="d">Positive weights, one a value; empty for 1.</param>
    /// <param name="levels">From 0 or above, ascending.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: so many that they cannot be sorted in memory.</exception>
    public static float Solve(ReadOnlySpan<float> w, ReadOnlySpan<float> d, ReadOnlySpan<float> levels)
    {
        if ((long)w.Length * (levels.Length - 1) > Array.MaxLength / sizeof(double))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"Exact scale: expected at most {Array.MaxLength / sizeof(double)} products of weights and levels, found {w.Length} weights and {levels.Length} levels. Leave the exact form out for this layer, or take fewer bits."));
        }

        (double c, double weight) = (0, 0);
        var places = new double[w.Length * (levels.Length - 1)];
        var which = new int[places.Length];
        for (int i = 0; i < w.Length; i++)
        {
            double own = d.IsEmpty ? 1 : d[i];
            (c, weight) = (c + (own * levels[0] * Math.Abs(w[i])), weight + (own * levels[0] * levels[0]));
            for (int l = 1; l < levels.Length; l++)
            {
                int at = (i * (levels.Length - 1)) + l - 1;
                (places[at], which[at]) = (-2.0 * Math.Abs(w[i]) / ((double)levels[l - 1] + levels[l]), at);
            }
        }

        Array.Sort(places, which);
        return (float)Walk(w, d, levels, places, which, (c, weight));
    }

    /// <summary>A scale without anything known: exact up to 4 million places, otherwise by alternation from one that the largest value fills (for ternary ones from the rule of 0.7).</summary>
    public static float Start(ReadOnlySpan<float> w, ReadOnlySpan<float> levels) => (long)w.Length * (levels.Length - 1) <= MostPlaces
        ? Solve(w, [], levels)
        : Alternate(w, [], levels, levels.Length == 2 ? 1.4f * LatentWeights.MeanSize(w) : LatentWeights.LargestSize(w) / levels[^1]);

    /// <summary>Alternates the nearest codes and the best scale from a given scale; cheap, ends at a local minimum. 0 for zeros.</summary>
    public static float Alternate(ReadOnlySpan<float> w, ReadOnlySpan<float> d, ReadOnlySpan<float> levels, float start)
    {
        float scale = start;
        for (int round = 0; round < MostRounds && scale > 0; round++)
        {
            (double c, double weight) = Moments(w, d, levels, scale);
            float next = weight > 0 ? (float)(c / weight) : 0;
            if (Math.Abs(next - scale) < 1e-6f * scale)
            {
                return next;
            }

            scale = next;
        }

        return scale;
    }

    /// <summary>The level nearest to |w|/scale, the lower one on a tie.</summary>
    public static float Nearest(float w, float scale, ReadOnlySpan<float> levels)
    {
        int level = 0;
        while (level + 1 < levels.Length && Math.Abs(w) > Middle(levels, level, scale))
        {
            level++;
        }

        return levels[level];
    }

    /// <summary>½·Σ d·(w − α·b)² at the nearest codes.</summary>
    public static double Objective(ReadOnlySpan<float> w, ReadOnlySpan<float> d, ReadOnlySpan<float> levels, float scale)
    {
        double sum = 0;
        for (int i = 0; i < w.Length; i++)
        {
            double rest = Math.Abs(w[i]) - ((double)scale * Nearest(w[i], scale, levels));
            sum += (d.IsEmpty ? 1 : d[i]) * rest * rest / 2;
        }

        return sum;
    }

    /// <summary>The place between two levels, in float, as thresholds of codes use it.</summary>
    public static float Middle(ReadOnlySpan<float> levels, int lower, float scale) => (levels[lower] + levels[lower + 1]) * 0.5f * scale;

    private static double Walk(ReadOnlySpan<float> w, ReadOnlySpan<float> d, ReadOnlySpan<float> levels, double[] places, int[] which, (double C, double D) sums)
    {
        (double c, double weight) = sums;
        double best = weight > 0 ? c * c / weight : 0;
        double scale = weight > 0 ? c / weight : 0;
        for (int k = 0; k < places.Length; k++)
        {
            (int i, int l) = (which[k] / (levels.Length - 1), (which[k] % (levels.Length - 1)) + 1);
            double own = d.IsEmpty ? 1 : d[i];
            c += own * ((double)levels[l] - levels[l - 1]) * Math.Abs(w[i]);
            weight += own * (((double)levels[l] * levels[l]) - ((double)levels[l - 1] * levels[l - 1]));
            bool isGroupEnd = k + 1 == places.Length || places[k + 1] != places[k];
            if (isGroupEnd && weight > 0 && c * c / weight > best)
            {
                (best, scale) = (c * c / weight, c / weight);
            }
        }

        return scale;
    }

    /// <summary>C and D at the nearest codes of a scale.</summary>
    private static (double C, double D) Moments(ReadOnlySpan<float> w, ReadOnlySpan<float> d, ReadOnlySpan<float> levels, float scale)
    {
        float[] all = levels.ToArray();
        float[] middles = [.. Enumerable.Range(0, all.Length - 1).Select(i => Middle(all, i, scale))];
        bool isEven = all[0] == 0 && Enumerable.Range(0, all.Length).All(i => all[i] == i);
        (double c, double weight) = (0, 0);
        for (int begin = 0; begin < w.Length; begin += Share)
        {
            ReadOnlySpan<float> part = w.Slice(begin, Math.Min(Share, w.Length - begin));
            ReadOnlySpan<float> own = d.IsEmpty ? part : d.Slice(begin, part.Length);
            c += isEven ? LaneMap.Sum(new Even(scale, all[^1], !d.IsEmpty, true), part, own) : LaneMap.Sum(new Any(middles, all, !d.IsEmpty, true), part, own);
            weight += isEven ? LaneMap.Sum(new Even(scale, all[^1], !d.IsEmpty, false), part, own) : LaneMap.Sum(new Any(middles, all, !d.IsEmpty, false), part, own);
        }

        return (c, weight);
    }

    private static T Abs<T>(T x)
        where T : unmanaged, ILanes<T> => x & T.CreateInt(0x7FFFFFFF);

    /// <summary>d·b·|w| or d·b², b = min(round(|w|/scale), most).</summary>
    private readonly struct Even(float scale, float most, bool hasWeights, bool isFirst) : ILaneFunction2
    {
        public T Of<T>(T w, T d)
            where T : unmanaged, ILanes<T>
        {
            T u = Abs(w) / T.Create(scale);
            T b = T.Round(T.Select(T.Less(T.Create(most), u), T.Create(most), u));
            T term = b * (isFirst ? Abs(w) : b);
            return hasWeights ? d * term : term;
        }
    }

    /// <summary>The same for levels of any spacing.</summary>
    private readonly struct Any(float[] middles, float[] levels, bool hasWeights, bool isFirst) : ILaneFunction2
    {
        public T Of<T>(T w, T d)
            where T : unmanaged, ILanes<T>
        {
            T size = Abs(w);
            T b = T.Create(levels[0]);
            for (int i = 0; i < middles.Length; i++)
            {
                b = T.Select(T.Less(T.Create(middles[i]), size), T.Create(levels[i + 1]), b);
            }

            T term = b * (isFirst ? size : b);
            return hasWeights ? d * term : term;
        }
    }
}
