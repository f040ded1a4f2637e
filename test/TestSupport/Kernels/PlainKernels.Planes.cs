using System;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <content>Layers over bit planes, as plain loops over single codes; a tile is one output pixel, weights are packed by copying.</content>
public sealed partial class PlainKernels
{
    private const string PlanesLayout = "plain/planes";

    /// <summary>The code of one channel of one pixel.</summary>
    public static int PlaneCode(ReadOnlySpan<uint> planes, int channels, int bits, int pixel, int channel)
    {
        int words = (channels + 31) / 32;
        int code = 0;
        for (int plane = 0; plane < bits; plane++)
        {
            uint word = planes[(((pixel * bits) + plane) * words) + (channel / 32)];
            code |= (int)((word >> (channel % 32)) & 1) << plane;
        }

        return code;
    }

    /// <inheritdoc/>
    public override PackedWeights PackConvolutionPlanes(in PlaneGeometry geometry, ReadOnlySpan<sbyte> weights)
    {
        PackedWeights packed = new(weights.Length, PlanesLayout);
        weights.CopyTo(packed.Span<sbyte>());
        return packed;
    }

    /// <inheritdoc/>
    public override int CountConvolutionPlanesTiles(in PlaneGeometry geometry) => geometry.Convolution.OutPixels;

    /// <inheritdoc/>
    public override void ConvolutionPlanes(
        in PlaneGeometry geometry,
        ReadOnlySpan<uint> source,
        PackedWeights weights,
        in PlaneEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd)
    {
        ReadOnlySpan<sbyte> w = weights.Span<sbyte>();
        ConvolutionGeometry g = geometry.Convolution;
        byte[] codes = new byte[g.InLength];
        UnpackPlanes(codes.Length / g.InChannels, g.InChannels, geometry.SourceBits, source, codes);
        for (int p = tileBegin; p < tileEnd; p++)
        {
            ClearPlanes(epilogue.Thresholds, p, g.OutChannels, destination);
            for (int o = 0; o < g.OutChannels; o++)
            {
                int sum = PlaneSum(geometry, codes, w.Slice(o * g.Depth, g.Depth), p, o / g.GroupOutChannels);
                if (epilogue.Thresholds.Count == 0)
                {
                    Store(epilogue.Integer, sum, o, destination, (p * g.OutChannels) + o);
                }
                else
                {
                    StoreCode(epilogue.Thresholds, Code(epilogue.Thresholds, sum + epilogue.Integer.Bias[o], o, g.OutChannels), p, o, g.OutChannels, destination);
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void PackPlanes(int pixels, int channels, int bits, ReadOnlySpan<byte> codes, Span<uint> planes)
    {
        int words = (channels + 31) / 32;
        planes[..(pixels * bits * words)].Clear();
        for (int i = 0; i < pixels * channels; i++)
        {
            for (int plane = 0; plane < bits; plane++)
            {
                planes[((((i / channels) * bits) + plane) * words) + (i % channels / 32)] |= ((uint)codes[i] >> plane & 1) << (i % channels % 32);
            }
        }
    }

    /// <inheritdoc/>
    public override void UnpackPlanes(int pixels, int channels, int bits, ReadOnlySpan<uint> planes, Span<byte> codes)
    {
        for (int i = 0; i < pixels * channels; i++)
        {
            codes[i] = (byte)PlaneCode(planes, channels, bits, i / channels, i % channels);
        }
    }

    /// <inheritdoc/>
    public override void ThresholdFloat(int pixels, int channels, ReadOnlySpan<float> source, in ThresholdTable<float> thresholds, Span<byte> destination)
    {
        for (int i = 0; i < pixels * channels; i++)
        {
            if (i % channels == 0)
            {
                ClearPlanes(thresholds, i / channels, channels, destination);
            }

            int code = 0;
            for (int t = 0; t < thresholds.Count; t++)
            {
                float threshold = thresholds.Values[(t * channels) + (i % channels)];
                code += (Falls(thresholds.Directions, i % channels) ? source[i] <= threshold : source[i] >= threshold) ? 1 : 0;
            }

            StoreCode(thresholds, code, i / channels, i % channels, channels, destination);
        }
    }

    /// <inheritdoc/>
    public override void ThresholdInt32(int pixels, int channels, ReadOnlySpan<int> source, in ThresholdTable<int> thresholds, Span<byte> destination)
    {
        for (int i = 0; i < pixels * channels; i++)
        {
            if (i % channels == 0)
            {
                ClearPlanes(thresholds, i / channels, channels, destination);
            }

            StoreCode(thresholds, Code(thresholds, source[i], i % channels, channels), i / channels, i % channels, channels, destination);
        }
    }

    /// <inheritdoc/>
    public override void MaxPoolPlanes(
        in ConvolutionGeometry geometry,
        int bits,
        ReadOnlySpan<uint> source,
        Span<uint> destination,
        int rowBegin,
        int rowEnd)
    {
        int channels = geometry.InChannels;
        (int begin, int end) = PlainWindow.RowPixels(geometry, rowBegin, rowEnd);
        byte[] codes = new byte[channels];
        int words = bits * ((channels + 31) / 32);
        for (int pixel = begin; pixel < end; pixel++)
        {
            for (int c = 0; c < channels; c++)
            {
                int best = 0;
                for (int t = 0; t < geometry.Taps; t++)
                {
                    int input = PlainWindow.InputPixel(geometry, pixel, t);
                    best = input < 0 ? best : Math.Max(best, PlaneCode(source, channels, bits, input, c));
                }

                codes[c] = (byte)best;
            }

            PackPlanes(1, channels, bits, codes, destination.Slice(pixel * words, words));
        }
    }

    private static int PlaneSum(in PlaneGeometry geometry, ReadOnlySpan<byte> source, ReadOnlySpan<sbyte> weights, int pixel, int group)
    {
        ConvolutionGeometry g = geometry.Convolution;
        int channels = g.GroupInChannels;
        int sum = 0;
        for (int t = 0; t < g.Taps; t++)
        {
            int input = PlainWindow.InputPixel(g, pixel, t);
            for (int c = 0; c < channels; c++)
            {
                int code = input < 0 ? geometry.PaddingCode : source[(input * g.InChannels) + (group * channels) + c];
                int value = code < 0 ? 0 : PlaneGeometry.ValueOf(geometry.SourceKind, geometry.SourceBits, code);
                sum += value * PlaneGeometry.ValueOf(geometry.WeightKind, geometry.WeightBits, weights[(t * channels) + c]);
            }
        }

        return sum;
    }

    private static bool Falls(ReadOnlySpan<int> directions, int channel) => !directions.IsEmpty && directions[channel] < 0;

    private static int Code(in ThresholdTable<int> thresholds, int sum, int channel, int channels)
    {
        int code = 0;
        for (int t = 0; t < thresholds.Count; t++)
        {
            int threshold = thresholds.Values[(t * channels) + channel];
            code += (Falls(thresholds.Directions, channel) ? sum <= threshold : sum >= threshold) ? 1 : 0;
        }

        return code;
    }

    private static void ClearPlanes<T>(in ThresholdTable<T> thresholds, int pixel, int channels, Span<byte> destination)
        where T : unmanaged
    {
        int bytes = thresholds.PlaneBits * ((channels + 31) / 32) * sizeof(uint);
        destination.Slice(pixel * bytes, bytes).Clear();
    }

    private static void StoreCode<T>(in ThresholdTable<T> thresholds, int code, int pixel, int channel, int channels, Span<byte> destination)
        where T : unmanaged
    {
        if (thresholds.PlaneBits == 0)
        {
            destination[(pixel * channels) + channel] = (byte)code;
            return;
        }

        int words = (channels + 31) / 32;
        for (int plane = 0; plane < thresholds.PlaneBits; plane++)
        {
            int at = ((((pixel * thresholds.PlaneBits) + plane) * words * sizeof(uint)) + (channel / 8));
            destination[at] |= (byte)(((code >> plane) & 1) << (channel % 8));
        }
    }
}
