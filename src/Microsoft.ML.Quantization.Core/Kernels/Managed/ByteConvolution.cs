using System;
using System.Globalization;
using Microsoft.ML.Quantization.Kernels.Native;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Convolution of unsigned byte codes with signed byte weights, exact: both widened to int16, products added in pairs to int32
/// (255 · 128 · 2 fits). The codes of a few pixels are gathered once into a scratch of int16, padding written as its code, and
/// then multiplied with every block of output channels. A tile is a chunk of pixels × a chunk of channel blocks.
/// </summary>
internal static unsafe partial class ByteConvolution<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Rows = 6;
    private const int ScratchValues = 128 * 1024;

    private static int Block => 2 * TLanes.Count;

    private static readonly string _layout = string.Create(CultureInfo.InvariantCulture, $"managed/s16/k2/n{Block}");

    public static PackedWeights New(in ConvolutionGeometry g) => new(ByteLength(g), _layout);

    public static void Fill(in ConvolutionGeometry g, ReadOnlySpan<sbyte> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
    {
        KernelCheck.AtLeast(weights.Length, (long)g.OutChannels * g.Depth, nameof(weights));
        KernelCheck.Weights(packed, _layout, ByteLength(g));
        var share = new PanelShare(g, Block, axes, part, parts);
        int length = Pairs(g) * 2 * Block;
        for (int panel = share.Begin; panel < share.End; panel++)
        {
            Span<short> target = packed.Span<short>().Slice(panel * length, length);
            for (int lane = 0; lane < share.Lanes(panel); lane++)
            {
                FillLane(share, weights.Slice((share.FirstOutput(panel) + lane) * g.Depth, g.Depth), target[(lane * 2)..]);
            }
        }

        GC.KeepAlive(packed);
    }

    private static void FillLane(in PanelShare share, ReadOnlySpan<sbyte> row, Span<short> target)
    {
        int k = 0;
        for (int tap = 0; tap < share.Taps; tap++)
        {
            for (int channel = 0, at = tap; channel < share.Channels; channel++, k++, at += share.Taps)
            {
                target[(k / 2 * 2 * Block) + (k % 2)] = row[at];
            }
        }
    }

    public static int CountTiles(in ConvolutionGeometry g) => new Split(g, Rows, ScratchValues, Block).TileCount;

    public static void Run(
        in ConvolutionGeometry g,
        ReadOnlySpan<byte> source,
        byte padding,
        PackedWeights weights,
        in IntegerEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd)
    {
        Split split = new(g, Rows, ScratchValues, Block);
        KernelCheck.AtLeast(source.Length, g.InLength, nameof(source));
        KernelCheck.Epilogue(epilogue, g, destination.Length);
        bool codes = weights.Layout == _codesLayout;
        KernelCheck.Weights(weights, codes ? _codesLayout : _layout, codes ? CodesLength(g) : ByteLength(g));
        KernelCheck.Tiles(tileBegin, tileEnd, split.TileCount);
        int values = split.Pixels * Pairs(g) * 2;
        Span<short> scratch = Scratch.Shorts(values + (codes ? PanelValues(g) : 0));
        fixed (byte* x = source, y = destination)
        fixed (int* bias = epilogue.Bias)
        fixed (float* multipliers = epilogue.Multipliers, offsets = epilogue.Offsets)
        fixed (byte* other = epilogue.Join.Other, bytes = epilogue.Join.Bytes)
        fixed (uint* planes = epilogue.Join.Planes, rising = epilogue.Join.Rising)
        fixed (int* table = epilogue.Join.Table)
        fixed (short* gathered = scratch)
        {
            NativeEpilogue native = NativeEpilogue.Of(epilogue, bias, multipliers, offsets);
            NativeJoin join = NativeJoin.Of(epilogue.Join, g.OutChannels, y) with { Other = other, Bytes = bytes, Planes = (byte*)planes, Table = table, Rising = rising };
            native.Join = epilogue.Join.IsUsed ? &join : null;
            EpilogueWriter writer = new(native, y);
            for (int tile = tileBegin; tile < tileEnd; tile++)
            {
                TilePart part = split.Part(tile);
                PatchGather.Run(g, x, padding, part, gathered);
                RunTile(g, part, gathered, new Panels((byte*)weights.Pointer, codes ? gathered + values : null), writer);
            }
        }

        GC.KeepAlive(weights);
    }

    private static int Pairs(in ConvolutionGeometry g) => (g.Depth + 1) / 2;

    private static int Blocks(in ConvolutionGeometry g) => (g.GroupOutChannels + Block - 1) / Block;

    private static long ByteLength(in ConvolutionGeometry g) => (long)g.Groups * Blocks(g) * Pairs(g) * 2 * Block * sizeof(short);

    private static void RunTile(in ConvolutionGeometry g, in TilePart part, short* gathered, in Panels panels, in EpilogueWriter writer)
    {
        int* sums = stackalloc int[Rows * Block];
        int pairs = Pairs(g);
        int pixels = part.PixelEnd - part.PixelBegin;
        for (int block = part.BlockBegin; block < part.BlockEnd; block++)
        {
            short* panel = panels.At(g, ((long)part.Group * Blocks(g)) + block);
            int inGroup = block * Block;
            int width = Math.Min(Block, g.GroupOutChannels - inGroup);
            int channel = (part.Group * g.GroupOutChannels) + inGroup;
            for (int pixel = 0; pixel < pixels; pixel += Rows)
            {
                int count = Math.Min(Rows, pixels - pixel);
                Multiply(gathered + ((long)pixel * pairs * 2), pairs, count, panel, sums);
                for (int r = 0; r < count; r++)
                {
                    writer.Write<TLanes>(sums + (r * Block), channel, width, ((long)(part.PixelBegin + pixel + r) * g.OutChannels) + channel);
                }
            }
        }
    }

    private static void Multiply(short* rows, int pairs, int count, short* panel, int* sums)
    {
        if (count == 1)
        {
            MultiplyOne(rows, pairs, panel, sums);
        }
        else
        {
            MultiplySix(rows, pairs, count, panel, sums);
        }
    }
}
