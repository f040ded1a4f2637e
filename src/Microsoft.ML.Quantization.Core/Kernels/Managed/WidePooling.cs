using System;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Pooling of 16-bit codes over channels-last data. Windows are taken apart: the largest codes of the kernel rows into a line, then the largest of neighbours in the line. Vectors are as wide as
/// 512 bits or in the parts that the machine has.
/// </summary>
internal static unsafe class WidePooling
{
    private static int Lanes => Vector512<short>.Count;

    /// <summary>Largest code of each window.</summary>
    public static void Max(in ConvolutionGeometry g, short smallest, ReadOnlySpan<short> source, Span<short> destination, int rowBegin, int rowEnd)
    {
        KernelCheck.AtLeast(source.Length, g.InLength, nameof(source));
        KernelCheck.AtLeast(destination.Length, g.OutLength, nameof(destination));
        KernelCheck.Tiles(rowBegin, rowEnd, ChannelRows.Count(g));
        int length = g.InWidth * g.InChannels;
        fixed (short* x = source, y = destination, line = Scratch.Shorts(length))
        {
            for (int row = rowBegin; row < rowEnd; row++)
            {
                ChannelRows place = new(g, row);
                short* target = y + (place.OutPixel * g.OutChannels);
                if (Rows(g, place.Window(g, 0), x + (place.ImagePixel * g.InChannels), line, length))
                {
                    Columns(g, smallest, line, target);
                }
                else
                {
                    new Span<short>(target, g.OutWidth * g.OutChannels).Fill(smallest);
                }
            }
        }
    }

    /// <summary>The largest of the kernel rows inside the image; false where there is none.</summary>
    private static bool Rows(in ConvolutionGeometry g, in Window window, short* image, short* line, int length)
    {
        bool any = false;
        for (int kd = window.DepthBegin; kd < window.DepthEnd; kd++)
        {
            for (int kh = window.HeightBegin; kh < window.HeightEnd; kh++)
            {
                long plane = window.OriginDepth + ((long)kd * g.DilationDepth);
                short* values = image + (((plane * g.InHeight) + window.OriginHeight + ((long)kh * g.DilationHeight)) * length);
                if (any)
                {
                    Larger(line, values, line, length);
                }
                else if (kh + 1 < window.HeightEnd)
                {
                    Larger(values, values + ((long)g.DilationHeight * length), line, length);
                    kh++;
                }
                else
                {
                    new ReadOnlySpan<short>(values, length).CopyTo(new Span<short>(line, length));
                }

                any = true;
            }
        }

        return any;
    }

    private static void Larger(short* a, short* b, short* largest, int length)
    {
        int i = 0;
        for (; i <= length - Lanes; i += Lanes)
        {
            Vector512.Max(Vector512.Load(a + i), Vector512.Load(b + i)).Store(largest + i);
        }

        for (; i < length; i++)
        {
            largest[i] = Math.Max(a[i], b[i]);
        }
    }

    private static void Columns(in ConvolutionGeometry g, short smallest, short* line, short* destination)
    {
        (int channels, int pitch) = (g.InChannels, g.DilationWidth * g.InChannels);
        for (int column = 0; column < g.OutWidth; column++, destination += channels)
        {
            int x = (column * g.StrideWidth) - g.PadWidth;
            (int begin, int end) = AxisClass.Taps1(g.InWidth, g.KernelWidth, x, g.DilationWidth);
            if (begin < end)
            {
                Pixel(line + ((x + ((long)begin * g.DilationWidth)) * channels), end - begin, pitch, destination, channels);
            }
            else
            {
                new Span<short>(destination, channels).Fill(smallest);
            }
        }
    }

    private static void Pixel(short* source, int taps, int pitch, short* destination, int channels)
    {
        int c = 0;
        for (; c <= channels - Lanes; c += Lanes)
        {
            Vector512<short> best = Vector512.Load(source + c);
            for (int tap = 1; tap < taps; tap++)
            {
                best = Vector512.Max(best, Vector512.Load(source + ((long)tap * pitch) + c));
            }

            best.Store(destination + c);
        }

        for (; c < channels; c++)
        {
            short best = source[c];
            for (int tap = 1; tap < taps; tap++)
            {
                best = Math.Max(best, source[((long)tap * pitch) + c]);
            }

            destination[c] = best;
        }
    }
}
