using System;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Integer thresholds of a monotone function from accumulators to codes, by bisection on the very expression that evaluation computes, over all of int32. A division would be wrong
/// where rounding moves a step.
/// </summary>
internal static class ThresholdSearch
{
    /// <summary>
    /// T[i] and a direction with code(a) = #{ i : a ≥ T[i] } for direction 1, #{ i : a ≤ T[i] } for −1, for every accumulator a; a step that is never made stands at
    /// int.MaxValue (direction 1) or int.MinValue (−1), which the proof of the accumulator keeps out of reach.
    /// </summary>
    /// <param name="code">Monotone, from 0 to <paramref name="count"/>.</param>
    /// <param name="count">Steps.</param>
    public static (int[] Thresholds, int Direction) Find(Func<int, int> code, int count)
    {
        ArgumentNullException.ThrowIfNull(code);
        int direction = code(int.MaxValue) >= code(int.MinValue) ? 1 : -1;
        var thresholds = new int[count];
        for (int i = 0; i < count; i++)
        {
            int wanted = i + 1;
            thresholds[i] = direction > 0 ? First(a => code(a) >= wanted) : ~First(a => code(~a) >= wanted);
        }

        return (thresholds, direction);
    }

    /// <summary>The smallest integer that satisfies an increasing condition, or int.MaxValue.</summary>
    private static int First(Predicate<int> condition)
    {
        long low = int.MinValue;
        long high = int.MaxValue;
        while (low < high)
        {
            long middle = (low + high) >> 1;
            if (condition((int)middle))
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return (int)low;
    }
}
