using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <summary>
/// Every operation of <see cref="KernelSet"/> as the plain loop of its contract, to which all other sets are held bit
/// for bit. A tile of a convolution is one output pixel; weights are packed by copying.
/// </summary>
public sealed partial class PlainKernels : KernelSet
{
    private const string FloatLayout = "plain/f32";
    private const string ByteLayout = "plain/s8";

    /// <inheritdoc/>
    public override string Name => "plain";

    /// <inheritdoc/>
    public override string Description => "plain loops for tests";

    /// <inheritdoc/>
    public override PackedWeights NewConvolutionFloat(in ConvolutionGeometry geometry) => new((long)geometry.OutChannels * geometry.Depth * sizeof(float), FloatLayout);

    /// <inheritdoc/>
    public override void FillConvolutionFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
        => Fill(geometry, weights, axes, packed.Span<float>(), part, parts);

    /// <inheritdoc/>
    public override PackedWeights NewConvolutionByte(in ConvolutionGeometry geometry) => new((long)geometry.OutChannels * geometry.Depth, ByteLayout);

    /// <inheritdoc/>
    public override void FillConvolutionByte(in ConvolutionGeometry geometry, ReadOnlySpan<sbyte> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
        => Fill(geometry, weights, axes, packed.Span<sbyte>(), part, parts);

    /// <inheritdoc/>
    public override int CountConvolutionFloatTiles(in ConvolutionGeometry geometry) => geometry.OutPixels;

    /// <inheritdoc/>
    public override int CountConvolutionByteTiles(in ConvolutionGeometry geometry) => geometry.OutPixels;

    /// <inheritdoc/>
    public override void ConvolutionFloat(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        PackedWeights weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int tileBegin,
        int tileEnd)
    {
        ReadOnlySpan<float> w = weights.Span<float>();
        int depth = geometry.Depth;
        for (int p = tileBegin; p < tileEnd; p++)
        {
            for (int o = 0; o < geometry.OutChannels; o++)
            {
                float sum = FloatChain(geometry, source, w.Slice(o * depth, depth), p, o / geometry.GroupOutChannels);
                destination[(p * geometry.OutChannels) + o] = Clamp(sum + bias[o], low, high);
            }
        }
    }

    /// <inheritdoc/>
    public override void ConvolutionByte(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<byte> source,
        byte padding,
        PackedWeights weights,
        in IntegerEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd)
    {
        ReadOnlySpan<sbyte> w = weights.Span<sbyte>();
        int depth = geometry.Depth;
        for (int p = tileBegin; p < tileEnd; p++)
        {
            for (int o = 0; o < geometry.OutChannels; o++)
            {
                int sum = ByteSum(geometry, source, padding, w.Slice(o * depth, depth), p, o / geometry.GroupOutChannels);
                Store(epilogue, sum, o, destination, (p * geometry.OutChannels) + o);
            }
        }
    }

    private static float FloatChain(in ConvolutionGeometry g, ReadOnlySpan<float> source, ReadOnlySpan<float> weights, int pixel, int group)
    {
        float sum = 0;
        int channels = g.GroupInChannels;
        for (int t = 0; t < g.Taps; t++)
        {
            int input = PlainWindow.InputPixel(g, pixel, t);
            for (int c = 0; input >= 0 && c < channels; c++)
            {
                sum = MathF.FusedMultiplyAdd(source[(input * g.InChannels) + (group * channels) + c], weights[(t * channels) + c], sum);
            }
        }

        return sum;
    }

    private static int ByteSum(in ConvolutionGeometry g, ReadOnlySpan<byte> source, byte padding, ReadOnlySpan<sbyte> weights, int pixel, int group)
    {
        int sum = 0;
        int channels = g.GroupInChannels;
        for (int t = 0; t < g.Taps; t++)
        {
            int input = PlainWindow.InputPixel(g, pixel, t);
            for (int c = 0; c < channels; c++)
            {
                int x = input < 0 ? padding : source[(input * g.InChannels) + (group * channels) + c];
                sum += x * weights[(t * channels) + c];
            }
        }

        return sum;
    }

    private static void Store(in IntegerEpilogue e, int sum, int channel, Span<byte> destination, int index)
    {
        sum += e.Bias[channel];
        if (e.Output == AccumulatorOutput.Int32)
        {
            BitConverter.TryWriteBytes(destination[(index * sizeof(int))..], sum);
            return;
        }

        float multiplier = e.Multipliers[channel];
        float offset = e.Offsets[channel];
        if (e.Output == AccumulatorOutput.Float32)
        {
            float product = (float)sum * multiplier;
            BitConverter.TryWriteBytes(destination[(index * sizeof(float))..], Clamp(product + offset, e.Low, e.High));
            return;
        }

        int code = Requantization.Apply(sum, multiplier, offset, e.ZeroPoint, e.Minimum, e.Maximum);
        if (e.Output == AccumulatorOutput.Int16)
        {
            BitConverter.TryWriteBytes(destination[(index * sizeof(short))..], (short)code);
        }
        else
        {
            destination[index] = (byte)code;
        }
    }

    private static float Clamp(float y, float low, float high) => y < low ? low : y > high ? high : y;

    private static void Fill<T>(in ConvolutionGeometry g, ReadOnlySpan<T> weights, WeightAxes axes, Span<T> packed, int part, int parts)
    {
        for (int i = part; i < g.OutChannels * g.Depth; i += parts)
        {
            (int tap, int channel) = (i % g.Depth / g.GroupInChannels, i % g.GroupInChannels);
            packed[i] = weights[axes == WeightAxes.TapsFirst ? i : (i / g.Depth * g.Depth) + (channel * g.Taps) + tap];
        }
    }
}
