using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Pooling over channels-last data: lanes are channels; the taps of a window are walked in order for each vector.</summary>
internal static unsafe class Pooling<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    public static void MaxByte(in ConvolutionGeometry g, ReadOnlySpan<byte> source, Span<byte> destination, int rowBegin, int rowEnd)
    {
        Check(g, source.Length, destination.Length, rowBegin, rowEnd);
        fixed (byte* x = source, y = destination)
        {
            Walk<MaxByteOf, byte>(g, default, x, y, rowBegin, rowEnd);
        }
    }

    public static void MaxFloat(in ConvolutionGeometry g, ReadOnlySpan<float> source, Span<float> destination, int rowBegin, int rowEnd)
    {
        Check(g, source.Length, destination.Length, rowBegin, rowEnd);
        fixed (float* x = source, y = destination)
        {
            Walk<MaxFloatOf, float>(g, default, x, y, rowBegin, rowEnd);
        }
    }

    public static void AverageByte(
        in ConvolutionGeometry g, in MeanByteOf mean, ReadOnlySpan<byte> source, Span<byte> destination, int rowBegin, int rowEnd)
    {
        Check(g, source.Length, destination.Length, rowBegin, rowEnd);
        fixed (byte* x = source, y = destination)
        {
            Walk<MeanByteOf, byte>(g, mean, x, y, rowBegin, rowEnd);
        }
    }

    public static void AverageFloat(
        in ConvolutionGeometry g, in MeanFloatOf mean, ReadOnlySpan<float> source, Span<float> destination, int rowBegin, int rowEnd)
    {
        Check(g, source.Length, destination.Length, rowBegin, rowEnd);
        fixed (float* x = source, y = destination)
        {
            Walk<MeanFloatOf, float>(g, mean, x, y, rowBegin, rowEnd);
        }
    }

    public static void GlobalAverage(int batch, int pixels, int channels, ReadOnlySpan<float> source, Span<float> destination)
    {
        KernelCheck.AtLeast(source.Length, (long)batch * pixels * channels, nameof(source));
        KernelCheck.AtLeast(destination.Length, (long)batch * channels, nameof(destination));
        int wide = channels - (channels % TLanes.Count);
        fixed (float* x = source, y = destination)
        {
            for (int n = 0; n < batch; n++)
            {
                float* image = x + ((long)n * pixels * channels);
                Mean<TLanes>(image, pixels, channels, y + ((long)n * channels), 0, wide);
                Mean<Lanes1>(image, pixels, channels, y + ((long)n * channels), wide, channels);
            }
        }
    }

    private static void Check(in ConvolutionGeometry g, int source, int destination, int rowBegin, int rowEnd)
    {
        KernelCheck.AtLeast(source, g.InLength, nameof(source));
        KernelCheck.AtLeast(destination, g.OutLength, nameof(destination));
        KernelCheck.Tiles(rowBegin, rowEnd, ChannelRows.Count(g));
    }

    private static void Walk<TPool, TValue>(in ConvolutionGeometry g, in TPool pool, TValue* source, TValue* destination, int rowBegin, int rowEnd)
        where TPool : struct, IPool<TValue>
        where TValue : unmanaged
    {
        int channels = g.OutChannels;
        int wide = channels - (channels % TLanes.Count);
        TapList taps = new(g, g.Taps > TapList.StackTaps ? new long[TapList.BufferLength(g)] : stackalloc long[TapList.BufferLength(g)]);
        for (int row = rowBegin; row < rowEnd; row++)
        {
            ChannelRows place = new(g, row);
            TValue* image = source + (place.ImagePixel * channels);
            for (int column = 0; column < g.OutWidth; column++)
            {
                taps.Take(g, place.Window(g, column));
                TValue* output = destination + ((place.OutPixel + column) * channels);
                Pixel<TLanes, TPool, TValue>(taps, pool, image + taps.Origin, output, 0, wide);
                Pixel<Lanes1, TPool, TValue>(taps, pool, image + taps.Origin, output, wide, channels);
            }
        }
    }

    private static void Pixel<T, TPool, TValue>(in TapList taps, in TPool pool, TValue* image, TValue* output, int begin, int end)
        where T : unmanaged, ILanes<T>
        where TPool : struct, IPool<TValue>
        where TValue : unmanaged
    {
        ReadOnlySpan<long> sources = taps.Source;
        for (int c = begin; c < end; c += T.Count)
        {
            T state = pool.Start<T>();
            for (int t = 0; t < sources.Length; t++)
            {
                state = pool.Step(state, image + sources[t] + c, t == 0);
            }

            pool.Finish(state, sources.Length, taps.Weights.Length, output + c);
        }
    }

    private static void Mean<T>(float* image, int pixels, int channels, float* output, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        const int Strides = 16;
        T* sums = stackalloc T[Strides];
        for (int c = begin; c < end; c += T.Count)
        {
            for (int j = 0; j < Strides; j++)
            {
                sums[j] = T.Create(0);
            }

            for (int i = 0; i < pixels; i++)
            {
                sums[i % Strides] += T.Load(image + ((long)i * channels) + c);
            }

            for (int half = Strides / 2; half > 0; half /= 2)
            {
                for (int j = 0; j < half; j++)
                {
                    sums[j] += sums[j + half];
                }
            }

            T.Store(output + c, sums[0] / T.Create(pixels));
        }
    }
}
