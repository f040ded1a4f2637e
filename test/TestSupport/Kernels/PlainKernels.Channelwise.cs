using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <content>Depthwise convolution and pooling.</content>
public sealed partial class PlainKernels
{
    /// <inheritdoc/>
    public override void DepthwiseFloat(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int rowBegin,
        int rowEnd)
    {
        int channels = geometry.InChannels;
        (int begin, int end) = PlainWindow.RowPixels(geometry, rowBegin, rowEnd);
        for (int i = begin * channels; i < end * channels; i++)
        {
            float sum = 0;
            int c = i % channels;
            for (int t = 0; t < geometry.Taps; t++)
            {
                int input = PlainWindow.InputPixel(geometry, i / channels, t);
                sum = input < 0 ? sum : MathF.FusedMultiplyAdd(source[(input * channels) + c], weights[(t * channels) + c], sum);
            }

            destination[i] = Clamp(sum + bias[c], low, high);
        }
    }

    /// <inheritdoc/>
    public override void DepthwiseByte(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<byte> source,
        byte padding,
        ReadOnlySpan<sbyte> weights,
        in IntegerEpilogue epilogue,
        Span<byte> destination,
        int rowBegin,
        int rowEnd)
    {
        int channels = geometry.InChannels;
        (int begin, int end) = PlainWindow.RowPixels(geometry, rowBegin, rowEnd);
        for (int i = begin * channels; i < end * channels; i++)
        {
            int sum = 0;
            int c = i % channels;
            for (int t = 0; t < geometry.Taps; t++)
            {
                int input = PlainWindow.InputPixel(geometry, i / channels, t);
                sum += (input < 0 ? padding : source[(input * channels) + c]) * weights[(t * channels) + c];
            }

            Store(epilogue, sum, c, destination, i);
        }
    }

    /// <inheritdoc/>
    public override void MaxPoolByte(in ConvolutionGeometry geometry, ReadOnlySpan<byte> source, Span<byte> destination, int rowBegin, int rowEnd)
    {
        int channels = geometry.InChannels;
        (int begin, int end) = PlainWindow.RowPixels(geometry, rowBegin, rowEnd);
        for (int i = begin * channels; i < end * channels; i++)
        {
            byte best = 0;
            for (int t = 0; t < geometry.Taps; t++)
            {
                int input = PlainWindow.InputPixel(geometry, i / channels, t);
                best = input < 0 ? best : Math.Max(best, source[(input * channels) + (i % channels)]);
            }

            destination[i] = best;
        }
    }

    /// <inheritdoc/>
    public override void MaxPoolWide(in ConvolutionGeometry geometry, short smallest, ReadOnlySpan<short> source, Span<short> destination, int rowBegin, int rowEnd)
    {
        int channels = geometry.InChannels;
        (int begin, int end) = PlainWindow.RowPixels(geometry, rowBegin, rowEnd);
        for (int i = begin * channels; i < end * channels; i++)
        {
            short best = smallest;
            for (int t = 0; t < geometry.Taps; t++)
            {
                int input = PlainWindow.InputPixel(geometry, i / channels, t);
                best = input < 0 ? best : Math.Max(best, source[(input * channels) + (i % channels)]);
            }

            destination[i] = best;
        }
    }

    /// <inheritdoc/>
    public override void MaxPoolFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> source, Span<float> destination, int rowBegin, int rowEnd)
    {
        int channels = geometry.InChannels;
        (int begin, int end) = PlainWindow.RowPixels(geometry, rowBegin, rowEnd);
        for (int i = begin * channels; i < end * channels; i++)
        {
            float best = float.NegativeInfinity;
            bool first = true;
            for (int t = 0; t < geometry.Taps; t++)
            {
                int input = PlainWindow.InputPixel(geometry, i / channels, t);
                if (input >= 0)
                {
                    float value = source[(input * channels) + (i % channels)];
                    best = first || value > best ? value : best;
                    first = false;
                }
            }

            destination[i] = best;
        }
    }

    /// <inheritdoc/>
    public override void AveragePoolByte(
        in ConvolutionGeometry geometry,
        bool countPadding,
        ReadOnlySpan<byte> source,
        int inputZeroPoint,
        float multiplier,
        int zeroPoint,
        int minimum,
        int maximum,
        Span<byte> destination,
        int rowBegin,
        int rowEnd)
    {
        int channels = geometry.InChannels;
        (int begin, int end) = PlainWindow.RowPixels(geometry, rowBegin, rowEnd);
        for (int i = begin * channels; i < end * channels; i++)
        {
            int sum = 0;
            int count = 0;
            for (int t = 0; t < geometry.Taps; t++)
            {
                int input = PlainWindow.InputPixel(geometry, i / channels, t);
                sum += input < 0 ? 0 : source[(input * channels) + (i % channels)] - inputZeroPoint;
                count += input >= 0 || countPadding ? 1 : 0;
            }

            float scale = multiplier / count;
            destination[i] = (byte)Requantization.Finish((float)sum * scale, zeroPoint, minimum, maximum);
        }
    }

    /// <inheritdoc/>
    public override void AveragePoolFloat(in ConvolutionGeometry geometry, bool countPadding, ReadOnlySpan<float> source, Span<float> destination, int rowBegin, int rowEnd)
    {
        int channels = geometry.InChannels;
        (int begin, int end) = PlainWindow.RowPixels(geometry, rowBegin, rowEnd);
        for (int i = begin * channels; i < end * channels; i++)
        {
            float sum = 0;
            int count = 0;
            for (int t = 0; t < geometry.Taps; t++)
            {
                int input = PlainWindow.InputPixel(geometry, i / channels, t);
                sum = input < 0 ? sum : sum + source[(input * channels) + (i % channels)];
                count += input >= 0 || countPadding ? 1 : 0;
            }

            destination[i] = sum / count;
        }
    }

    /// <inheritdoc/>
    public override void GlobalAverageFloat(int batch, int pixels, int channels, ReadOnlySpan<float> source, Span<float> destination)
    {
        Span<float> lanes = stackalloc float[16];
        for (int i = 0; i < batch * channels; i++)
        {
            lanes.Clear();
            for (int p = 0; p < pixels; p++)
            {
                lanes[p % 16] += source[((((i / channels) * pixels) + p) * channels) + (i % channels)];
            }

            for (int half = 8; half > 0; half /= 2)
            {
                for (int j = 0; j < half; j++)
                {
                    lanes[j] += lanes[j + half];
                }
            }

            destination[i] = lanes[0] / pixels;
        }
    }
}
