using System;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <content>
/// Weights as codes of 4 bits: a panel is its 16 levels, then its values in the order of the panels of int16, 32 at a time as 16 bytes, the first 16 in the low halves. A panel is decoded
/// whenever a tile comes to it, and then multiplied like any other.
/// </content>
internal static unsafe partial class ByteConvolution<TLanes>
{
    private const int Run32 = 32;

    private static readonly string _codesLayout = string.Create(CultureInfo.InvariantCulture, $"managed/c4/k2/n{Block}");

    public static PackedWeights PackCodes(in ConvolutionGeometry g, ReadOnlySpan<byte> codes, ReadOnlySpan<sbyte> levels)
    {
        KernelCheck.Codebook(g, codes, levels);
        PackedWeights packed = new(CodesLength(g), _codesLayout);
        Span<byte> target = packed.Span<byte>();
        target.Clear();
        int blocks = Blocks(g);
        int size = PanelBytes(g);
        for (int channel = 0; channel < g.OutChannels; channel++)
        {
            (int group, int inGroup) = Math.DivRem(channel, g.GroupOutChannels);
            Span<byte> panel = target.Slice(((group * blocks) + (inGroup / Block)) * size, size);
            MemoryMarshal.AsBytes(levels.Slice(channel * KernelSet.CodebookLevels, KernelSet.CodebookLevels)).CopyTo(panel);
            ReadOnlySpan<byte> row = codes.Slice(channel * g.Depth, g.Depth);
            for (int k = 0; k < row.Length; k++)
            {
                int value = (k / 2 * 2 * Block) + (inGroup % Block * 2) + (k % 2);
                panel[KernelSet.CodebookLevels + (value / Run32 * Vector128<byte>.Count) + (value % Vector128<byte>.Count)] |= (byte)(value % Run32 < Vector128<byte>.Count ? row[k] : row[k] << 4);
            }
        }

        return packed;
    }

    private static int PanelValues(in ConvolutionGeometry g) => ((Pairs(g) * 2 * Block) + Run32 - 1) / Run32 * Run32;

    private static int PanelBytes(in ConvolutionGeometry g) => KernelSet.CodebookLevels + (PanelValues(g) / 2);

    private static long CodesLength(in ConvolutionGeometry g) => (long)g.Groups * Blocks(g) * PanelBytes(g);

    /// <summary>int16 of a panel; those behind the depth meet a zero of the patch.</summary>
    private static void Decode(byte* panel, int values, short* result)
    {
        Vector128<byte> levels = Vector128.Load(panel);
        panel += KernelSet.CodebookLevels;
        for (int i = 0; i < values; i += Run32, panel += Vector128<byte>.Count)
        {
            Vector128<byte> pair = Vector128.Load(panel);
            (Vector128<short> a, Vector128<short> b) = Vector128.Widen(Vector128.Shuffle(levels, pair & Vector128.Create((byte)15)).AsSByte());
            (Vector128<short> c, Vector128<short> d) = Vector128.Widen(Vector128.Shuffle(levels, pair >>> 4).AsSByte());
            a.Store(result + i);
            b.Store(result + i + 8);
            c.Store(result + i + 16);
            d.Store(result + i + 24);
        }
    }

    /// <summary>Packed panels: of int16, or of codes when there is room to decode one.</summary>
    private readonly struct Panels(byte* packed, short* decoded)
    {
        private readonly byte* _packed = packed;
        private readonly short* _decoded = decoded;

        public short* At(in ConvolutionGeometry g, long index)
        {
            if (_decoded is null)
            {
                return (short*)_packed + (index * Pairs(g) * 2 * Block);
            }

            Decode(_packed + (index * PanelBytes(g)), PanelValues(g), _decoded);
            return _decoded;
        }
    }
}
