using System;
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
        fixed (float* x = source, w = weights, b = bias, y = destination)
        {
            for (int row = rowBegin; row < rowEnd; row++)
            {
                ChannelRows place = new(g, row);
                for (int column = 0; column < g.OutWidth; column++)
                {
                    Window window = place.Window(g, column);
                    float* image = x + (place.ImagePixel * channels);
                    float* output = y + ((place.OutPixel + column) * channels);
                    FloatPixel<TLanes>(g, window, image, w, b, low, high, output, 0, wide);
                    FloatPixel<Lanes1>(g, window, image, w, b, low, high, output, wide, channels);
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
        fixed (byte* x = source, y = destination)
        fixed (sbyte* w = weights)
        fixed (int* bias = epilogue.Bias)
        fixed (float* multipliers = epilogue.Multipliers, offsets = epilogue.Offsets)
        {
            EpilogueWriter writer = new(epilogue, bias, multipliers, offsets, y);
            for (int row = rowBegin; row < rowEnd; row++)
            {
                ByteRow(g, row, x, padding, w, writer);
            }
        }
    }

    private static void ByteRow(in ConvolutionGeometry g, int row, byte* source, byte padding, sbyte* weights, in EpilogueWriter writer)
    {
        int channels = g.OutChannels;
        int wide = channels - (channels % TLanes.Count);
        ChannelRows place = new(g, row);
        for (int column = 0; column < g.OutWidth; column++)
        {
            Window window = place.Window(g, column);
            byte* image = source + (place.ImagePixel * channels);
            long output = (place.OutPixel + column) * channels;
            BytePixel<TLanes>(g, window, image, padding, weights, writer, output, 0, wide);
            BytePixel<Lanes1>(g, window, image, padding, weights, writer, output, wide, channels);
        }
    }

    private static void FloatPixel<T>(
        in ConvolutionGeometry g, in Window window, float* image, float* weights, float* bias, float low, float high, float* output, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        for (int c = begin; c < end; c += T.Count)
        {
            T sum = T.Create(0);
            for (int kd = window.DepthBegin; kd < window.DepthEnd; kd++)
            {
                for (int kh = window.HeightBegin; kh < window.HeightEnd; kh++)
                {
                    float* w = weights + ((((((kd * g.KernelHeight) + kh) * g.KernelWidth) + window.WidthBegin) * (long)g.OutChannels) + c);
                    float* x = image + ((window.Pixel(g, kd, kh, window.WidthBegin) * g.InChannels) + c);
                    for (int kw = window.WidthBegin; kw < window.WidthEnd; kw++, w += g.OutChannels, x += g.DilationWidth * g.InChannels)
                    {
                        sum = T.Fma(T.Load(x), T.Load(w), sum);
                    }
                }
            }

            T.Store(output + c, Lane.Clamp(sum + T.Load(bias + c), T.Create(low), T.Create(high)));
        }
    }

    private static void BytePixel<T>(
        in ConvolutionGeometry g, in Window window, byte* image, byte padding, sbyte* weights, in EpilogueWriter writer, long output, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        bool whole = window.Count == g.Taps;
        for (int c = begin; c < end; c += T.Count)
        {
            T sum = whole ? ByteInside<T>(g, window, image, weights, c) : ByteBorder<T>(g, window, image, padding, weights, c);
            T sums = sum;
            writer.Write<T>((int*)&sums, c, T.Count, output + c);
        }
    }

    private static T ByteInside<T>(in ConvolutionGeometry g, in Window window, byte* image, sbyte* weights, int channel)
        where T : unmanaged, ILanes<T>
    {
        T sum = T.CreateInt(0);
        sbyte* w = weights + channel;
        for (int kd = 0; kd < g.KernelDepth; kd++)
        {
            for (int kh = 0; kh < g.KernelHeight; kh++)
            {
                byte* x = image + ((window.Pixel(g, kd, kh, 0) * g.InChannels) + channel);
                for (int kw = 0; kw < g.KernelWidth; kw++, w += g.OutChannels, x += g.DilationWidth * g.InChannels)
                {
                    sum = T.AddInt(sum, T.DotPairs(T.LoadBytes(x), T.LoadSignedBytes(w)));
                }
            }
        }

        return sum;
    }

    private static T ByteBorder<T>(in ConvolutionGeometry g, in Window window, byte* image, byte padding, sbyte* weights, int channel)
        where T : unmanaged, ILanes<T>
    {
        T sum = T.CreateInt(0);
        T outside = T.CreateInt(padding);
        sbyte* w = weights + channel;
        for (int tap = 0; tap < g.Taps; tap++, w += g.OutChannels)
        {
            int kw = tap % g.KernelWidth;
            int kh = tap / g.KernelWidth % g.KernelHeight;
            int kd = tap / (g.KernelWidth * g.KernelHeight);
            bool inside = window.Holds(kd, kh, kw);
            T x = inside ? T.LoadBytes(image + ((window.Pixel(g, kd, kh, kw) * g.InChannels) + channel)) : outside;
            sum = T.AddInt(sum, T.DotPairs(x, T.LoadSignedBytes(w)));
        }

        return sum;
    }
}
