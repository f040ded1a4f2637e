using System;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <content>The same packed weights times rows of floats: a chunk of weights is decoded and used by all rows of the tile.</content>
internal static unsafe partial class GroupedDense<TLanes>
{
    [SkipLocalsInit]
    public static void RunFloats(in GroupedGeometry g, ReadOnlySpan<float> source, PackedWeights weights, ReadOnlySpan<float> bias, float low, float high, Span<float> destination, int tileBegin, int tileEnd)
    {
        KernelCheck.GroupedFloats(in g, source.Length, bias.Length, destination.Length);
        KernelCheck.Weights(weights, _layout, PackedBytes(in g));
        KernelCheck.Tiles(tileBegin, tileEnd, CountTiles(in g));
        float* acc = stackalloc float[TileRows * Width];
        short* codes = stackalloc short[Chunk * Width];
        float* decoded = stackalloc float[Chunk * Width];
        int panels = Panels(in g);
        fixed (float* x = source)
        {
            for (int tile = tileBegin; tile < tileEnd; tile++)
            {
                int row = tile / panels * TileRows;
                int rows = Math.Min(TileRows, g.Rows - row);
                int panel = tile % panels;
                new Span<float>(acc, rows * Width).Clear();
                AddFloats(in g, x + ((long)row * g.Inputs), rows, weights.Pointer + (panel * PanelBytes(in g)), codes, decoded, acc);
                FinishFloats(in g, acc, row, rows, panel * Width, bias, low, high, destination);
            }
        }

        GC.KeepAlive(weights);
    }

    private static void AddFloats(in GroupedGeometry g, float* x, int rows, byte* panel, short* codes, float* decoded, float* acc)
    {
        for (int group = 0; group < g.Groups; group++)
        {
            float* scales = (float*)panel;
            panel += Width * sizeof(float);
            int size = g.SizeOf(group);
            for (int begin = 0; begin < g.StrideOf(group); begin += Chunk)
            {
                int count = Math.Min(Chunk, g.StrideOf(group) - begin);
                panel = Unpack(panel, count, g.Container, codes);
                count = Math.Min(count, size - begin);
                Decode(codes, count, 1 << (g.Container - 1), scales, decoded);
                for (int r = 0; r < rows; r++)
                {
                    AddRow(x + ((long)r * g.Inputs) + begin, decoded, count, acc + (r * Width));
                }
            }

            x += size;
        }
    }

    /// <summary>Pairs of an output's codes plus the offset, to floats [count][Width].</summary>
    private static void Decode(short* codes, int count, int offset, float* scales, float* decoded)
    {
        TLanes word = TLanes.CreateInt(0xffff);
        TLanes middle = TLanes.CreateInt(offset);
        for (int k = 0; k < count; k++, decoded += Width)
        {
            float* pairs = (float*)(codes + (k / 2 * 2 * Width));
            for (int i = 0; i < Width; i += TLanes.Count)
            {
                TLanes pair = TLanes.Load(pairs + i);
                TLanes code = k % 2 == 0 ? pair & word : TLanes.ShiftRight(pair, 16);
                TLanes.Store(decoded + i, TLanes.Load(scales + i) * TLanes.ToFloat(TLanes.SubtractInt(code, middle)));
            }
        }
    }

    private static void AddRow(float* x, float* weights, int count, float* acc)
    {
        TLanes left = TLanes.Load(acc);
        TLanes right = TLanes.Load(acc + TLanes.Count);
        for (int k = 0; k < count; k++, weights += Width)
        {
            TLanes value = TLanes.Create(x[k]);
            left = TLanes.Fma(value, TLanes.Load(weights), left);
            right = TLanes.Fma(value, TLanes.Load(weights + TLanes.Count), right);
        }

        TLanes.Store(acc, left);
        TLanes.Store(acc + TLanes.Count, right);
    }

    private static void FinishFloats(in GroupedGeometry g, float* acc, int row, int rows, int first, ReadOnlySpan<float> bias, float low, float high, Span<float> destination)
    {
        int width = Math.Min(Width, g.Outputs - first);
        for (int r = 0; r < rows; r++, acc += Width)
        {
            Span<float> result = destination.Slice(((row + r) * g.Outputs) + first, width);
            for (int i = 0; i < width; i++)
            {
                float y = acc[i] + bias[first + i];
                result[i] = y < low ? low : y > high ? high : y;
            }
        }
    }
}
