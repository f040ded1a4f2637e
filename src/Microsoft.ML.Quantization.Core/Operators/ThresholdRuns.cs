using System;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>How many thresholds each number of a run passes.</summary>
internal static class ThresholdRuns
{
    /// <summary>passed[i] = #{ t : source[i] ≥ t } for direction 1, #{ t : source[i] ≤ t } for −1. A NaN passes none.</summary>
    public static void Count<T>(ReadOnlySpan<T> source, ReadOnlySpan<T> thresholds, int direction, Span<int> passed)
        where T : unmanaged, INumber<T>
    {
        int width = Vector256<int>.Count;
        int i = 0;
        for (; i + width <= passed.Length; i += width)
        {
            Vector256<T> x = Vector256.Create(source.Slice(i, width));
            Vector256<int> count = Vector256<int>.Zero;
            foreach (T threshold in thresholds)
            {
                Vector256<T> t = Vector256.Create(threshold);
                count -= (direction > 0 ? Vector256.GreaterThanOrEqual(x, t) : Vector256.LessThanOrEqual(x, t)).AsInt32();
            }

            count.CopyTo(passed[i..]);
        }

        for (; i < passed.Length; i++)
        {
            passed[i] = CountOne(source[i], thresholds, direction);
        }
    }

    /// <summary>The same for one number.</summary>
    public static int CountOne<T>(T value, ReadOnlySpan<T> thresholds, int direction)
        where T : unmanaged, INumber<T>
    {
        int passed = 0;
        foreach (T threshold in thresholds)
        {
            passed += (direction > 0 ? value >= threshold : value <= threshold) ? 1 : 0;
        }

        return passed;
    }
}
