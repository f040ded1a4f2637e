using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <content>Element-wise kernels over flat spans; spans of one call have equal lengths.</content>
public abstract partial class KernelSet
{
    /// <summary>Entry: <see cref="Numerics.Requantization.Quantize"/> of each value into [minimum, maximum] ⊆ [0, 255].</summary>
    public abstract void QuantizeFloat(ReadOnlySpan<float> source, float scale, int zeroPoint, int minimum, int maximum, Span<byte> destination);

    /// <summary>Exit: fl(float(code − zeroPoint) · scale).</summary>
    public abstract void DequantizeByte(ReadOnlySpan<byte> source, float scale, int zeroPoint, Span<float> destination);

    /// <summary>destination[i] = table[source[i]]; the table has 256 entries.</summary>
    public abstract void TranslateByte(ReadOnlySpan<byte> source, ReadOnlySpan<byte> table, Span<byte> destination);

    /// <summary>Residual add of codes: <see cref="Numerics.Requantization.Add"/> with a = left − leftZeroPoint, b = right − rightZeroPoint.</summary>
    public abstract void AddByte(
        ReadOnlySpan<byte> left,
        int leftZeroPoint,
        float leftMultiplier,
        ReadOnlySpan<byte> right,
        int rightZeroPoint,
        float rightMultiplier,
        int zeroPoint,
        int minimum,
        int maximum,
        Span<byte> destination);

    /// <summary>fl(left + right), then clamp as in <see cref="ConvolutionFloat"/>.</summary>
    public abstract void AddFloat(ReadOnlySpan<float> left, ReadOnlySpan<float> right, float low, float high, Span<float> destination);

    /// <summary>y = x &lt; low ? low : x &gt; high ? high : x (NaN passes).</summary>
    public abstract void ClampFloat(ReadOnlySpan<float> source, float low, float high, Span<float> destination);
}
