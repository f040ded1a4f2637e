using System;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <content>
/// Weights as codes of 4 bits: a panel is its 16 levels, then its values in the order of the other panels, 32 at a time as 16 bytes, the first 16 in the low halves. A panel is decoded
/// whenever a tile comes to it, and then multiplied like any other.
/// </content>
internal static unsafe partial class ByteConvolution<TLanes, TCode, TDot>
{
    private const int Run32 = 32;

    private static readonly string _codesLayout = string.Create(CultureInfo.InvariantCulture, $"managed/c4/k{InLane}/n{Block}");

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
                int value = (k / InLane * InLane * Block) + (inGroup % Block * InLane) + (k % InLane);
                panel[KernelSet.CodebookLevels + (value / Run32 * Vector128<byte>.Count) + (value % Vector128<byte>.Count)] |= (byte)(value % Run32 < Vector128<byte>.Count ? row[k] : row[k] << 4);
            }
        }

        return packed;
    }

    private static int PanelValues(in ConvolutionGeometry g) => ((Steps(g) * InLane * Block) + Run32 - 1) / Run32 * Run32;

    private static int PanelBytes(in ConvolutionGeometry g) => KernelSet.CodebookLevels + (PanelValues(g) / 2);

    private static long CodesLength(in ConvolutionGeometry g) => (long)g.Groups * Blocks(g) * PanelBytes(g);

    /// <summary>Weights of a panel; those behind the depth meet a zero of the patch.</summary>
    private static void Decode(byte* panel, int values, TCode* result)
    {
        Vector128<byte> levels = Vector128.Load(panel);
        panel += KernelSet.CodebookLevels;
        for (int i = 0; i < values; i += Run32, panel += Vector128<byte>.Count)
        {
            Vector128<byte> pair = Vector128.Load(panel);
            Put(Vector128.Shuffle(levels, pair & Vector128.Create((byte)15)), result + i);
            Put(Vector128.Shuffle(levels, pair >>> 4), result + i + Vector128<byte>.Count);
        }
    }

    private static void Put(Vector128<byte> weights, TCode* result)
    {
        if (sizeof(TCode) == sizeof(byte))
        {
            weights.Store((byte*)result);
            return;
        }

        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(weights.AsSByte());
        low.Store((short*)result);
        high.Store((short*)result + Vector128<short>.Count);
    }

    /// <summary>Packed panels: of weights, or of codes when there is room to decode one.</summary>
    private readonly struct Panels(byte* packed, TCode* decoded)
    {
        private readonly byte* _packed = packed;
        private readonly TCode* _decoded = decoded;

        public TCode* At(in ConvolutionGeometry g, long index)
        {
            if (_decoded is null)
            {
                return (TCode*)_packed + (index * Steps(g) * InLane * Block);
            }

            Decode(_packed + (index * PanelBytes(g)), PanelValues(g), _decoded);
            return _decoded;
        }
    }
}
