using System;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Kernels.Native;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Dense layers with narrow weights for every kernel set: prepares rows, cuts outputs into tiles, and leaves products and writing to a kernel.</summary>
internal static unsafe class NarrowDense
{
    /// <summary>Rows given to a kernel at once.</summary>
    public const int MostRows = 8;

    private const int TilePanels = 4;
    private const int Half = 128;

    public static int CountTiles(in NarrowGeometry g) => (NarrowWeights.Panels(g) + TilePanels - 1) / TilePanels;

    public static void Run<TKernel>(in TKernel kernel, in NarrowGeometry g, ReadOnlySpan<byte> source, PackedWeights weights, in IntegerEpilogue epilogue, Span<byte> destination, int tileBegin, int tileEnd)
        where TKernel : struct, INarrowKernel
    {
        NarrowWeights.Check(g);
        KernelCheck.AtLeast(source.Length, (long)g.Rows * g.Inputs, nameof(source));
        KernelCheck.Epilogue(epilogue, ConvolutionGeometry.Dense(g.Rows, g.Inputs, g.Outputs), destination.Length);
        KernelCheck.Weights(weights, NarrowWeights.Layout(g), NarrowWeights.ByteLength(g));
        KernelCheck.Tiles(tileBegin, tileEnd, CountTiles(g));
        int stride = NarrowWeights.RowStride(g);
        int* sums = stackalloc int[MostRows];
        ReadOnlySpan<float> multipliers = epilogue.Multipliers, offsets = epilogue.Offsets;
        fixed (byte* y = destination)
        fixed (int* bias = epilogue.Bias)
        fixed (float* m = multipliers, b = offsets)
        fixed (short* scratch = Scratch.Shorts(MostRows * stride / sizeof(short)))
        {
            NativeEpilogue native = NativeEpilogue.Of(epilogue, bias, m, b);
            NarrowTile tile = new()
            {
                Rows = (sbyte*)scratch,
                RowSums = sums,
                Panels = weights.Pointer + (tileBegin * TilePanels * NarrowWeights.PanelBytes(g)),
                Epilogue = &native,
                PanelBytes = NarrowWeights.PanelBytes(g),
                RowStride = stride,
                PanelCount = Math.Min(tileEnd * TilePanels, NarrowWeights.Panels(g)) - (tileBegin * TilePanels),
                Channel = tileBegin * TilePanels * NarrowWeights.PanelOutputs,
                OutChannels = g.Outputs,
                Bits = g.Bits,
                Step = g.Step,
            };
            for (int row = 0; row < g.Rows && tileBegin < tileEnd; row += MostRows)
            {
                tile.RowCount = Math.Min(MostRows, g.Rows - row);
                for (int r = 0; r < tile.RowCount; r++)
                {
                    sums[r] = Prepare(source.Slice((row + r) * g.Inputs, g.Inputs), new Span<byte>(tile.Rows + (r * stride), stride));
                }

                tile.Destination = y + ((long)row * g.Outputs * KernelCheck.ElementSize(epilogue.Output));
                kernel.Run(&tile);
            }
        }

        GC.KeepAlive(weights);
    }

    /// <summary>Codes less 128, zeros behind them; the sum of the codes.</summary>
    private static int Prepare(ReadOnlySpan<byte> codes, Span<byte> signed)
    {
        signed[codes.Length..].Clear();
        int sum = 0;
        int k = 0;
        ReadOnlySpan<Vector256<byte>> vectors = MemoryMarshal.Cast<byte, Vector256<byte>>(codes);
        Span<Vector256<byte>> written = MemoryMarshal.Cast<byte, Vector256<byte>>(signed);
        Vector256<uint> sums = default;
        for (int i = 0; i < vectors.Length; i++, k += Vector256<byte>.Count)
        {
            (Vector256<ushort> low, Vector256<ushort> high) = Vector256.Widen(vectors[i]);
            (Vector256<uint> first, Vector256<uint> second) = Vector256.Widen(low + high);
            sums += first + second;
            written[i] = vectors[i] ^ Vector256.Create((byte)Half);
        }

        for (; k < codes.Length; k++)
        {
            sum += codes[k];
            signed[k] = (byte)(codes[k] ^ Half);
        }

        return sum + (int)Vector256.Sum(sums);
    }
}
