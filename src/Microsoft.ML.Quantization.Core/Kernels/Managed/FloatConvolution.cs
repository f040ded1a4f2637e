using System;
using System.Globalization;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Float convolution as an outer product: a register tile of 6 pixels × 2 vectors of output channels, a lane being one output's
/// chain. A tile of work is one block of channels × up to <see cref="TilePixels"/> pixels with equal taps (<see cref="AxisClass"/>);
/// the block of channels is the slow index, so that its weights stay in the cache.
/// </summary>
internal static unsafe partial class FloatConvolution<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Rows = 6;
    private const int TilePixels = 48;

    private static int Block => 2 * TLanes.Count;

    private static readonly string _layout = string.Create(CultureInfo.InvariantCulture, $"managed/f32/n{Block}");

    public static PackedWeights New(in ConvolutionGeometry g) => new(ByteLength(g), _layout);

    public static void Fill(in ConvolutionGeometry g, ReadOnlySpan<float> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
    {
        KernelCheck.AtLeast(weights.Length, (long)g.OutChannels * g.Depth, nameof(weights));
        KernelCheck.Weights(packed, _layout, ByteLength(g));
        var share = new PanelShare(g, Block, axes, part, parts);
        int length = g.Depth * Block;
        for (int panel = share.Begin; panel < share.End; panel++)
        {
            Span<float> target = packed.Span<float>().Slice(panel * length, length);
            for (int lane = 0; lane < share.Lanes(panel); lane++)
            {
                FillLane(share, weights.Slice((share.FirstOutput(panel) + lane) * g.Depth, g.Depth), target[lane..]);
            }
        }

        GC.KeepAlive(packed);
    }

    public static void RepackMatrix(in ConvolutionGeometry g, ReadOnlySpan<float> matrix, PackedWeights packed)
    {
        KernelCheck.Weights(packed, _layout, ByteLength(g));
        MatrixPanels.Write(g, Block, matrix, packed.Span<float>());
    }

    private static void FillLane(in PanelShare share, ReadOnlySpan<float> row, Span<float> target)
    {
        int k = 0;
        for (int tap = 0; tap < share.Taps; tap++)
        {
            for (int channel = 0, at = tap; channel < share.Channels; channel++, k += Block, at += share.Taps)
            {
                target[k] = row[at];
            }
        }
    }

    public static int CountTiles(in ConvolutionGeometry g)
    {
        Span<AxisClass> buffer = Boxes.NeedsHeap(g) ? new AxisClass[Boxes.Bound(g)] : stackalloc AxisClass[Boxes.StackClasses];
        Boxes boxes = new(g, TilePixels, buffer);
        return checked(boxes.TileCount * Blocks(g) * g.Groups);
    }

    public static void Run(
        in ConvolutionGeometry g,
        ReadOnlySpan<float> source,
        PackedWeights weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int tileBegin,
        int tileEnd)
    {
        Span<AxisClass> buffer = Boxes.NeedsHeap(g) ? new AxisClass[Boxes.Bound(g)] : stackalloc AxisClass[Boxes.StackClasses];
        Boxes boxes = new(g, TilePixels, buffer);
        KernelCheck.AtLeast(source.Length, g.InLength, nameof(source));
        KernelCheck.AtLeast(bias.Length, g.OutChannels, nameof(bias));
        KernelCheck.AtLeast(destination.Length, g.OutLength, nameof(destination));
        KernelCheck.Weights(weights, _layout, ByteLength(g));
        int blocks = Blocks(g);
        KernelCheck.Tiles(tileBegin, tileEnd, (long)boxes.TileCount * blocks * g.Groups);
        fixed (float* x = source, b = bias, y = destination)
        {
            Call call = new() { Source = x, Bias = b, Destination = y, Low = low, High = high };
            for (int tile = tileBegin; tile < tileEnd; tile++)
            {
                (int panel, int part) = Math.DivRem(tile, boxes.TileCount);
                (call.Group, int block) = Math.DivRem(panel, blocks);
                call.Weights = (float*)weights.Pointer + ((long)panel * g.Depth * Block);
                call.ChannelInGroup = block * Block;
                RunTile(g, boxes.Find(part), ref call);
            }
        }

        GC.KeepAlive(weights);
    }

    private static int Blocks(in ConvolutionGeometry g) => (g.GroupOutChannels + Block - 1) / Block;

    private static long ByteLength(in ConvolutionGeometry g) => (long)g.Groups * Blocks(g) * g.Depth * Block * sizeof(float);

    private static void RunTile(in ConvolutionGeometry g, in BoxPart part, ref Call call)
    {
        float** rows = stackalloc float*[Rows];
        float** outputs = stackalloc float*[Rows];
        float* sums = stackalloc float[Rows * Block];
        TapRuns runs = new(g, part, Block);
        int channel = (call.Group * g.GroupOutChannels) + call.ChannelInGroup;
        int width = Math.Min(Block, g.GroupOutChannels - call.ChannelInGroup);
        BoxWalk walk = new(g, part);
        for (int left = part.PixelEnd - part.PixelBegin; left > 0; left -= Rows)
        {
            int count = Math.Min(left, Rows);
            for (int r = 0; r < Rows; r++)
            {
                bool real = r < count;
                rows[r] = real ? call.Source + (walk.SourcePixel * g.InChannels) + (call.Group * g.GroupInChannels) : rows[0];
                outputs[r] = real ? call.Destination + (walk.OutPixel * g.OutChannels) + channel : null;
                if (real)
                {
                    walk.Next();
                }
            }

            Multiply(runs, rows, count, call.Weights, sums);
            for (int r = 0; r < count; r++)
            {
                Finish(sums + (r * Block), call.Bias + channel, call.Low, call.High, outputs[r], width);
            }
        }
    }

    private static void Multiply(in TapRuns runs, float** rows, int count, float* weights, float* sums)
    {
        if (count == 1)
        {
            MultiplyOne(runs, rows[0], weights, sums);
        }
        else
        {
            MultiplySix(runs, rows, weights, sums);
        }
    }

    private static void Finish(float* sums, float* bias, float low, float high, float* destination, int width)
    {
        int c = 0;
        for (; c + TLanes.Count <= width; c += TLanes.Count)
        {
            Lane.Store(destination + c, Lane.Clamp(TLanes.Load(sums + c) + TLanes.Load(bias + c), TLanes.Create(low), TLanes.Create(high)));
        }

        for (; c < width; c++)
        {
            float y = sums[c] + bias[c];
            destination[c] = y < low ? low : y > high ? high : y;
        }
    }

    private ref struct Call
    {
        public float* Source;
        public float* Weights;
        public float* Bias;
        public float* Destination;
        public float Low;
        public float High;
        public int Group;
        public int ChannelInGroup;
    }
}
