using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Max-pooling of codes in bit planes: 32 channels a word, comparisons by logic. The smallest code is 2^bits − 1 less the largest complement.</summary>
internal static unsafe class PlanePooling
{
    public static void Max(in ConvolutionGeometry g, int bits, ReadOnlySpan<uint> source, ReadOnlySpan<uint> smallest, Span<uint> destination, int rowBegin, int rowEnd)
    {
        Native.NativeCheck.Channelwise(g);
        int inPixels = checked(g.Batch * g.InDepth * g.InHeight * g.InWidth);
        int words = PlaneLayout.Words(g.InChannels);
        PlaneCheck.Planes(inPixels, g.InChannels, bits, source.Length, int.MaxValue);
        KernelCheck.AtLeast(destination.Length, PlaneLayout.Length(g.OutPixels, g.OutChannels, bits), nameof(destination));
        KernelCheck.AtLeast(smallest.Length, smallest.IsEmpty ? 0 : words, nameof(smallest));
        KernelCheck.Tiles(rowBegin, rowEnd, ChannelRows.Count(g));

        // The same windows over pixels that have a "channel" for each word.
        int pixelWords = bits * words;
        ConvolutionGeometry inWords = g with { InChannels = pixelWords, OutChannels = pixelWords };
        TapList taps = new(inWords, g.Taps > TapList.StackTaps ? new long[TapList.BufferLength(g)] : stackalloc long[TapList.BufferLength(g)]);
        fixed (uint* x = source, flips = smallest, y = destination)
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
                        One(image + taps.Origin, taps.Source, words, flips, output);
                    }
                    else
                    {
                        Two(image + taps.Origin, taps.Source, words, flips, output);
                    }
                }
            }
        }
    }

    private static void One(uint* window, ReadOnlySpan<long> taps, int words, uint* flips, uint* output)
    {
        for (int i = 0; i < words; i++)
        {
            uint any = 0;
            uint all = uint.MaxValue;
            foreach (long tap in taps)
            {
                uint value = window[tap + i];
                any |= value;
                all &= value;
            }

            uint flip = flips == null ? 0 : flips[i];
            output[i] = (any & ~flip) | (all & flip);
        }
    }

    private static void Two(uint* window, ReadOnlySpan<long> taps, int words, uint* flips, uint* output)
    {
        for (int i = 0; i < words; i++)
        {
            uint flip = flips == null ? 0 : flips[i];
            uint low = 0;
            uint high = 0;
            foreach (long tap in taps)
            {
                uint tapLow = window[tap + i] ^ flip;
                uint tapHigh = window[tap + i + words] ^ flip;
                uint greater = (tapHigh & ~high) | (~(tapHigh ^ high) & tapLow);
                low = (low & ~greater) | (tapLow & greater);
                high |= tapHigh;
            }

            output[i] = low ^ flip;
            output[i + words] = high ^ flip;
        }
    }
}
