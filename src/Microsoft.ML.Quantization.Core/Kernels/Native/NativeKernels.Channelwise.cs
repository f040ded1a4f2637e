using System;
using Microsoft.ML.Quantization.Kernels.Managed;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <content>Depthwise convolution, pooling of codes and element-wise kernels.</content>
internal sealed unsafe partial class NativeKernels
{
    // Taps of a window that the native pool of floats holds.
    private const int MostTaps = 64;

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
        CheckRows(in geometry, source.Length, rowBegin, rowEnd);
        KernelCheck.AtLeast(weights.Length, (long)geometry.Taps * geometry.InChannels, nameof(weights));
        KernelCheck.AtLeast(bias.Length, geometry.OutChannels, nameof(bias));
        KernelCheck.AtLeast(destination.Length, geometry.OutLength, nameof(destination));
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (float* x = source, w = weights, b = bias, y = destination)
        {
            _table.DepthwiseFloat(g, x, w, b, low, high, y, rowBegin, rowEnd);
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
        CheckRows(in geometry, source.Length, rowBegin, rowEnd);
        KernelCheck.AtLeast(weights.Length, (long)geometry.Taps * geometry.InChannels, nameof(weights));
        KernelCheck.Epilogue(in epilogue, in geometry, destination.Length);
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (byte* x = source, y = destination)
        fixed (sbyte* w = weights)
        fixed (int* bias = epilogue.Bias)
        fixed (float* multipliers = epilogue.Multipliers, offsets = epilogue.Offsets)
        {
            NativeEpilogue native = NativeEpilogue.Of(in epilogue, bias, multipliers, offsets);
            _table.DepthwiseByte(g, x, padding, w, &native, y, rowBegin, rowEnd);
        }
    }

    /// <inheritdoc/>
    public override void MaxPoolByte(in ConvolutionGeometry geometry, ReadOnlySpan<byte> source, Span<byte> destination, int rowBegin, int rowEnd)
    {
        CheckRows(in geometry, source.Length, rowBegin, rowEnd);
        KernelCheck.AtLeast(destination.Length, geometry.OutLength, nameof(destination));
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (byte* x = source, y = destination)
        {
            _table.MaxPoolByte(g, x, y, rowBegin, rowEnd);
        }
    }

    /// <inheritdoc/>
    public override void MaxPoolFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> source, Span<float> destination, int rowBegin, int rowEnd)
    {
        if (geometry.Taps > MostTaps)
        {
            base.MaxPoolFloat(in geometry, source, destination, rowBegin, rowEnd);
            return;
        }

        CheckRows(in geometry, source.Length, rowBegin, rowEnd);
        KernelCheck.AtLeast(destination.Length, geometry.OutLength, nameof(destination));
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (float* x = source, y = destination)
        {
            _table.MaxPoolFloat(g, x, y, rowBegin, rowEnd);
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
        CheckRows(in geometry, source.Length, rowBegin, rowEnd);
        KernelCheck.AtLeast(destination.Length, geometry.OutLength, nameof(destination));
        NativeAverage average = new()
        {
            Multiplier = multiplier,
            CountPadding = countPadding ? 1 : 0,
            InputZeroPoint = inputZeroPoint,
            ZeroPoint = zeroPoint,
            Minimum = minimum,
            Maximum = maximum,
        };
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (byte* x = source, y = destination)
        {
            _table.AveragePoolByte(g, &average, x, y, rowBegin, rowEnd);
        }
    }

    /// <inheritdoc/>
    public override void QuantizeFloat(ReadOnlySpan<float> source, float scale, int zeroPoint, int minimum, int maximum, Span<byte> destination)
    {
        KernelCheck.AtLeast(destination.Length, source.Length, nameof(destination));
        fixed (float* x = source)
        fixed (byte* y = destination)
        {
            _table.QuantizeFloat(x, source.Length, scale, zeroPoint, minimum, maximum, y);
        }
    }

    /// <inheritdoc/>
    public override void DequantizeByte(ReadOnlySpan<byte> source, float scale, int zeroPoint, Span<float> destination)
    {
        KernelCheck.AtLeast(destination.Length, source.Length, nameof(destination));
        fixed (byte* x = source)
        fixed (float* y = destination)
        {
            _table.DequantizeByte(x, source.Length, scale, zeroPoint, y);
        }
    }

    /// <inheritdoc/>
    public override void AddByte(
        ReadOnlySpan<byte> left,
        int leftZeroPoint,
        float leftMultiplier,
        ReadOnlySpan<byte> right,
        int rightZeroPoint,
        float rightMultiplier,
        int zeroPoint,
        int minimum,
        int maximum,
        Span<byte> destination)
    {
        KernelCheck.AtLeast(right.Length, left.Length, nameof(right));
        KernelCheck.AtLeast(destination.Length, left.Length, nameof(destination));
        NativeAdd add = new()
        {
            LeftMultiplier = leftMultiplier,
            RightMultiplier = rightMultiplier,
            LeftZeroPoint = leftZeroPoint,
            RightZeroPoint = rightZeroPoint,
            ZeroPoint = zeroPoint,
            Minimum = minimum,
            Maximum = maximum,
        };
        fixed (byte* a = left, b = right, y = destination)
        {
            _table.AddByte(a, b, left.Length, &add, y);
        }
    }

    private static void CheckRows(in ConvolutionGeometry geometry, int sourceLength, int rowBegin, int rowEnd)
    {
        NativeCheck.Channelwise(in geometry);
        KernelCheck.AtLeast(sourceLength, geometry.InLength, "source");
        KernelCheck.Tiles(rowBegin, rowEnd, (long)geometry.Batch * geometry.OutDepth * geometry.OutHeight);
    }
}
