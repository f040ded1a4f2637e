using System;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Pooling of 16-bit codes over channels-last data: vectors are channels, as wide as 512 bits or in the parts that the machine has.</summary>
internal static unsafe class WidePooling
{
    private static int Lanes => Vector512<short>.Count;

    /// <summary>Largest code of each window.</summary>
    public static void Max(in ConvolutionGeometry g, short smallest, ReadOnlySpan<short> source, Span<short> destination, int rowBegin, int rowEnd)
    {
        KernelCheck.AtLeast(source.Length, g.InLength, nameof(source));
        KernelCheck.AtLeast(destination.Length, g.OutLength, nameof(destination));
        KernelCheck.Tiles(rowBegin, rowEnd, ChannelRows.Count(g));
        TapList taps = new(g, g.Taps > TapList.StackTaps ? new long[TapList.BufferLength(g)] : stackalloc long[TapList.BufferLength(g)]);
        fixed (short* x = source, y = destination)
        {
            for (int row = rowBegin; row < rowEnd; row++)
            {
                ChannelRows place = new(g, row);
                for (int column = 0; column < g.OutWidth; column++)
                {
                    taps.Take(g, place.Window(g, column));
                    Pixel(taps.Source, smallest, x + (place.ImagePixel * g.OutChannels) + taps.Origin, y + ((place.OutPixel + column) * g.OutChannels), g.OutChannels);
                }
            }
        }
    }

    private static void Pixel(ReadOnlySpan<long> taps, short smallest, short* source, short* destination, int channels)
    {
        int c = 0;
        for (; c <= channels - (2 * Lanes); c += 2 * Lanes)
        {
            Vector512<short> first = Vector512.Create(smallest);
            Vector512<short> second = first;
            foreach (long tap in taps)
            {
                first = Vector512.Max(first, Vector512.Load(source + tap + c));
                second = Vector512.Max(second, Vector512.Load(source + tap + c + Lanes));
            }

            first.Store(destination + c);
            second.Store(destination + c + Lanes);
        }

        for (; c < channels; c++)
        {
            short best = smallest;
            foreach (long tap in taps)
            {
                best = Math.Max(best, source[tap + c]);
            }

            destination[c] = best;
        }
    }
}
