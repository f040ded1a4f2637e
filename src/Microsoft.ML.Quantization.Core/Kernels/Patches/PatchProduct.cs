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

    /// <summary>The mark of a place that is no output pixel.</summary>
    private const long None = -1;

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
        float* scratch = Scratch.Floats(plan.Source == PatchSource.Bands ? plan.Bands.Length : checked(((plan.Source == PatchSource.Direct ? 0 : plan.Pixels) + Rows) * pitch));
        bool overlaps = g.Groups == 1 && g.OutChannels <= Panels<TLanes>.Width && placement.IsDense(g);
        long* places = stackalloc long[FloatBands.MostPixels];
        fixed (float* x = source, w = panels, b = bias, y = destination)
        {
            for (int tile = tiles.Begin; tile < tiles.End; tile++)
            {
                (int at, (int Begin, int End) range, int block) = plan.At(tile);
                var work = new Tile { Bias = b, Low = clamp.Low, High = clamp.High, Places = places, Channels = g.OutChannels, Scratch = scratch, ScratchPitch = pitch, Readable = int.MaxValue };
                long last = plan.Source == PatchSource.Bands ? TakeBand(g, plan.Bands, placement, x, at, block, ref work) : Take(g, plan, placement, x, at, block, ref work);
                work.End = overlaps ? y + ((last + 1) * g.OutChannels) : null;
                Run(g, work, w + ((long)at * group), y, (at, range));
            }
        }
    }

    /// <summary>Finds or copies the rows of a tile; gives the place of its last pixel.</summary>
    private static long Take(in ConvolutionGeometry g, in PatchPlan plan, in PatchPlacement placement, float* source, int group, int block, ref Tile work)
    {
        (int first, int count) = plan.PixelsOf(block);
        work.Count = count;
        work.Runs = 1;
        work.Length = g.Depth;
        placement.Find(g, first, new Span<long>(work.Places, count));
        if (plan.Source == PatchSource.Direct)
        {
            work.Source = source + ((long)first * g.InChannels) + (group * g.GroupInChannels);
            work.Pitch = g.InChannels;
            work.Readable = g.OutPixels - first - (g.Groups == 1 ? 0 : 1);
        }
        else
        {
            FloatPatches.Copy(g, source, group, first, count, work.Scratch, work.ScratchPitch);
            work.Source = work.Scratch;
            work.Pitch = work.ScratchPitch;
        }

        return work.Places[count - 1];
    }

    /// <summary>
    /// Copies a band. Where the strides are 1 its columns are taken one after the other, from row to row, the few that are no output pixels included: so all rows of a register
    /// tile lie at one step. Otherwise only output pixels are taken.
    /// </summary>
    private static long TakeBand(in ConvolutionGeometry g, in FloatBands bands, in PatchPlacement placement, float* source, int group, int block, ref Tile work)
    {
        (int Image, int Row, int Count) part = bands.At(g, block);
        bands.Copy(g, source, group, part, work.Scratch);
        bool isWalk = (g.StrideHeight, g.StrideWidth) == (1, 1);
        int columns = isWalk ? bands.Columns : g.OutWidth;
        work.Source = work.Scratch;
        work.Pitch = g.GroupInChannels * g.StrideWidth;
        work.Columns = isWalk ? int.MaxValue : g.OutWidth;
        work.RowPitch = bands.Pitch * g.StrideHeight;
        work.Runs = g.KernelHeight;
        work.Length = g.KernelWidth * g.GroupInChannels;
        work.Step = bands.Pitch * g.DilationHeight;
        work.Count = ((part.Count - 1) * columns) + g.OutWidth;
        int pixel = ((part.Image * g.OutHeight) + part.Row) * g.OutWidth;
        for (int row = 0; row < part.Count; row++, pixel += g.OutWidth)
        {
            placement.Find(g, pixel, new Span<long>(work.Places + (row * columns), g.OutWidth));
            for (int extra = (row * columns) + g.OutWidth; extra < Math.Min((row + 1) * columns, work.Count); extra++)
            {
                work.Places[extra] = None;
            }
        }

        return work.Places[work.Count - 1];
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
        float** x = stackalloc float*[Rows];
        for (int row = 0; row < work.Count; row += rows)
        {
            int left = Math.Min(rows, work.Count - row);
            work.Find(row, rows, left, x);
            TShape.Multiply(x, work.Runs, work.Length, work.Step, weights, sums);
            for (int r = 0; r < left; r++)
            {
                long place = work.Places[row + r];
                if (place != None)
                {
                    Finish(sums + (r * TShape.Vectors * TLanes.Count), bias, work.Low, work.High, destination + (place * work.Channels), count, work.End);
                }
            }
        }
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

    /// <summary>The rows of a tile: pixel p begins at Source + p % Columns · Pitch + p / Columns · RowPitch and goes on in Runs runs of Length values, Step apart.</summary>
    private ref struct Tile
    {
        public float* Source;
        public nint Pitch;
        public int Columns;
        public nint RowPitch;
        public int Runs;
        public nint Length;
        public nint Step;
        public int Readable;
        public float* Scratch;
        public int ScratchPitch;
        public float* Bias;
        public float Low;
        public float High;
        public long* Places;
        public int Count;
        public int Channels;
        public float* End;

        /// <summary>Addresses of the rows of a register tile; rows that it has too many read what the others read, or scratch.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Find(int first, int rows, int left, float** x)
        {
            if (first + rows > Readable)
            {
                CopyRows(first, left);
                for (int r = 0; r < rows; r++)
                {
                    x[r] = Scratch + (r * (nint)ScratchPitch);
                }

                return;
            }

            if (RowPitch == 0 || Columns == int.MaxValue)
            {
                float* row = Source + (first * Pitch);
                for (int r = 0; r < rows; r++, row += Pitch)
                {
                    x[r] = row;
                }

                return;
            }

            (int line, int column) = Math.DivRem(first, Columns);
            for (int r = 0; r < rows; r++)
            {
                x[r] = r < left ? Source + (line * RowPitch) + (column * Pitch) : x[0];
                if (++column == Columns)
                {
                    column = 0;
                    line++;
                }
            }
        }

        /// <summary>The last rows of a matrix, where a tile has more: what lies behind them is scratch, not somebody's memory.</summary>
        private readonly void CopyRows(int first, int count)
        {
            for (int r = 0; r < count; r++)
            {
                new ReadOnlySpan<float>(Source + ((first + r) * Pitch), (int)Length).CopyTo(new Span<float>(Scratch + ((long)r * ScratchPitch), (int)Length));
            }
        }
    }
}
