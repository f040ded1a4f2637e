using System;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>Patches times packed weights: register tiles of 6 pixels × 2 vectors or 12 pixels × 1 vector of outputs, a lane being one output's chain.</summary>
internal static unsafe partial class PatchProduct<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Rows = 12;

    public static void Run(
        in ConvolutionGeometry g,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> panels,
        ReadOnlySpan<float> bias,
        (float Low, float High) clamp,
        Span<float> destination,
        in PatchPlacement placement,
        (int Begin, int End) tiles)
    {
        var plan = new PatchPlan(g, Panels<TLanes>.Width);
        int group = Panels<TLanes>.GroupLength(g.GroupOutChannels, g.Depth);
        KernelCheck.AtLeast(source.Length, g.InLength, nameof(source));
        KernelCheck.AtLeast(panels.Length, (long)g.Groups * group, nameof(panels));
        KernelCheck.AtLeast(bias.Length, bias.IsEmpty ? 0 : g.OutChannels, nameof(bias));
        KernelCheck.AtLeast(destination.Length, (long)g.Batch * placement.Depth * placement.Height * placement.Width * g.OutChannels, nameof(destination));
        KernelCheck.Tiles(tiles.Begin, tiles.End, plan.Tiles);
        int pitch = FloatPatches.Pitch(g);
        float* scratch = Scratch.Floats(checked((plan.IsDirect ? Rows : plan.Pixels + Rows) * pitch));
        bool overlaps = g.Groups == 1 && g.OutChannels <= Panels<TLanes>.Width && placement.IsDense(g);
        long* places = stackalloc long[PatchPlan.MostPixels];
        fixed (float* x = source, w = panels, b = bias, y = destination)
        {
            for (int tile = tiles.Begin; tile < tiles.End; tile++)
            {
                (int at, (int Begin, int End) range, (int First, int Count) part) = plan.At(tile);
                placement.Find(g, part.First, new Span<long>(places, part.Count));
                var work = new Tile { Bias = b, Low = clamp.Low, High = clamp.High, Places = places, Count = part.Count, Depth = g.Depth, Channels = g.OutChannels, Scratch = scratch, ScratchPitch = pitch };
                work.End = overlaps ? y + ((places[part.Count - 1] + 1) * g.OutChannels) : null;
                Take(g, plan.IsDirect, x, at, part, ref work);
                Run(g, work, w + ((long)at * group), y, (at, range));
            }
        }
    }

    /// <summary>Finds or copies the rows of a tile.</summary>
    private static void Take(in ConvolutionGeometry g, bool isDirect, float* source, int group, (int First, int Count) part, ref Tile work)
    {
        if (isDirect)
        {
            work.Source = source + ((long)part.First * g.InChannels) + (group * g.GroupInChannels);
            work.Pitch = g.InChannels;
            work.Readable = g.OutPixels - part.First - (g.Groups == 1 ? 0 : 1);
        }
        else
        {
            FloatPatches.Copy(g, source, group, part.First, part.Count, work.Scratch, work.ScratchPitch);
            work.Source = work.Scratch;
            work.Pitch = work.ScratchPitch;
            work.Readable = int.MaxValue;
        }
    }

    private static void Run(in ConvolutionGeometry g, in Tile work, float* panels, float* destination, (int Group, (int Begin, int End) Panels) part)
    {
        float* bias = stackalloc float[Panels<TLanes>.Width];
        for (int panel = part.Panels.Begin; panel < part.Panels.End; panel++)
        {
            int first = panel * Panels<TLanes>.Width;
            int count = Math.Min(Panels<TLanes>.Width, g.GroupOutChannels - first);
            int channel = (part.Group * g.GroupOutChannels) + first;
            for (int i = 0; i < Panels<TLanes>.Width; i++)
            {
                bias[i] = work.Bias == null || i >= count ? 0 : work.Bias[channel + i];
            }

            float* w = panels + ((long)first * g.Depth);
            if (Panels<TLanes>.WidthOf(count) == TLanes.Count)
            {
                Panel<One>(work, w, bias, destination + channel, count);
            }
            else
            {
                Panel<Two>(work, w, bias, destination + channel, count);
            }
        }
    }

    private static void Panel<TShape>(in Tile work, float* weights, float* bias, float* destination, int count)
        where TShape : struct, ITileShape
    {
        int rows = TShape.Rows;
        float* sums = stackalloc float[Rows * TLanes.Count];
        for (int row = 0; row < work.Count; row += rows)
        {
            float* source = work.Source + ((long)row * work.Pitch);
            nint pitch = work.Pitch;
            int left = Math.Min(rows, work.Count - row);
            if (row + rows > work.Readable)
            {
                source = CopyRows(work, source, left);
                pitch = work.ScratchPitch;
            }

            TShape.Multiply(source, pitch, weights, work.Depth, sums);
            for (int r = 0; r < left; r++)
            {
                float* target = destination + (work.Places[row + r] * work.Channels);
                Finish(sums + (r * TShape.Vectors * TLanes.Count), bias, work.Low, work.High, target, count, work.End);
            }
        }
    }

    /// <summary>The last rows of a matrix, where a tile has more: what lies behind them is scratch, not somebody's memory.</summary>
    private static float* CopyRows(in Tile work, float* source, int count)
    {
        for (int r = 0; r < count; r++)
        {
            new ReadOnlySpan<float>(source + ((long)r * work.Pitch), (int)work.Depth).CopyTo(new Span<float>(work.Scratch + ((long)r * work.ScratchPitch), (int)work.Depth));
        }

        return work.Scratch;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(float* sums, float* bias, float low, float high, float* destination, int count, float* end)
    {
        for (int c = 0; c < count; c += TLanes.Count)
        {
            TLanes y = Lane.Clamp(TLanes.Load(sums + c) + TLanes.Load(bias + c), TLanes.Create(low), TLanes.Create(high));
            if (c + TLanes.Count <= count || destination + c + TLanes.Count <= end)
            {
                // Past the last output stands the next pixel, which this tile writes afterwards.
                TLanes.Store(destination + c, y);
            }
            else
            {
                TLanes.Store(sums + c, y);
                new ReadOnlySpan<float>(sums + c, count - c).CopyTo(new Span<float>(destination + c, count - c));
            }
        }
    }

    private ref struct Tile
    {
        public float* Source;
        public int Pitch;
        public int Readable;
        public float* Scratch;
        public int ScratchPitch;
        public float* Bias;
        public float Low;
        public float High;
        public long* Places;
        public int Count;
        public nint Depth;
        public int Channels;
        public float* End;
    }
}
