using System;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Weights of 1 to 7 bits in panels of 16 outputs, one layout for all sets. A code is cut into containers of 4, 2 and 1 bits, lowest bits first. A panel: int32 base[16], int32 low[16], then
/// container after container [blocks][64 bytes]; a block serves 32 / bits inputs, and bits [p · bits, (p + 1) · bits) of byte i of an output's four belong to its input 4p + i.
/// base = step · 128 · Σ code, which makes up for source codes less 128.
/// </summary>
internal static class NarrowWeights
{
    /// <summary>Outputs of a panel.</summary>
    public const int PanelOutputs = 16;

    /// <summary>Bytes of a panel before its codes.</summary>
    public const int HeaderBytes = 2 * PanelOutputs * sizeof(int);

    private const int BlockBytes = 64;
    private const int RowUnit = 32;
    private const int Steps = 1 << 8;
    private static readonly int[] _containers = [4, 2, 1];

    // Names are asked for by every run, which allocates nothing.
    private static readonly string?[] _layouts = new string?[8 * Steps];

    /// <summary>Inputs of a row with those that fill up blocks.</summary>
    public static int RowStride(in NarrowGeometry g) => (g.Inputs + RowUnit - 1) / RowUnit * RowUnit;

    public static int Panels(in NarrowGeometry g) => (g.Outputs + PanelOutputs - 1) / PanelOutputs;

    public static long PanelBytes(in NarrowGeometry g) => HeaderBytes + ((long)RowStride(g) / RowUnit * BlockBytes * g.Bits);

    public static long ByteLength(in NarrowGeometry g) => PanelBytes(g) * Panels(g);

    /// <summary>The layout's name, of a geometry that <see cref="Check"/> lets pass.</summary>
    public static string Layout(in NarrowGeometry g) => _layouts[(g.Bits * Steps) + g.Step] ??= string.Create(CultureInfo.InvariantCulture, $"narrow/{g.Bits}/{g.Step}/n{PanelOutputs}");

    public static PackedWeights Pack(in NarrowGeometry g, ReadOnlySpan<sbyte> weights)
    {
        Check(g);
        KernelCheck.AtLeast(weights.Length, (long)g.Outputs * g.Inputs, nameof(weights));
        var packed = new PackedWeights(ByteLength(g), Layout(g));
        byte[] codes = new byte[g.Inputs];
        for (int o = 0; o < g.Outputs; o++)
        {
            (int low, int sum) = Encode(g, weights.Slice(o * g.Inputs, g.Inputs), codes);
            Span<byte> panel = packed.Span<byte>().Slice(checked((int)(o / PanelOutputs * PanelBytes(g))), (int)PanelBytes(g));
            Span<int> head = MemoryMarshal.Cast<byte, int>(panel[..HeaderBytes]);
            head[o % PanelOutputs] = unchecked(g.Step * 128 * sum);
            head[PanelOutputs + (o % PanelOutputs)] = low;
            PackRow(g, codes, o % PanelOutputs, panel[HeaderBytes..]);
        }

        return packed;
    }

    /// <summary>Throws unless sizes and bits are what kernels can do.</summary>
    public static void Check(in NarrowGeometry g)
    {
        if (g.Rows < 0 || Math.Min(g.Inputs, g.Outputs) <= 0 || g.Inputs > NarrowGeometry.LongestRow || g.Bits is < 1 or > 7 || g.Step is < 1 or >= Steps)
        {
            throw new ArgumentException($"geometry: expected positive sizes, at most {NarrowGeometry.LongestRow} inputs, 1 to 7 bits and a step of signed bytes, found {g}.", nameof(g));
        }
    }

    private static (int Low, int Sum) Encode(in NarrowGeometry g, ReadOnlySpan<sbyte> weights, byte[] codes)
    {
        int low = weights[0];
        foreach (sbyte weight in weights)
        {
            low = Math.Min(low, weight);
        }

        int sum = 0;
        for (int k = 0; k < codes.Length; k++)
        {
            (int code, int rest) = Math.DivRem(weights[k] - low, g.Step);
            if (rest != 0 || code >= 1 << g.Bits)
            {
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"weights: expected values of {g.Bits} bits in steps of {g.Step} from {low}, found {weights[k]}."), nameof(weights));
            }

            codes[k] = (byte)code;
            sum += code;
        }

        return (low, sum);
    }

    private static void PackRow(in NarrowGeometry g, byte[] codes, int output, Span<byte> containers)
    {
        int shift = 0;
        foreach (int bits in _containers)
        {
            if ((g.Bits & bits) == 0)
            {
                continue;
            }

            int places = 8 / bits;
            for (int k = 0; k < codes.Length; k++)
            {
                (int block, int input) = Math.DivRem(k, 4 * places);
                int part = (codes[k] >> shift) & ((1 << bits) - 1);
                containers[(block * BlockBytes) + (output * 4) + (input % 4)] |= (byte)(part << (input / 4 * bits));
            }

            containers = containers[(RowStride(g) / RowUnit * BlockBytes * bits)..];
            shift += bits;
        }
    }
}
