using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Products of narrow weights on 32-bit lanes: a lane holds four bytes of an output; shifted and masked, it is a pair of codes as int16, which meets a pair of source codes. A step of source pairs is
/// [place][even, odd bytes].
/// </summary>
internal readonly unsafe struct NarrowProducts<TLanes> : INarrowKernel
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int BlockBytes = 64;
    private static readonly int[] _containers = [4, 2, 1];

    /// <inheritdoc/>
    public void Run(NarrowTile* tile)
    {
        EpilogueWriter writer = new(*tile->Epilogue, tile->Destination);
        int* pairs = (int*)Scratch.Floats(tile->RowStride / 2);
        int* sums = stackalloc int[NarrowWeights.PanelOutputs];
        for (int row = 0; row < tile->RowCount; row++)
        {
            Pair(tile->Rows + ((long)row * tile->RowStride), tile->RowStride, pairs);
            for (int panel = 0; panel < tile->PanelCount; panel++)
            {
                int channel = tile->Channel + (panel * NarrowWeights.PanelOutputs);
                for (int lane = 0; lane < NarrowWeights.PanelOutputs; lane += TLanes.Count)
                {
                    Sum(tile, row, tile->Panels + (panel * tile->PanelBytes), pairs, lane, sums);
                }

                writer.Write<TLanes>(sums, channel, Math.Min(NarrowWeights.PanelOutputs, tile->OutChannels - channel), ((long)row * tile->OutChannels) + channel);
            }
        }
    }

    // Four codes to a pair of the even and a pair of the odd ones.
    private static void Pair(sbyte* row, int count, int* pairs)
    {
        for (int k = 0; k < count; k += 4)
        {
            pairs[k / 2] = (row[k] & 0xFFFF) | (row[k + 2] << 16);
            pairs[(k / 2) + 1] = (row[k + 1] & 0xFFFF) | (row[k + 3] << 16);
        }
    }

    private static void Sum(NarrowTile* tile, int row, byte* panel, int* pairs, int lane, int* sums)
    {
        float* head = (float*)panel + lane;
        byte* container = panel + NarrowWeights.HeaderBytes;
        TLanes sum = TLanes.CreateInt(0);
        int shift = 0;
        foreach (int bits in _containers)
        {
            if ((tile->Bits & bits) != 0)
            {
                int blocks = tile->RowStride * bits / 32;
                sum = TLanes.AddInt(sum, TLanes.ShiftLeft(Products(container + (lane * 4), blocks, bits, pairs), shift));
                container += (long)blocks * BlockBytes;
                shift += bits;
            }
        }

        TLanes start = TLanes.AddInt(TLanes.Load(head), TLanes.MultiplyInt(TLanes.Load(head + NarrowWeights.PanelOutputs), TLanes.CreateInt(tile->RowSums[row])));
        TLanes.Store((float*)sums + lane, TLanes.AddInt(start, TLanes.MultiplyInt(sum, TLanes.CreateInt(tile->Step))));
    }

    private static TLanes Products(byte* codes, int blocks, int bits, int* pairs)
    {
        TLanes even = TLanes.CreateInt(0), odd = even;
        TLanes mask = TLanes.CreateInt(((1 << bits) - 1) * 0x00010001);
        for (int block = 0; block < blocks; block++, codes += BlockBytes)
        {
            TLanes w = TLanes.Load((float*)codes);
            for (int place = 0; place < 8; place += bits, pairs += 2)
            {
                even = TLanes.AddInt(even, TLanes.DotPairs(TLanes.CreateInt(pairs[0]), TLanes.ShiftRight(w, place) & mask));
                odd = TLanes.AddInt(odd, TLanes.DotPairs(TLanes.CreateInt(pairs[1]), TLanes.ShiftRight(w, place + 8) & mask));
            }
        }

        return TLanes.AddInt(even, odd);
    }
}
