using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Max-pooling of codes in bit planes: 32 channels a word, comparisons by logic.</summary>
internal static unsafe class PlanePooling
{
    public static void Max(in ConvolutionGeometry g, int bits, ReadOnlySpan<uint> source, Span<uint> destination, int rowBegin, int rowEnd)
    {
        Native.NativeCheck.Channelwise(g);
        int inPixels = checked(g.Batch * g.InDepth * g.InHeight * g.InWidth);
        int words = PlaneLayout.Words(g.InChannels);
        PlaneCheck.Planes(inPixels, g.InChannels, bits, source.Length, int.MaxValue);
        KernelCheck.AtLeast(destination.Length, PlaneLayout.Length(g.OutPixels, g.OutChannels, bits), nameof(destination));
        KernelCheck.Tiles(rowBegin, rowEnd, ChannelRows.Count(g));

        // The same windows over pixels that have a "channel" for each word.
        int pixelWords = bits * words;
        ConvolutionGeometry inWords = g with { InChannels = pixelWords, OutChannels = pixelWords };
        TapList taps = new(inWords, g.Taps > TapList.StackTaps ? new long[TapList.BufferLength(g)] : stackalloc long[TapList.BufferLength(g)]);
        fixed (uint* x = source, y = destination)
        {
            for (int row = rowBegin; row < rowEnd; row++)
            {
                ChannelRows place = new(g, row);
                uint* image = x + (place.ImagePixel * pixelWords);
                for (int column = 0; column < g.OutWidth; column++)
                {
                    taps.Take(inWords, place.Window(g, column));
                    uint* output = y + ((place.OutPixel + column) * pixelWords);
                    if (bits == 1)
                    {
                        One(image + taps.Origin, taps.Source, words, output);
                    }
                    else
                    {
                        Two(image + taps.Origin, taps.Source, words, output);
                    }
                }
            }
        }
    }

    private static void One(uint* window, ReadOnlySpan<long> taps, int words, uint* output)
    {
        for (int i = 0; i < words; i++)
        {
            uint any = 0;
            foreach (long tap in taps)
            {
                any |= window[tap + i];
            }

            output[i] = any;
        }
    }

    private static void Two(uint* window, ReadOnlySpan<long> taps, int words, uint* output)
    {
        for (int i = 0; i < words; i++)
        {
            uint low = 0;
            uint high = 0;
            foreach (long tap in taps)
            {
                uint tapLow = window[tap + i];
                uint tapHigh = window[tap + i + words];
                uint greater = (tapHigh & ~high) | (~(tapHigh ^ high) & tapLow);
                low = (low & ~greater) | (tapLow & greater);
                high |= tapHigh;
            }

            output[i] = low;
            output[i + words] = high;
        }
    }
}
