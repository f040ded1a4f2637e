using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <content>
/// Layers over codes of 1 or 2 bits that lie as bit planes (<see cref="PlaneLayout"/>):
/// <code>
/// acc = Bias[c] + Σ value(x) · value(w)    exact, int32, over the taps inside the image; a tap in padding contributes 0 or reads PaddingCode
/// </code>
/// then the epilogue. value is that of <see cref="PlaneGeometry.ValueOf"/>. A dense layer is a 1x1 convolution.
/// </content>
public abstract partial class KernelSet
{
    /// <summary>
    /// Packs weight codes given as [OutChannels][KernelDepth][KernelHeight][KernelWidth][GroupInChannels], each in <see cref="PlaneGeometry.CodesOf"/> of its kind:
    /// indices for <see cref="PlaneKind.MidRise"/> and <see cref="PlaneKind.Unsigned"/>, the integers themselves for the other two.
    /// </summary>
    public abstract PackedWeights PackConvolutionPlanes(in PlaneGeometry geometry, ReadOnlySpan<sbyte> weights);

    /// <summary>Number of independent tiles of this layer.</summary>
    public abstract int CountConvolutionPlanesTiles(in PlaneGeometry geometry);

    /// <summary>The layer.</summary>
    /// <param name="geometry">Sizes and kinds.</param>
    /// <param name="source">Planes of the source.</param>
    /// <param name="weights">From <see cref="PackConvolutionPlanes"/> of this set with the same kinds, bits, channels, kernel and groups.</param>
    /// <param name="epilogue">What follows the products.</param>
    /// <param name="destination">Output bytes, channels last: values of <see cref="IntegerEpilogue.Output"/>, or codes as the thresholds say.</param>
    /// <param name="tileBegin">First tile.</param>
    /// <param name="tileEnd">Behind the last tile.</param>
    public abstract void ConvolutionPlanes(
        in PlaneGeometry geometry,
        ReadOnlySpan<uint> source,
        PackedWeights weights,
        in PlaneEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd);

    /// <summary>Codes [pixels][channels], one a byte, to planes of <paramref name="bits"/> bits (1 or 2); higher bits of a byte are dropped.</summary>
    public abstract void PackPlanes(int pixels, int channels, int bits, ReadOnlySpan<byte> codes, Span<uint> planes);

    /// <summary>Planes to codes [pixels][channels], one a byte.</summary>
    public abstract void UnpackPlanes(int pixels, int channels, int bits, ReadOnlySpan<uint> planes, Span<byte> codes);

    /// <summary>Floats [pixels][channels] to codes, as bytes or as planes. Binary signs: one threshold of 0, one bit.</summary>
    public abstract void ThresholdFloat(int pixels, int channels, ReadOnlySpan<float> source, in ThresholdTable<float> thresholds, Span<byte> destination);

    /// <summary>Integers [pixels][channels] to codes, as bytes or as planes.</summary>
    public abstract void ThresholdInt32(int pixels, int channels, ReadOnlySpan<int> source, in ThresholdTable<int> thresholds, Span<byte> destination);

    /// <summary>
    /// Largest code of each window, taps in padding skipped (a window of padding only gives 0); InChannels = OutChannels. A tile is one output row.
    /// </summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="bits">Bits of a code, 1 or 2.</param>
    /// <param name="source">Planes of the source.</param>
    /// <param name="destination">Planes of the output.</param>
    /// <param name="rowBegin">First row.</param>
    /// <param name="rowEnd">Behind the last row.</param>
    public abstract void MaxPoolPlanes(
        in ConvolutionGeometry geometry,
        int bits,
        ReadOnlySpan<uint> source,
        Span<uint> destination,
        int rowBegin,
        int rowEnd);
}
