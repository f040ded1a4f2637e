using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// All kernels of one implementation (managed, AVX2, AVX-512 VNNI, ...). Every set gives the same bytes for the same call, floats
/// included. Kernels know spans, sizes and small parameter structs; they know no graph and never start threads: a call
/// does the tiles [tileBegin, tileEnd) of its work, and the caller shares the tiles out. Tiles are independent, and
/// the split never changes a bit. Data are channels-last. Lengths are checked before any pointer is used.
/// </summary>
public abstract partial class KernelSet
{
    /// <summary>The name by which <c>MLQ_KERNELS</c> forces this set, for example <c>managed</c> or <c>avx2</c>.</summary>
    public abstract string Name { get; }

    /// <summary>One line for people: instructions used and why this set is available.</summary>
    public abstract string Description { get; }

    /// <summary>Number of independent tiles of this convolution.</summary>
    public abstract int CountConvolutionFloatTiles(in ConvolutionGeometry geometry);

    /// <summary>
    /// Float convolution. Each output is one chain acc = fma(x, w, acc) from +0 in the order (kd, kh, kw, c), taps in padding
    /// skipped, then acc + bias, then clamp: y &lt; low ? low : y &gt; high ? high : y (NaN passes).
    /// </summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="source">Input, channels last.</param>
    /// <param name="weights">From <see cref="PackConvolutionFloat"/> of this set with the same channels, kernel and groups.</param>
    /// <param name="bias">OutChannels values; zeros where the layer has none.</param>
    /// <param name="low">Lower clamp, −∞ for none.</param>
    /// <param name="high">Upper clamp, +∞ for none.</param>
    /// <param name="destination">Output, channels last.</param>
    /// <param name="tileBegin">First tile.</param>
    /// <param name="tileEnd">Behind the last tile.</param>
    public abstract void ConvolutionFloat(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        PackedWeights weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int tileBegin,
        int tileEnd);

    /// <summary>Number of independent tiles of this convolution.</summary>
    public abstract int CountConvolutionByteTiles(in ConvolutionGeometry geometry);

    /// <summary>
    /// Integer convolution of unsigned byte codes with signed byte weights, exact in int32 (the caller has proved the bound):
    /// accumulator = Bias[c] + Σ x·w, where a tap in padding reads <paramref name="padding"/> (the input's zero point); then the epilogue.
    /// </summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="source">Codes, channels last.</param>
    /// <param name="padding">The code read in padding.</param>
    /// <param name="weights">From <see cref="PackConvolutionByte"/> or <see cref="PackConvolutionCodebook"/> of this set.</param>
    /// <param name="epilogue">What follows the products.</param>
    /// <param name="destination">Output bytes, channels last, in the element type of <see cref="IntegerEpilogue.Output"/>.</param>
    /// <param name="tileBegin">First tile.</param>
    /// <param name="tileEnd">Behind the last tile.</param>
    public abstract void ConvolutionByte(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<byte> source,
        byte padding,
        PackedWeights weights,
        in IntegerEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd);
}
