using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <content>Depthwise convolution and pooling: every output channel reads its own input channel. A tile is one output row
/// (Batch · OutDepth · OutHeight of them).</content>
public abstract partial class KernelSet
{
    /// <summary>Depthwise float convolution, the same chain, clamp and padding rule as <see cref="ConvolutionFloat"/>; weights are [Taps][Channels].</summary>
    public abstract void DepthwiseFloat(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int rowBegin,
        int rowEnd);

    /// <summary>Depthwise integer convolution, the same rule as <see cref="ConvolutionByte"/>; weights are [Taps][Channels].</summary>
    public abstract void DepthwiseByte(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<byte> source,
        byte padding,
        ReadOnlySpan<sbyte> weights,
        in IntegerEpilogue epilogue,
        Span<byte> destination,
        int rowBegin,
        int rowEnd);

    /// <summary>Largest code of each window; taps in padding are skipped (a window of padding only gives 0).</summary>
    public abstract void MaxPoolByte(in ConvolutionGeometry geometry, ReadOnlySpan<byte> source, Span<byte> destination, int rowBegin, int rowEnd);

    /// <summary>Largest 16-bit code of each window; taps in padding are skipped (a window of padding only gives <paramref name="smallest"/>).</summary>
    public abstract void MaxPoolWide(in ConvolutionGeometry geometry, short smallest, ReadOnlySpan<short> source, Span<short> destination, int rowBegin, int rowEnd);

    /// <summary>Largest value of each window: best = first tap; then v &gt; best ? v : best in tap order; padding skipped (padding only gives −∞).</summary>
    public abstract void MaxPoolFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> source, Span<float> destination, int rowBegin, int rowEnd);

    /// <summary>
    /// Mean of each window of codes: sum = Σ (x − inputZeroPoint) in int32 over the taps inside, n = taps inside (or, with
    /// <paramref name="countPadding"/>, inside the padded image), code = tail(fl(float(sum) · fl(multiplier / n))).
    /// </summary>
    public abstract void AveragePoolByte(
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
        int rowEnd);

    /// <summary>Mean of each window: sum in tap order from +0, then fl(sum / n); n as in <see cref="AveragePoolByte"/>.</summary>
    public abstract void AveragePoolFloat(in ConvolutionGeometry geometry, bool countPadding, ReadOnlySpan<float> source, Span<float> destination, int rowBegin, int rowEnd);

    /// <summary>
    /// Mean over all pixels of each image and channel: 16 strided lanes over the pixel index (pixel i into lane i mod 16, ascending,
    /// from +0), the tree 8-4-2-1 (lane j += lane j+8, then j+4, j+2, j+1), then fl(sum / pixels). [batch][pixels][channels] → [batch][channels].
    /// </summary>
    public abstract void GlobalAverageFloat(int batch, int pixels, int channels, ReadOnlySpan<float> source, Span<float> destination);
}
