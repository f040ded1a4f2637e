using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Copies the input codes under a few output pixels, widened to int16, to rows of 2 · ceil(Depth / 2) values in the order
/// (kd, kh, kw, c); padding reads as its code.
/// </summary>
internal static unsafe class PatchGather
{
    public static void Run(in ConvolutionGeometry g, byte* source, byte padding, in TilePart part, short* destination)
    {
        int rowLength = (g.Depth + 1) / 2 * 2;
        long image = (long)g.InDepth * g.InHeight * g.InWidth * g.InChannels;
        for (int pixel = part.PixelBegin; pixel < part.PixelEnd; pixel++, destination += rowLength)
        {
            int rest = pixel / g.OutWidth;
            int w = pixel - (rest * g.OutWidth);
            int up = rest / g.OutHeight;
            int h = rest - (up * g.OutHeight);
            int n = up / g.OutDepth;
            Window window = Window.At(g, up - (n * g.OutDepth), h, w);
            Pixel(g, source + (n * image) + ((long)part.Group * g.GroupInChannels), padding, window, destination);
            if (rowLength > g.Depth)
            {
                destination[g.Depth] = 0;
            }
        }
    }

    private static void Pixel(in ConvolutionGeometry g, byte* source, byte padding, in Window window, short* destination)
    {
        int rowOfTaps = g.KernelWidth * g.GroupInChannels;
        for (int kd = 0; kd < g.KernelDepth; kd++)
        {
            bool plane = kd >= window.DepthBegin && kd < window.DepthEnd;
            for (int kh = 0; kh < g.KernelHeight; kh++, destination += rowOfTaps)
            {
                if (plane && kh >= window.HeightBegin && kh < window.HeightEnd)
                {
                    Row(g, source, padding, window, kd, kh, destination);
                }
                else
                {
                    Fill(destination, padding, rowOfTaps);
                }
            }
        }
    }

    private static void Row(in ConvolutionGeometry g, byte* source, byte padding, in Window window, int kd, int kh, short* destination)
    {
        int channels = g.GroupInChannels;
        Fill(destination, padding, window.WidthBegin * channels);
        byte* x = source + (window.Pixel(g, kd, kh, window.WidthBegin) * g.InChannels);
        short* y = destination + (window.WidthBegin * channels);
        int taps = window.WidthEnd - window.WidthBegin;
        if (g.Groups == 1 && g.DilationWidth == 1)
        {
            Widen(x, y, taps * channels);
        }
        else
        {
            for (int kw = 0; kw < taps; kw++)
            {
                Widen(x + ((long)kw * g.DilationWidth * g.InChannels), y + (kw * channels), channels);
            }
        }

        Fill(y + (taps * channels), padding, (g.KernelWidth - window.WidthEnd) * channels);
    }

    private static void Widen(byte* source, short* destination, int count)
    {
        int i = 0;
        for (; i + 32 <= count; i += 32)
        {
            (Vector256<ushort> low, Vector256<ushort> high) = Vector256.Widen(Vector256.Load(source + i));
            low.AsInt16().Store(destination + i);
            high.AsInt16().Store(destination + i + 16);
        }

        for (; i + 8 <= count; i += 8)
        {
            WidenEight(source + i, destination + i);
        }

        if (i < count && count >= 8)
        {
            // The last eight once more: they overlap what is done, inside the same run.
            WidenEight(source + count - 8, destination + count - 8);
            return;
        }

        for (; i < count; i++)
        {
            destination[i] = source[i];
        }
    }

    private static void WidenEight(byte* source, short* destination)
        => Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsByte()).AsInt16().Store(destination);

    private static void Fill(short* destination, short value, int count) => new Span<short>(destination, count).Fill(value);
}
