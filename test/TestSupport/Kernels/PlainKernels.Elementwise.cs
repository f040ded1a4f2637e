using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <content>Element-wise operations.</content>
public sealed partial class PlainKernels
{
    /// <inheritdoc/>
    public override void QuantizeFloat(ReadOnlySpan<float> source, float scale, int zeroPoint, int minimum, int maximum, Span<byte> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = (byte)Requantization.Quantize(source[i], scale, zeroPoint, minimum, maximum);
        }
    }

    /// <inheritdoc/>
    public override void DequantizeByte(ReadOnlySpan<byte> source, float scale, int zeroPoint, Span<float> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = Requantization.Dequantize(source[i], scale, zeroPoint);
        }
    }

    /// <inheritdoc/>
    public override void TranslateByte(ReadOnlySpan<byte> source, ReadOnlySpan<byte> table, Span<byte> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = table[source[i]];
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
        for (int i = 0; i < left.Length; i++)
        {
            destination[i] = (byte)Requantization.Add(
                left[i] - leftZeroPoint, leftMultiplier, right[i] - rightZeroPoint, rightMultiplier, zeroPoint, minimum, maximum);
        }
    }

    /// <inheritdoc/>
    public override void AddFloat(ReadOnlySpan<float> left, ReadOnlySpan<float> right, float low, float high, Span<float> destination)
    {
        for (int i = 0; i < left.Length; i++)
        {
            destination[i] = Clamp(left[i] + right[i], low, high);
        }
    }

    /// <inheritdoc/>
    public override void ClampFloat(ReadOnlySpan<float> source, float low, float high, Span<float> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = Clamp(source[i], low, high);
        }
    }
}
