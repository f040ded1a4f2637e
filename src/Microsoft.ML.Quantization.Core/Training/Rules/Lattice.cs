using System.Collections.Generic;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>
/// Input positions First, First + stride, .. of one axis, which the same taps of a convolution reach: position First + i · stride reads, on the way back, the output
/// positions i − Pad, i − Pad + Dilation, ..., one a tap.
/// </summary>
/// <param name="First">The first position, below the stride.</param>
/// <param name="Count">Positions.</param>
/// <param name="Taps">The taps, last first; none where no output reads these positions.</param>
/// <param name="Dilation">Output positions from one tap to the next.</param>
/// <param name="Pad">Output positions before the first that would be read; may be negative.</param>
internal sealed record Lattice(int First, int Count, int[] Taps, int Dilation, int Pad)
{
    /// <summary>The lattices of an axis; together they hold every position once.</summary>
    public static Lattice[] All(int size, (int Kernel, int Stride, int Dilation, int Pad) axis)
    {
        var result = new List<Lattice>();
        for (int first = 0; first < axis.Stride && first < size; first++)
        {
            result.Add(At(first, size, axis));
        }

        return [.. result];
    }

    private static Lattice At(int first, int size, (int Kernel, int Stride, int Dilation, int Pad) axis)
    {
        var taps = new List<int>();
        for (int tap = axis.Kernel - 1; tap >= 0; tap--)
        {
            if ((first + axis.Pad - (tap * axis.Dilation)) % axis.Stride == 0)
            {
                taps.Add(tap);
            }
        }

        int count = (size - first + axis.Stride - 1) / axis.Stride;
        int dilation = taps.Count > 1 ? (taps[0] - taps[1]) * axis.Dilation / axis.Stride : 1;
        int pad = taps.Count > 0 ? -((first + axis.Pad - (taps[0] * axis.Dilation)) / axis.Stride) : 0;
        return new Lattice(first, count, [.. taps], dilation, pad);
    }
}
