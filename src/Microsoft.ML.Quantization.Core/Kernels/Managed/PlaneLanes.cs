using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Layers over bit planes in vectors: a lane is an output, its four bytes count on their own for up to 31 steps and are then added up. Planes are
/// taken from the top down; sums are doubled where the next pair of planes counts half.
/// </summary>
internal readonly unsafe struct PlaneLanes<TLanes> : IPlaneKernel
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Rows = PlaneCounts<TLanes>.Rows;
    private const int Panel = PlaneWeights.Panel;

    /// <inheritdoc/>
    public void Run(PlaneTile* tiles, int count)
    {
        int* buffer = stackalloc int[ThresholdWriter<TLanes>.BufferLength(ThresholdTable<int>.MostThresholds)];
        for (int panel = 0; count > 0 && panel < tiles->PanelCount; panel++)
        {
            for (int i = 0; i < count; i++)
            {
                RunPanel(tiles + i, panel, buffer);
            }
        }
    }

    private static void RunPanel(PlaneTile* tile, int panel, int* buffer)
    {
        int* sums = stackalloc int[Rows * Panel];
        uint** rows = stackalloc uint*[Rows];
        int channel = tile->Channel + (panel * Panel);
        int width = Math.Min(Panel, tile->ChannelEnd - channel);
        byte* words = tile->Panels + (panel * tile->PanelBytes) + tile->WordsBegin;
        int* constants = tile->Constants + (panel * Panel);
        EpilogueWriter writer = new(*tile->Epilogue, tile->Destination);
        ThresholdWriter<TLanes> codes = new(tile, buffer);
        codes.TakePanel(channel, width);
        for (int pixel = 0; pixel < tile->Pixels; pixel += Rows)
        {
            int count = Math.Min(Rows, tile->Pixels - pixel);
            for (int r = 0; r < Rows; r++)
            {
                rows[r] = tile->Source + tile->Sources[pixel + Math.Min(r, count - 1)];
            }

            Count(tile, rows, count, words, sums);
            if (codes.AreSigns)
            {
                codes.WriteSigns(sums, constants, count, tile->Outputs + pixel);
                continue;
            }

            for (int r = 0; r < count; r++)
            {
                Finish(tile, sums + (r * Panel), constants);
                if (tile->ThresholdCount > 0)
                {
                    codes.Write(sums + (r * Panel), tile->Outputs[pixel + r]);
                }
                else
                {
                    writer.Write<TLanes>(sums + (r * Panel), channel, width, (tile->Outputs[pixel + r] * tile->OutChannels) + channel);
                }
            }
        }
    }

    /// <summary>Counts of all pairs of planes.</summary>
    private static void Count(PlaneTile* tile, uint** rows, int count, byte* words, int* sums)
    {
        new Span<int>(sums, Rows * Panel).Clear();
        int last = tile->WeightPlanes + tile->SourceBits - 2;
        for (int w = tile->WeightPlanes - 1; w >= 0; w--)
        {
            for (int s = tile->SourceBits - 1; s >= 0; s--)
            {
                if (s + w < last)
                {
                    Scale(sums, 2);
                    last = s + w;
                }

                PlaneCounts<TLanes>.Add(tile, rows, count, s * tile->SourceWords, words + (w * tile->PlaneBytes), sums);
            }

            if (tile->TopIsNegative != 0 && w == tile->WeightPlanes - 1)
            {
                Scale(sums, -1);
            }
        }
    }

    private static void Scale(int* sums, int factor)
    {
        TLanes by = TLanes.CreateInt(factor);
        for (int i = 0; i < Rows * Panel; i += TLanes.Count)
        {
            TLanes.Store((float*)sums + i, TLanes.MultiplyInt(TLanes.Load((float*)sums + i), by));
        }
    }

    private static void Finish(PlaneTile* tile, int* sums, int* constants)
    {
        for (int i = 0; i < Panel; i += TLanes.Count)
        {
            TLanes sum = TLanes.Load((float*)sums + i);
            sum = tile->Doubles != 0 ? TLanes.AddInt(sum, sum) : sum;
            TLanes.Store((float*)sums + i, TLanes.AddInt(sum, TLanes.Load((float*)constants + i)));
        }
    }
}
