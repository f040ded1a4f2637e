using System;
using System.Numerics;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// Sizes of a dense layer whose weights are unsigned codes of 1 to 7 bits in memory, unpacked in registers: w = low[o] + <see cref="Step"/> · code, low[o] being the least weight of
/// output o. Any weights of few distinct values in even steps have this form: ±1, {0, 1}, ternary, two's complement, mid-rise, with a zero point or without.
/// </summary>
public readonly record struct NarrowGeometry
{
    /// <summary>The longest row: sums of its products stay within 32 bits whatever the place of a code in its byte.</summary>
    public const int LongestRow = 1 << 16;

    /// <summary>Sizes.</summary>
    public NarrowGeometry(int rows, int inputs, int outputs, int bits, int step)
    {
        Rows = rows;
        Inputs = inputs;
        Outputs = outputs;
        Bits = bits;
        Step = step;
    }

    /// <summary>Rows of the input.</summary>
    public int Rows { get; init; }

    /// <summary>K, at most <see cref="LongestRow"/>.</summary>
    public int Inputs { get; }

    /// <summary>O.</summary>
    public int Outputs { get; }

    /// <summary>Bits of a code, 1 to 7.</summary>
    public int Bits { get; }

    /// <summary>Distance of neighbouring values, at least 1.</summary>
    public int Step { get; }

    /// <summary>The geometry of weights [outputs][inputs] with the fewest bits, or null where they need 8 or the row is too long.</summary>
    public static NarrowGeometry? Of(int rows, int inputs, int outputs, ReadOnlySpan<sbyte> weights)
    {
        int widest = 0;
        int step = 0;
        for (int o = 0; o < outputs; o++)
        {
            (int least, int most, int divisor) = Extent(weights.Slice(o * inputs, inputs), step);
            step = divisor;
            widest = Math.Max(widest, most - least);
            if (step == 1 && widest >= 1 << 7)
            {
                return null;
            }
        }

        step = Math.Max(step, 1);
        int bits = Math.Max(BitOperations.Log2((uint)(widest / step)) + (widest / step == 0 ? 0 : 1), 1);
        return bits < 8 && inputs <= LongestRow ? new NarrowGeometry(rows, inputs, outputs, bits, step) : null;
    }

    // The ends of some weights, and the greatest common divisor of their differences and one found before.
    private static (int Least, int Most, int Divisor) Extent(ReadOnlySpan<sbyte> weights, int divisor)
    {
        Span<bool> present = stackalloc bool[1 << 8];
        present.Clear();
        foreach (sbyte weight in weights)
        {
            present[weight - sbyte.MinValue] = true;
        }

        int least = present.IndexOf(true);
        int most = present.LastIndexOf(true);
        for (int i = least + 1; i <= most; i++)
        {
            divisor = present[i] ? Divisor(i - least, divisor) : divisor;
        }

        return (least, most, divisor);
    }

    private static int Divisor(int a, int b)
    {
        while (b != 0)
        {
            (a, b) = (b, a % b);
        }

        return a;
    }
}
