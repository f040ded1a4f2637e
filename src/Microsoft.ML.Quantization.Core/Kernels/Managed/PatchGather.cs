using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Copies the input codes under a few output pixels, as bytes or widened to int16, to rows in the order (kd, kh, kw, c) that end in zeros up to
/// a multiple of 32 bits; padding reads as its code.
/// </summary>
internal static unsafe class PatchGather<TCode>
    where TCode : unmanaged, IBinaryInteger<TCode>
{
    public static void Run(in ConvolutionGeometry g, byte* source, byte padding, in TilePart part, TCode* destination)
    {
        int inLane = sizeof(int) / sizeof(TCode);
        int rowLength = (g.Depth + inLane - 1) / inLane * inLane;
        long image = (long)g.InDepth * g.InHeight * g.InWidth * g.InChannels;
        byte* channels = source + ((long)part.Group * g.GroupInChannels);
        (int rest, int w) = Math.DivRem(part.PixelBegin, g.OutWidth);
        (rest, int h) = Math.DivRem(rest, g.OutHeight);
        (int n, int d) = Math.DivRem(rest, g.OutDepth);
        for (int pixel = part.PixelBegin; pixel < part.PixelEnd; pixel++, destination += rowLength)
        {
            Pixel(g, channels + (n * image), padding, Window.At(g, d, h, w), destination);
            new Span<TCode>(destination + g.Depth, rowLength - g.Depth).Clear();
            if (++w == g.OutWidth)
            {
                w = 0;
                (h, d, n) = h + 1 < g.OutHeight ? (h + 1, d, n) : d + 1 < g.OutDepth ? (0, d + 1, n) : (0, 0, n + 1);
            }
        }
    }

    private static void Pixel(in ConvolutionGeometry g, byte* source, byte padding, in Window window, TCode* destination)
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

    private static void Row(in ConvolutionGeometry g, byte* source, byte padding, in Window window, int kd, int kh, TCode* destination)
    {
        int channels = g.GroupInChannels;
        Fill(destination, padding, window.WidthBegin * channels);
        byte* x = source + (window.Pixel(g, kd, kh, window.WidthBegin) * g.InChannels);
        TCode* y = destination + (window.WidthBegin * channels);
        int taps = window.WidthEnd - window.WidthBegin;
        if (g.Groups == 1 && g.DilationWidth == 1)
        {
            Copy(x, y, taps * channels);
        }
        else
        {
            for (int kw = 0; kw < taps; kw++)
            {
                Copy(x + ((long)kw * g.DilationWidth * g.InChannels), y + (kw * channels), channels);
            }
        }

        Fill(y + (taps * channels), padding, (g.KernelWidth - window.WidthEnd) * channels);
    }

    private static void Copy(byte* source, TCode* destination, int count)
    {
        if (sizeof(TCode) == sizeof(byte))
        {
            Move(source, (byte*)destination, count);
        }
        else
        {
            Widen(source, (short*)destination, count);
        }
    }

    // Runs are short: a call to the runtime costs as much as they do.
    private static void Move(byte* source, byte* destination, int count)
    {
        int last = count - Vector256<byte>.Count;
        if (last < 0)
        {
            Unsafe.CopyBlockUnaligned(destination, source, (uint)count);
            return;
        }

        for (int i = 0; i < last; i += Vector256<byte>.Count)
        {
            Vector256.Load(source + i).Store(destination + i);
        }

        Vector256.Load(source + last).Store(destination + last);
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

    private static void Fill(TCode* destination, byte value, int count) => new Span<TCode>(destination, count).Fill(TCode.CreateTruncating(value));
}
