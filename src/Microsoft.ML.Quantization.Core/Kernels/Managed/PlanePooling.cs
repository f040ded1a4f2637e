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
        int pixelWords = bits * words;
        fixed (uint* x = source, flips = smallest, y = destination)
        {
            for (int row = rowBegin; row < rowEnd; row++)
            {
                ChannelRows place = new(g, row);
                for (int column = 0; column < g.OutWidth; column++)
                {
                    uint* output = y + ((place.OutPixel + column) * pixelWords);
                    Window(g, x + (place.ImagePixel * pixelWords), place.Window(g, column), bits, words, flips, output);
                }
            }
        }
    }

    private static void Window(in ConvolutionGeometry g, uint* image, in Window window, int bits, int words, uint* flips, uint* output)
    {
        Start(output, bits, words, flips);
        for (int d = window.DepthBegin; d < window.DepthEnd; d++)
        {
            for (int h = window.HeightBegin; h < window.HeightEnd; h++)
            {
                for (int w = window.WidthBegin; w < window.WidthEnd; w++)
                {
                    uint* tap = image + (window.Pixel(g, d, h, w) * bits * words);
                    if (bits == 1)
                    {
                        One(output, tap, words, flips);
                    }
                    else
                    {
                        Two(output, tap, words, flips);
                    }
                }
            }
        }
    }

    private static void Start(uint* output, int bits, int words, uint* flips)
    {
        for (int i = 0; i < bits * words; i++)
        {
            output[i] = flips == null ? 0 : flips[i % words];
        }
    }

    private static void One(uint* output, uint* tap, int words, uint* flips)
    {
        for (int i = 0; i < words; i++)
        {
            uint flip = flips == null ? 0 : flips[i];
            output[i] = ((output[i] ^ flip) | (tap[i] ^ flip)) ^ flip;
        }
    }

    private static void Two(uint* output, uint* tap, int words, uint* flips)
    {
        for (int i = 0; i < words; i++)
        {
            uint flip = flips == null ? 0 : flips[i];
            uint low = output[i] ^ flip, high = output[i + words] ^ flip;
            uint tapLow = tap[i] ^ flip, tapHigh = tap[i + words] ^ flip;
            uint greater = (tapHigh & ~high) | (~(tapHigh ^ high) & tapLow & ~low);
            output[i] = ((low & ~greater) | (tapLow & greater)) ^ flip;
            output[i + words] = (high | tapHigh) ^ flip;
        }
    }
}
