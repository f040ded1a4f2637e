using System;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Depthwise convolution: lanes are channels, each output one chain over its taps.</summary>
internal static unsafe class DepthwiseConvolution<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    public static void Float(
        in ConvolutionGeometry g,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int rowBegin,
        int rowEnd)
    {
        KernelCheck.AtLeast(source.Length, g.InLength, nameof(source));
        KernelCheck.AtLeast(weights.Length, (long)g.Taps * g.OutChannels, nameof(weights));
        KernelCheck.AtLeast(bias.Length, g.OutChannels, nameof(bias));
        KernelCheck.AtLeast(destination.Length, g.OutLength, nameof(destination));
        KernelCheck.Tiles(rowBegin, rowEnd, ChannelRows.Count(g));
        int channels = g.OutChannels;
        int wide = channels - (channels % TLanes.Count);
        TapList taps = new(g, g.Taps > TapList.StackTaps ? new long[TapList.BufferLength(g)] : stackalloc long[TapList.BufferLength(g)]);
        fixed (float* x = source, w = weights, b = bias, y = destination)
        {
            for (int row = rowBegin; row < rowEnd; row++)
            {
                ChannelRows place = new(g, row);
                for (int column = 0; column < g.OutWidth; column++)
                {
                    taps.Take(g, place.Window(g, column));
                    float* image = x + (place.ImagePixel * channels) + taps.Origin;
                    float* output = y + ((place.OutPixel + column) * channels);
                    FloatPixel<TLanes>(taps, image, w, b, low, high, output, 0, wide);
                    FloatPixel<Lanes1>(taps, image, w, b, low, high, output, wide, channels);
                }
            }
        }
    }

    public static void Byte(
        in ConvolutionGeometry g,
        ReadOnlySpan<byte> source,
        byte padding,
        ReadOnlySpan<sbyte> weights,
        in IntegerEpilogue epilogue,
        Span<byte> destination,
        int rowBegin,
        int rowEnd)
    {
        KernelCheck.AtLeast(source.Length, g.InLength, nameof(source));
        KernelCheck.AtLeast(weights.Length, (long)g.Taps * g.OutChannels, nameof(weights));
        KernelCheck.Epilogue(epilogue, g, destination.Length);
        KernelCheck.Tiles(rowBegin, rowEnd, ChannelRows.Count(g));
        TapList taps = new(g, g.Taps > TapList.StackTaps ? new long[TapList.BufferLength(g)] : stackalloc long[TapList.BufferLength(g)]);
        fixed (byte* x = source, y = destination)
        fixed (sbyte* w = weights)
        fixed (int* bias = epilogue.Bias)
        fixed (float* multipliers = epilogue.Multipliers, offsets = epilogue.Offsets)
        {
            EpilogueWriter writer = new(epilogue, bias, multipliers, offsets, y);
            for (int row = rowBegin; row < rowEnd; row++)
            {
                ByteRow(g, row, ref taps, x, padding, w, writer);
            }
        }
    }

    private static void ByteRow(in ConvolutionGeometry g, int row, ref TapList taps, byte* source, byte padding, sbyte* weights, in EpilogueWriter writer)
    {
        int channels = g.OutChannels;
        int wide = channels - (channels % TLanes.Count);
        ChannelRows place = new(g, row);
        for (int column = 0; column < g.OutWidth; column++)
        {
            taps.Take(g, place.Window(g, column));
            byte* image = source + (place.ImagePixel * channels) + taps.Origin;
            long output = (place.OutPixel + column) * channels;
            BytePixel<TLanes>(taps, image, padding, weights, writer, output, 0, wide);
            BytePixel<Lanes1>(taps, image, padding, weights, writer, output, wide, channels);
        }
    }

    private static void FloatPixel<T>(
        in TapList taps, float* image, float* weights, float* bias, float low, float high, float* output, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        ReadOnlySpan<long> sources = taps.Source;
        ReadOnlySpan<long> places = taps.Weights[..sources.Length];
        T least = T.Create(low), most = T.Create(high);
        int c = begin;
        for (; c + (4 * T.Count) <= end; c += 4 * T.Count)
        {
            T s0 = T.Create(0), s1 = s0, s2 = s0, s3 = s0;
            for (int t = 0; t < sources.Length; t++)
            {
                float* x = image + sources[t] + c;
                float* w = weights + places[t] + c;
                s0 = T.Fma(T.Load(x), T.Load(w), s0);
                s1 = T.Fma(T.Load(x + T.Count), T.Load(w + T.Count), s1);
                s2 = T.Fma(T.Load(x + (2 * T.Count)), T.Load(w + (2 * T.Count)), s2);
                s3 = T.Fma(T.Load(x + (3 * T.Count)), T.Load(w + (3 * T.Count)), s3);
            }

            Lane.StorePair(output + c, Lane.Clamp(s0 + T.Load(bias + c), least, most), Lane.Clamp(s1 + T.Load(bias + c + T.Count), least, most));
            float* next = bias + c + (2 * T.Count);
            Lane.StorePair(output + c + (2 * T.Count), Lane.Clamp(s2 + T.Load(next), least, most), Lane.Clamp(s3 + T.Load(next + T.Count), least, most));
        }

        for (; c < end; c += T.Count)
        {
            T sum = T.Create(0);
            for (int t = 0; t < sources.Length; t++)
            {
                sum = T.Fma(T.Load(image + sources[t] + c), T.Load(weights + places[t] + c), sum);
            }

            T.Store(output + c, Lane.Clamp(sum + T.Load(bias + c), least, most));
        }
    }

    private static void BytePixel<T>(
        in TapList taps, byte* image, byte padding, sbyte* weights, in EpilogueWriter writer, long output, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        T* sums = stackalloc T[2];
        int c = begin;
        for (; c + (2 * T.Count) <= end; c += 2 * T.Count)
        {
            sums[0] = Codes<T>(taps, image + c, padding, weights + c);
            sums[1] = Codes<T>(taps, image + c + T.Count, padding, weights + c + T.Count);
            writer.Write<T>((int*)sums, c, 2 * T.Count, output + c);
        }

        if (c < end)
        {
            sums[0] = Codes<T>(taps, image + c, padding, weights + c);
            writer.Write<T>((int*)sums, c, T.Count, output + c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Codes<T>(in TapList taps, byte* image, byte padding, sbyte* weights)
        where T : unmanaged, ILanes<T>
    {
        ReadOnlySpan<long> sources = taps.Source;
        ReadOnlySpan<long> places = taps.Weights;
        T sum = T.CreateInt(0);
        for (int t = 0; t < sources.Length; t++)
        {
            sum = T.AddInt(sum, T.DotPairs(T.LoadBytes(image + sources[t]), T.LoadSignedBytes(weights + places[t])));
        }

        T outside = T.CreateInt(padding);
        for (int t = sources.Length; t < places.Length; t++)
        {
            sum = T.AddInt(sum, T.DotPairs(outside, T.LoadSignedBytes(weights + places[t])));
        }

        return sum;
    }
}
