using System;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// Sizes of a dense layer whose weights have a scale for each run of <see cref="GroupSize"/> inputs. The codes of a row lie group after group, each padded with
/// zeros to a multiple of <see cref="Alignment"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct GroupedGeometry
{
    /// <summary>Codes of a group in memory are a multiple of this.</summary>
    public const int Alignment = 16;

    /// <summary>The longest group whose sum of products, at most 128 · 127 each, is proved to fit 32 bits.</summary>
    public const int LongestGroup = 1 << 17;

    /// <summary>Sizes; a group longer than the row is the row.</summary>
    public GroupedGeometry(int rows, int inputs, int outputs, int groupSize, int bits)
    {
        Rows = rows;
        Inputs = inputs;
        Outputs = outputs;
        GroupSize = Math.Min(groupSize, inputs);
        Bits = bits;
        ScaleBits = 32;
    }

    /// <summary>Rows of the input.</summary>
    public int Rows { get; }

    /// <summary>K.</summary>
    public int Inputs { get; }

    /// <summary>O.</summary>
    public int Outputs { get; }

    /// <summary>Inputs that share a scale; the last group may have fewer.</summary>
    public int GroupSize { get; }

    /// <summary>Bits of a weight, 2 to 8.</summary>
    public int Bits { get; }

    /// <summary>32: packed scales are floats; 16: halves where a set has such a form, and every scale must be one.</summary>
    public int ScaleBits { get; init; }

    /// <summary>Bits that a weight has in memory: 2, 4 (for 3 and 4) or 8 (for 5 to 8).</summary>
    public int Container => Bits <= 2 ? 2 : Bits <= 4 ? 4 : 8;

    /// <summary>Groups of a row.</summary>
    public int Groups => (Inputs + GroupSize - 1) / GroupSize;

    /// <summary>Codes of a group in memory; the last one may have fewer.</summary>
    public int GroupStride => Align(GroupSize);

    /// <summary>Codes of a row in memory.</summary>
    public int RowStride => ((Groups - 1) * GroupStride) + LastStride;

    /// <summary>Codes of the last group in memory.</summary>
    public int LastStride => Align(Inputs - ((Groups - 1) * GroupSize));

    /// <summary>Values of the output.</summary>
    public long OutLength => (long)Rows * Outputs;

    /// <summary>Whether every scale is exactly a number of half precision.</summary>
    public static bool AreHalves(ReadOnlySpan<float> scales)
    {
        foreach (float scale in scales)
        {
            if ((float)(Half)scale != scale)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Inputs of one group.</summary>
    public int SizeOf(int group) => Math.Min(GroupSize, Inputs - (group * GroupSize));

    /// <summary>Codes of one group in memory.</summary>
    public int StrideOf(int group) => group + 1 < Groups ? GroupStride : LastStride;

    private static int Align(int count) => (count + Alignment - 1) / Alignment * Alignment;
}
