using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>
/// Weights to codebooks. With the scale s[c] = fl(max|w[c]| / 127) of each channel (or one for all), levels of a book minimise Σ h·s²·(w/s − level)² over its weights; integer levels are then
/// rounded half to even. At last each channel's scale becomes Σ h·w·level / Σ h·level² if that lowers its error. Float levels keep s = fl(max|w[c]|), or 1 where one scale serves all.
/// A channel of zeros gets the scale 1, and its book the level 0, in the place of the level nearest to it where the book is full.
/// </summary>
public static class CodebookWeightFitter
{
    private const int RefitRounds = 3;
    private const int LargestLevel = 127;

    /// <summary>Fits a tensor.</summary>
    /// <param name="name">The constant's name, for messages.</param>
    /// <param name="weights">Floats [O, ..].</param>
    /// <param name="target">The codebook wanted.</param>
    /// <param name="importance">h of each weight, not negative; null for 1.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NonFiniteWeight"/> with the index of the first weight that is not finite.</exception>
    public static WeightFit Fit(string name, Tensor weights, CodebookTarget target, double[]? importance = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(target);
        WeightFitter.CheckFinite(name, weights);
        var rows = new WeightRows(weights, importance);
        float[] scales = Scales(rows, target, out int zeroRows, out int subnormal);
        double[][] levels = [.. Books(rows.Count, target).Select((book, i) => Levels(rows, scales, book.Begin, book.End, target, target.Book.Method, i))];
        AffineQuantization fitted = Quantization(rows, scales, levels, target);
        int refitted = target.LeastSquaresRefit && !target.Book.RealLevels ? Refit(rows, ref fitted) : 0;
        double[][] even = [.. Books(rows.Count, target).Select(book => Even(rows, scales, book.Begin, book.End, 1 << target.Bits))];
        double plain = rows.Error(Quantization(rows, scales, even, target));
        return new WeightFit(fitted, RangeMethod.Automatic, plain, rows.Error(fitted), zeroRows, subnormal, refitted);
    }

    private static (int Begin, int End)[] Books(int rows, CodebookTarget target)
    {
        int size = target.Book.ChannelsPerBook == 0 ? Math.Max(rows, 1) : target.Book.ChannelsPerBook;
        return [.. Enumerable.Range(0, (rows + size - 1) / size).Select(b => (b * size, Math.Min((b + 1) * size, rows)))];
    }

    private static float[] Scales(WeightRows rows, CodebookTarget target, out int zeroRows, out int subnormal)
    {
        (zeroRows, subnormal) = (0, 0);
        float[] bounds = [.. Enumerable.Range(0, rows.Count).Select(rows.Bound)];
        if (!target.ScalePerChannel)
        {
            bounds = [bounds.DefaultIfEmpty().Max()];
        }

        var scales = new float[bounds.Length];
        for (int i = 0; i < scales.Length; i++)
        {
            float scale = target.Book.RealLevels ? target.ScalePerChannel ? bounds[i] : 1 : bounds[i] / LargestLevel;
            bool normal = scale >= WeightError.SmallestNormal;
            scales[i] = normal ? scale : 1;
            zeroRows += bounds[i] == 0 ? 1 : 0;
            subnormal += !normal && bounds[i] != 0 ? 1 : 0;
        }

        return scales;
    }

    /// <summary>The levels of the book of the channels [begin, end).</summary>
    private static double[] Levels(WeightRows rows, float[] scales, int begin, int end, CodebookTarget target, CodebookMethod method, int site)
    {
        LinePoints points = rows.Points(scales, begin, end);
        int count = 1 << target.Bits;
        return points.Count == 0 ? [0]
            : method == CodebookMethod.Optimal ? LineClusters.Levels(points, count)
            : LineLloyd.Levels(points, count, method, new CounterRandom(target.Seed, (ulong)site));
    }

    private static double[] Even(WeightRows rows, float[] scales, int begin, int end, int count)
    {
        LinePoints points = rows.Points(scales, begin, end);
        return points.Count == 0 ? [0] : LineLloyd.Linear(points, count);
    }

    private static AffineQuantization Quantization(WeightRows rows, float[] scales, double[][] levels, CodebookTarget target)
    {
        (int Begin, int End)[] books = Books(rows.Count, target);
        int most = 1 << target.Bits;
        for (int b = 0; b < books.Length; b++)
        {
            bool zeros = Enumerable.Range(books[b].Begin, books[b].End - books[b].Begin).Any(r => rows.Bound(r) == 0);
            levels[b] = Finished(zeros ? WithZero(levels[b], most) : levels[b], target.Book.RealLevels);
        }

        int entries = Math.Clamp(levels.Select(l => l.Length).DefaultIfEmpty().Max(), 2, most);
        double[] all = [.. levels.SelectMany(l => l.Concat(Enumerable.Repeat(l[^1], entries - l.Length)))];
        return new AffineQuantization
        {
            Code = new CodeType(new BitWidth(target.Bits), false, CodeSpace.Codebook),
            Range = new IntegerRange(0, entries - 1),
            Granularity = target.ScalePerChannel ? Granularity.PerAxis : Granularity.PerTensor,
            Scales = ImmutableArray.Create(scales),
            ZeroPoints = [.. new int[scales.Length]],
            Codebook = new Codebook
            {
                Entries = entries,
                ChannelsPerBook = target.Book.ChannelsPerBook,
                Integers = target.Book.RealLevels ? [] : [.. all.Select(l => (sbyte)l)],
                Reals = target.Book.RealLevels ? [.. all.Select(l => (float)l)] : [],
            },
        };
    }

    private static double[] WithZero(double[] levels, int most)
    {
        if (levels.Length < most && !levels.Contains(0))
        {
            return [.. levels.Append(0).Order()];
        }

        int nearest = Enumerable.Range(0, levels.Length).MinBy(i => Math.Abs(levels[i]));
        return [.. levels.Select((l, i) => i == nearest ? 0 : l)];
    }

    private static double[] Finished(double[] levels, bool reals)
        => [.. levels.Select(l => reals ? (float)l : Rounding.HalfToEven(Math.Clamp(l, -LargestLevel, LargestLevel))).Distinct()];

    private static int Refit(WeightRows rows, ref AffineQuantization fitted)
    {
        float[] scales = [.. fitted.Scales];
        float[] before = [.. scales];
        for (int round = 0; round < RefitRounds; round++)
        {
            float[] wanted = rows.LeastSquaresScales(fitted);
            bool changed = false;
            for (int i = 0; i < scales.Length; i++)
            {
                if (rows.ErrorAt(fitted, i, wanted[i]) < rows.ErrorAt(fitted, i, scales[i]))
                {
                    scales[i] = wanted[i];
                    changed = true;
                }
            }

            fitted = fitted with { Scales = [.. scales] };
            if (!changed)
            {
                break;
            }
        }

        return scales.Zip(before).Count(p => p.First != p.Second);
    }
}
