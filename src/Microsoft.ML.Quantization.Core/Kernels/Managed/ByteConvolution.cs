using System;
using System.Globalization;
using System.Numerics;
using Microsoft.ML.Quantization.Kernels.Native;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Convolution of unsigned byte codes with signed byte weights, exact: as many as fit a lane of 32 bits (two int16, or four bytes where
/// <typeparamref name="TDot"/> takes those) are multiplied and added up at once. The codes of a few pixels are gathered once into a scratch
/// of <typeparamref name="TCode"/>, padding written as its code, and then multiplied with every block of output channels. A tile is a chunk
/// of pixels × a chunk of channel blocks.
/// </summary>
/// <typeparam name="TLanes">The vectors.</typeparam>
/// <typeparam name="TCode">A code or weight inside a lane: short, or byte, whose bits are those of a weight's sbyte.</typeparam>
/// <typeparam name="TDot">A step of products.</typeparam>
internal static unsafe partial class ByteConvolution<TLanes, TCode, TDot>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCode : unmanaged, IBinaryInteger<TCode>
    where TDot : struct, IByteDot<TLanes>
{
    private const int Rows = 6;
    private const int ScratchValues = 128 * 1024;

    private static int Block => 2 * TLanes.Count;

    private static int InLane => sizeof(int) / sizeof(TCode);

    private static readonly string _layout = string.Create(CultureInfo.InvariantCulture, $"managed/s{8 * sizeof(TCode)}/k{InLane}/n{Block}");

    public static PackedWeights New(in ConvolutionGeometry g) => new(ByteLength(g), _layout);

    public static void Fill(in ConvolutionGeometry g, ReadOnlySpan<sbyte> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
    {
        KernelCheck.Bytes(g, weights, part);
        KernelCheck.Weights(packed, _layout, ByteLength(g));
        var share = new PanelShare(g, Block, axes, part, parts);
        int length = Steps(g) * InLane * Block;
        for (int panel = share.Begin; panel < share.End; panel++)
        {
            Span<TCode> target = packed.Span<TCode>().Slice(panel * length, length);
            for (int lane = 0; lane < share.Lanes(panel); lane++)
            {
                FillLane(share, weights.Slice((share.FirstOutput(panel) + lane) * g.Depth, g.Depth), target[(lane * InLane)..]);
            }
        }

        GC.KeepAlive(packed);
    }

    private static void FillLane(in PanelShare share, ReadOnlySpan<sbyte> row, Span<TCode> target)
    {
        int k = 0;
        for (int tap = 0; tap < share.Taps; tap++)
        {
            for (int channel = 0, at = tap; channel < share.Channels; channel++, k++, at += share.Taps)
            {
                target[(k / InLane * InLane * Block) + (k % InLane)] = TCode.CreateTruncating(row[at]);
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
        int values = split.Pixels * Steps(g) * InLane;
        Span<short> scratch = Scratch.Shorts((((values + (codes ? PanelValues(g) : 0)) * sizeof(TCode)) + 1) / sizeof(short));
        fixed (byte* x = source, y = destination)
        fixed (int* bias = epilogue.Bias)
        fixed (float* multipliers = epilogue.Multipliers, offsets = epilogue.Offsets)
        fixed (byte* other = epilogue.Join.Other, bytes = epilogue.Join.Bytes)
        fixed (uint* planes = epilogue.Join.Planes, rising = epilogue.Join.Rising)
        fixed (int* table = epilogue.Join.Table)
        fixed (short* first = scratch)
        {
            TCode* gathered = (TCode*)first;
            NativeEpilogue native = NativeEpilogue.Of(epilogue, bias, multipliers, offsets);
            NativeJoin join = NativeJoin.Of(epilogue.Join, g.OutChannels, y) with { Other = other, Bytes = bytes, Planes = (byte*)planes, Table = table, Rising = rising };
            native.Join = epilogue.Join.IsUsed ? &join : null;
            EpilogueWriter writer = new(native, y);
            for (int tile = tileBegin; tile < tileEnd; tile++)
            {
                TilePart part = split.Part(tile);
                PatchGather<TCode>.Run(g, x, padding, part, gathered);
                RunTile(g, part, gathered, new Panels((byte*)weights.Pointer, codes ? gathered + values : null), writer);
            }
        }

        GC.KeepAlive(weights);
    }

    private static int Steps(in ConvolutionGeometry g) => (g.Depth + InLane - 1) / InLane;

    private static int Blocks(in ConvolutionGeometry g) => (g.GroupOutChannels + Block - 1) / Block;

    private static long ByteLength(in ConvolutionGeometry g) => (long)g.Groups * Blocks(g) * Steps(g) * Block * sizeof(int);

    private static void RunTile(in ConvolutionGeometry g, in TilePart part, TCode* gathered, in Panels panels, in EpilogueWriter writer)
    {
        int* sums = stackalloc int[Rows * Block];
        int steps = Steps(g);
        int pixels = part.PixelEnd - part.PixelBegin;
        for (int block = part.BlockBegin; block < part.BlockEnd; block++)
        {
            TCode* panel = panels.At(g, ((long)part.Group * Blocks(g)) + block);
            int inGroup = block * Block;
            int width = Math.Min(Block, g.GroupOutChannels - inGroup);
            int channel = (part.Group * g.GroupOutChannels) + inGroup;
            for (int pixel = 0; pixel < pixels; pixel += Rows)
            {
                int count = Math.Min(Rows, pixels - pixel);
                Multiply((int*)gathered + ((long)pixel * steps), steps, count, (float*)panel, sums);
                TDot.Write(writer, sums, new SumRows(count, Block, channel, width, ((long)(part.PixelBegin + pixel) * g.OutChannels) + channel, g.OutChannels));
            }
        }
    }

    private static void Multiply(int* rows, int steps, int count, float* panel, int* sums)
    {
        if (count == 1)
        {
            MultiplyOne(rows, steps, panel, sums);
        }
        else
        {
            MultiplySix(rows, steps, count, panel, sums);
        }
    }
}
