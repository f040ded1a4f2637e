using System;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Dense layers with narrow weights in groups. Packed: [panel][group]{ scales float[width], [blocks][2 · width] }: a byte holds, from its low bits up, the weight + offset of
/// 8 / container successive pairs of inputs; bytes 2o and 2o + 1 of a block are the pair of output o. A panel's weights are unpacked to int16, a chunk at
/// a time, and used by all rows of the tile.
/// </summary>
internal static unsafe class GroupedDense<TLanes>
    where TLanes : unmanaged, Numerics.ILanes<TLanes>
{
    private const int TileRows = 32;
    private const int Chunk = 256;

    // One for each vector width.
    private static readonly string _layout = string.Create(CultureInfo.InvariantCulture, $"managed/grouped/n{Width}");

    private static int Width => TLanes.Count * 2;

    public static PackedWeights Pack(in GroupedGeometry g, ReadOnlySpan<sbyte> weights, ReadOnlySpan<float> scales)
    {
        KernelCheck.Grouped(in g, weights, scales);
        var packed = new PackedWeights(PackedBytes(in g), _layout);
        byte* to = packed.Pointer;
        for (int panel = 0; panel < Panels(in g); panel++)
        {
            for (int group = 0; group < g.Groups; group++)
            {
                to = PackGroup(in g, weights, scales, panel * Width, group, to);
            }
        }

        return packed;
    }

    public static int CountTiles(in GroupedGeometry g) => Panels(in g) * ((g.Rows + TileRows - 1) / TileRows);

    public static void Run(in GroupedGeometry g, ReadOnlySpan<sbyte> codes, ReadOnlySpan<int> sums, ReadOnlySpan<float> rowScales, PackedWeights weights, ReadOnlySpan<float> bias, float low, float high, Span<float> destination, int tileBegin, int tileEnd)
    {
        KernelCheck.Grouped(in g, codes.Length, sums.Length, rowScales.Length, bias.Length, destination.Length);
        KernelCheck.Weights(weights, _layout, PackedBytes(in g));
        KernelCheck.Tiles(tileBegin, tileEnd, CountTiles(in g));
        float* acc = stackalloc float[TileRows * Width];
        int panels = Panels(in g);
        fixed (sbyte* q = codes)
        fixed (int* s = sums)
        {
            for (int tile = tileBegin; tile < tileEnd; tile++)
            {
                int row = tile / panels * TileRows;
                int rows = Math.Min(TileRows, g.Rows - row);
                int panel = tile % panels;
                Multiply(in g, q + ((long)row * g.RowStride), s + ((long)row * g.Groups), rows, weights.Pointer + (panel * PanelBytes(in g)), acc);
                Finish(in g, acc, row, rows, panel * Width, rowScales, bias, low, high, destination);
            }
        }

        GC.KeepAlive(weights);
    }

    private static int Panels(in GroupedGeometry g) => (g.Outputs + Width - 1) / Width;

    private static long PanelBytes(in GroupedGeometry g) => ((long)g.RowStride * Width * g.Container / 8) + ((long)g.Groups * Width * sizeof(float));

    private static long PackedBytes(in GroupedGeometry g) => PanelBytes(in g) * Panels(in g);

    private static byte* PackGroup(in GroupedGeometry g, ReadOnlySpan<sbyte> weights, ReadOnlySpan<float> scales, int first, int group, byte* to)
    {
        for (int i = 0; i < Width; i++)
        {
            ((float*)to)[i] = first + i < g.Outputs ? scales[((first + i) * g.Groups) + group] : 0;
        }

        to += Width * sizeof(float);
        int parts = 8 / g.Container;
        int offset = 1 << (g.Container - 1);
        for (int k = 0; k < g.StrideOf(group); k += 2 * parts)
        {
            for (int i = 0; i < 2 * Width; i++)
            {
                int value = 0;
                for (int part = 0; part < parts; part++)
                {
                    value |= (Weight(in g, weights, first + (i / 2), group, k + (2 * part) + (i % 2)) + offset) << (part * g.Container);
                }

                *to++ = (byte)value;
            }
        }

        return to;
    }

    private static int Weight(in GroupedGeometry g, ReadOnlySpan<sbyte> weights, int output, int group, int place)
        => output < g.Outputs && place < g.SizeOf(group) ? weights[(output * g.Inputs) + (group * g.GroupSize) + place] : 0;

    private static void Multiply(in GroupedGeometry g, sbyte* codes, int* sums, int rows, byte* panel, float* acc)
    {
        int* dots = stackalloc int[TileRows * Width];
        short* unpacked = stackalloc short[Chunk * Width];
        new Span<float>(acc, rows * Width).Clear();
        int offset = 1 << (g.Container - 1);
        for (int group = 0; group < g.Groups; group++)
        {
            float* scales = (float*)panel;
            panel += Width * sizeof(float);
            for (int r = 0; r < rows; r++)
            {
                new Span<int>(dots + (r * Width), Width).Fill(-offset * sums[(r * g.Groups) + group]);
            }

            int stride = g.StrideOf(group);
            for (int begin = 0; begin < stride; begin += Chunk)
            {
                int count = Math.Min(Chunk, stride - begin);
                panel = Unpack(panel, count, g.Container, unpacked);
                AddChunk(codes + begin, g.RowStride, rows, unpacked, count, dots);
            }

            codes += stride;
            AddGroup(dots, rows, scales, acc);
        }
    }

    private static byte* Unpack(byte* packed, int count, int container, short* unpacked)
    {
        int parts = 8 / container;
        Vector128<byte> mask = Vector128.Create((byte)((1 << container) - 1));
        for (int k = 0; k < count; k += 2 * parts, unpacked += 2 * Width * parts)
        {
            for (int i = 0; i < 2 * Width; i += Vector128<byte>.Count, packed += Vector128<byte>.Count)
            {
                Vector128<ushort> bytes = Vector128.Load(packed).AsUInt16();
                for (int part = 0; part < parts; part++)
                {
                    Vector128<byte> values = (bytes >>> (part * container)).AsByte() & mask;
                    short* to = unpacked + (part * 2 * Width) + i;
                    Vector128.WidenLower(values).AsInt16().Store(to);
                    Vector128.WidenUpper(values).AsInt16().Store(to + 8);
                }
            }
        }

        return packed;
    }

    [SkipLocalsInit]
    private static void AddChunk(sbyte* codes, int rowStride, int rows, short* weights, int count, int* dots)
    {
        short* wide = stackalloc short[2 * Chunk];
        int r = 0;
        for (; r + 2 <= rows; r += 2)
        {
            Widen(codes + ((long)r * rowStride), count, wide);
            Widen(codes + ((long)(r + 1) * rowStride), count, wide + Chunk);
            AddRows(wide, weights, count / 2, dots + (r * Width));
        }

        if (r < rows)
        {
            Widen(codes + ((long)r * rowStride), count, wide);
            AddRow(wide, weights, count / 2, dots + (r * Width));
        }
    }

    private static void Widen(sbyte* codes, int count, short* wide)
    {
        for (int k = 0; k < count; k += Vector128<sbyte>.Count)
        {
            Vector128<sbyte> bytes = Vector128.Load(codes + k);
            Vector128.WidenLower(bytes).Store(wide + k);
            Vector128.WidenUpper(bytes).Store(wide + k + 8);
        }
    }

    private static void AddRow(short* row, short* weights, int pairs, int* dots)
    {
        float* sums = (float*)dots;
        float* w = (float*)weights;
        int* x = (int*)row;
        TLanes a = TLanes.Load(sums), b = TLanes.Load(sums + TLanes.Count);
        for (int k = 0; k < pairs; k++, w += Width)
        {
            TLanes v = TLanes.CreateInt(x[k]);
            a = TLanes.AddInt(a, TLanes.DotPairs(v, TLanes.Load(w)));
            b = TLanes.AddInt(b, TLanes.DotPairs(v, TLanes.Load(w + TLanes.Count)));
        }

        Lane.StorePair(sums, a, b);
    }

    private static void AddRows(short* rows, short* weights, int pairs, int* dots)
    {
        float* sums = (float*)dots;
        float* w = (float*)weights;
        int* x = (int*)rows;
        int* y = (int*)(rows + Chunk);
        TLanes a = TLanes.Load(sums), b = TLanes.Load(sums + TLanes.Count);
        TLanes c = TLanes.Load(sums + Width), d = TLanes.Load(sums + Width + TLanes.Count);
        for (int k = 0; k < pairs; k++, w += Width)
        {
            TLanes left = TLanes.Load(w), right = TLanes.Load(w + TLanes.Count);
            TLanes v = TLanes.CreateInt(x[k]);
            a = TLanes.AddInt(a, TLanes.DotPairs(v, left));
            b = TLanes.AddInt(b, TLanes.DotPairs(v, right));
            v = TLanes.CreateInt(y[k]);
            c = TLanes.AddInt(c, TLanes.DotPairs(v, left));
            d = TLanes.AddInt(d, TLanes.DotPairs(v, right));
        }

        Lane.StorePair(sums, a, b);
        Lane.StorePair(sums + Width, c, d);
    }

    private static void AddGroup(int* dots, int rows, float* scales, float* acc)
    {
        for (int i = 0; i < rows * Width; i += TLanes.Count)
        {
            TLanes dot = TLanes.ToFloat(TLanes.Load((float*)dots + i));
            TLanes.Store(acc + i, TLanes.Fma(dot, TLanes.Load(scales + (i % Width)), TLanes.Load(acc + i)));
        }
    }

    private static void Finish(in GroupedGeometry g, float* acc, int row, int rows, int first, ReadOnlySpan<float> rowScales, ReadOnlySpan<float> bias, float low, float high, Span<float> destination)
    {
        int width = Math.Min(Width, g.Outputs - first);
        for (int r = 0; r < rows; r++, acc += Width)
        {
            Span<float> result = destination.Slice(((row + r) * g.Outputs) + first, width);
            for (int i = 0; i < width; i++)
            {
                float scaled = acc[i] * rowScales[row + r];
                float y = scaled + bias[first + i];
                result[i] = y < low ? low : y > high ? high : y;
            }
        }
    }
}
