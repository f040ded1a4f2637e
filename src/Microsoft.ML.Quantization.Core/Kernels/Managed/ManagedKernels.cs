using System;
using System.Globalization;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// All kernels in C#, on any machine: vectors of 128, 256 or 512 bits, chosen when created. A width that the machine lacks runs, slower,
/// with the same bytes. A set in native code derives from this one and replaces what it does better.
/// </summary>
internal class ManagedKernels : KernelSet
{
    private readonly KernelSet _lanes;

    /// <summary>The set <c>managed</c>: the widest vectors that this machine has, and its instruction for products of bytes.</summary>
    public ManagedKernels()
    {
        const string Best = "managed";
        VectorBits = WidestHardwareBits;
        string description = string.Create(CultureInfo.InvariantCulture, $"C# with vectors of {VectorBits} bits{(AvxVnni.IsSupported ? ", products of bytes by AVX-VNNI" : string.Empty)}; always available.");
        _lanes = (VectorBits, AvxVnni.IsSupported) switch
        {
            (512, true) => new QuadKernels<Lanes512>(Best, description),
            (_, true) => new QuadKernels<Lanes256>(Best, description),
            _ => OfWidth(VectorBits, Best, description),
        };
    }

    /// <summary>The set <c>managed128</c>, <c>managed256</c> or <c>managed512</c>.</summary>
    public ManagedKernels(int vectorBits)
    {
        VectorBits = vectorBits;
        string state = IsAccelerated(vectorBits) ? "in hardware" : "emulated on this machine";
        string description = string.Create(CultureInfo.InvariantCulture, $"C# with vectors of {vectorBits} bits, {state}; always available.");
        _lanes = OfWidth(vectorBits, string.Create(CultureInfo.InvariantCulture, $"managed{vectorBits}"), description);
    }

    /// <summary>The widest vector width, in bits, that this machine runs in hardware; 128 where it has none.</summary>
    public static int WidestHardwareBits => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>The width of this set's vectors in bits.</summary>
    public int VectorBits { get; }

    /// <inheritdoc/>
    public override string Name => _lanes.Name;

    /// <inheritdoc/>
    public override string Description => _lanes.Description;

    /// <summary>Whether this machine has vectors of that width.</summary>
    public static bool IsAccelerated(int vectorBits) => vectorBits switch
    {
        128 => Vector128.IsHardwareAccelerated,
        256 => Vector256.IsHardwareAccelerated,
        _ => Vector512.IsHardwareAccelerated,
    };

    private static KernelSet OfWidth(int vectorBits, string name, string description) => vectorBits switch
    {
        128 => new LaneKernels<Lanes128>(name, description),
        256 => new LaneKernels<Lanes256>(name, description),
        512 => new LaneKernels<Lanes512>(name, description),
        _ => throw new ArgumentOutOfRangeException(nameof(vectorBits), vectorBits, "Vectors have 128, 256 or 512 bits."),
    };

    /// <inheritdoc/>
    public override PackedWeights NewConvolutionFloat(in ConvolutionGeometry geometry) => _lanes.NewConvolutionFloat(in geometry);

    /// <inheritdoc/>
    public override void FillConvolutionFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
        => _lanes.FillConvolutionFloat(in geometry, weights, axes, packed, part, parts);

    /// <inheritdoc/>
    public override void RepackMatrixFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> matrix, PackedWeights packed)
        => _lanes.RepackMatrixFloat(in geometry, matrix, packed);

    /// <inheritdoc/>
    public override int CountConvolutionFloatTiles(in ConvolutionGeometry geometry)
        => _lanes.CountConvolutionFloatTiles(in geometry);

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
        => _lanes.ConvolutionFloat(in geometry, source, weights, bias, low, high, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override PackedWeights NewConvolutionByte(in ConvolutionGeometry geometry) => _lanes.NewConvolutionByte(in geometry);

    /// <inheritdoc/>
    public override void FillConvolutionByte(in ConvolutionGeometry geometry, ReadOnlySpan<sbyte> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
        => _lanes.FillConvolutionByte(in geometry, weights, axes, packed, part, parts);

    /// <inheritdoc/>
    public override PackedWeights PackConvolutionCodebook(in ConvolutionGeometry geometry, ReadOnlySpan<byte> codes, ReadOnlySpan<sbyte> levels)
        => _lanes.PackConvolutionCodebook(in geometry, codes, levels);

    /// <inheritdoc/>
    public override int CountConvolutionByteTiles(in ConvolutionGeometry geometry)
        => _lanes.CountConvolutionByteTiles(in geometry);

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
        => _lanes.ConvolutionByte(in geometry, source, padding, weights, in epilogue, destination, tileBegin, tileEnd);

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
        => _lanes.DepthwiseFloat(in geometry, source, weights, bias, low, high, destination, rowBegin, rowEnd);

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
        => _lanes.DepthwiseByte(in geometry, source, padding, weights, in epilogue, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void MaxPoolByte(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<byte> source,
        Span<byte> destination,
        int rowBegin,
        int rowEnd)
        => _lanes.MaxPoolByte(in geometry, source, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void MaxPoolWide(in ConvolutionGeometry geometry, short smallest, ReadOnlySpan<short> source, Span<short> destination, int rowBegin, int rowEnd)
        => _lanes.MaxPoolWide(in geometry, smallest, source, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void MaxPoolFloat(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        Span<float> destination,
        int rowBegin,
        int rowEnd)
        => _lanes.MaxPoolFloat(in geometry, source, destination, rowBegin, rowEnd);

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
        => _lanes.AveragePoolByte(in geometry, countPadding, source, inputZeroPoint, multiplier, zeroPoint, minimum, maximum, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void AveragePoolFloat(
        in ConvolutionGeometry geometry,
        bool countPadding,
        ReadOnlySpan<float> source,
        Span<float> destination,
        int rowBegin,
        int rowEnd)
        => _lanes.AveragePoolFloat(in geometry, countPadding, source, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void GlobalAverageFloat(int batch, int pixels, int channels, ReadOnlySpan<float> source, Span<float> destination)
        => _lanes.GlobalAverageFloat(batch, pixels, channels, source, destination);

    /// <inheritdoc/>
    public override void QuantizeFloat(
        ReadOnlySpan<float> source,
        float scale,
        int zeroPoint,
        int minimum,
        int maximum,
        Span<byte> destination)
        => _lanes.QuantizeFloat(source, scale, zeroPoint, minimum, maximum, destination);

    /// <inheritdoc/>
    public override void DequantizeByte(ReadOnlySpan<byte> source, float scale, int zeroPoint, Span<float> destination)
        => _lanes.DequantizeByte(source, scale, zeroPoint, destination);

    /// <inheritdoc/>
    public override void TranslateByte(ReadOnlySpan<byte> source, ReadOnlySpan<byte> table, Span<byte> destination)
        => _lanes.TranslateByte(source, table, destination);

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
        => _lanes.AddByte(left, leftZeroPoint, leftMultiplier, right, rightZeroPoint, rightMultiplier, zeroPoint, minimum, maximum, destination);

    /// <inheritdoc/>
    public override void AddFloat(ReadOnlySpan<float> left, ReadOnlySpan<float> right, float low, float high, Span<float> destination)
        => _lanes.AddFloat(left, right, low, high, destination);

    /// <inheritdoc/>
    public override void ClampFloat(ReadOnlySpan<float> source, float low, float high, Span<float> destination)
        => _lanes.ClampFloat(source, low, high, destination);

    /// <inheritdoc/>
    public override void QuantizeRows(in GroupedGeometry geometry, ReadOnlySpan<float> source, Span<sbyte> codes, Span<int> sums, Span<float> scales, int rowBegin, int rowEnd)
        => _lanes.QuantizeRows(in geometry, source, codes, sums, scales, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override PackedWeights PackGroupedDense(in GroupedGeometry geometry, ReadOnlySpan<sbyte> weights, ReadOnlySpan<float> scales)
        => _lanes.PackGroupedDense(in geometry, weights, scales);

    /// <inheritdoc/>
    public override int CountGroupedDenseTiles(in GroupedGeometry geometry)
        => _lanes.CountGroupedDenseTiles(in geometry);

    /// <inheritdoc/>
    public override void GroupedDense(
        in GroupedGeometry geometry,
        ReadOnlySpan<sbyte> codes,
        ReadOnlySpan<int> sums,
        ReadOnlySpan<float> rowScales,
        PackedWeights weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int tileBegin,
        int tileEnd)
        => _lanes.GroupedDense(in geometry, codes, sums, rowScales, weights, bias, low, high, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override PackedWeights PackDenseNarrow(in NarrowGeometry geometry, ReadOnlySpan<sbyte> weights) => _lanes.PackDenseNarrow(in geometry, weights);

    /// <inheritdoc/>
    public override int CountDenseNarrowTiles(in NarrowGeometry geometry) => _lanes.CountDenseNarrowTiles(in geometry);

    /// <inheritdoc/>
    public override void DenseNarrow(in NarrowGeometry geometry, ReadOnlySpan<byte> source, PackedWeights weights, in IntegerEpilogue epilogue, Span<byte> destination, int tileBegin, int tileEnd)
        => _lanes.DenseNarrow(in geometry, source, weights, in epilogue, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override int CountGroupedDenseFloatTiles(in GroupedGeometry geometry)
        => _lanes.CountGroupedDenseFloatTiles(in geometry);

    /// <inheritdoc/>
    public override void GroupedDenseFloat(
        in GroupedGeometry geometry,
        ReadOnlySpan<float> source,
        PackedWeights weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int tileBegin,
        int tileEnd)
        => _lanes.GroupedDenseFloat(in geometry, source, weights, bias, low, high, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override PackedWeights PackConvolutionPlanes(in PlaneGeometry geometry, ReadOnlySpan<sbyte> weights) => _lanes.PackConvolutionPlanes(in geometry, weights);

    /// <inheritdoc/>
    public override int CountConvolutionPlanesTiles(in PlaneGeometry geometry) => _lanes.CountConvolutionPlanesTiles(in geometry);

    /// <inheritdoc/>
    public override void ConvolutionPlanes(
        in PlaneGeometry geometry,
        ReadOnlySpan<uint> source,
        PackedWeights weights,
        in PlaneEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd)
        => _lanes.ConvolutionPlanes(in geometry, source, weights, in epilogue, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override void PackPlanes(int pixels, int channels, int bits, ReadOnlySpan<byte> codes, Span<uint> planes) => _lanes.PackPlanes(pixels, channels, bits, codes, planes);

    /// <inheritdoc/>
    public override void UnpackPlanes(int pixels, int channels, int bits, ReadOnlySpan<uint> planes, Span<byte> codes) => _lanes.UnpackPlanes(pixels, channels, bits, planes, codes);

    /// <inheritdoc/>
    public override void ThresholdFloat(int pixels, int channels, ReadOnlySpan<float> source, in ThresholdTable<float> thresholds, Span<byte> destination)
        => _lanes.ThresholdFloat(pixels, channels, source, in thresholds, destination);

    /// <inheritdoc/>
    public override void ThresholdInt32(int pixels, int channels, ReadOnlySpan<int> source, in ThresholdTable<int> thresholds, Span<byte> destination)
        => _lanes.ThresholdInt32(pixels, channels, source, in thresholds, destination);

    /// <inheritdoc/>
    public override void MaxPoolPlanes(
        in ConvolutionGeometry geometry,
        int bits,
        ReadOnlySpan<uint> source,
        Span<uint> destination,
        int rowBegin,
        int rowEnd)
        => _lanes.MaxPoolPlanes(in geometry, bits, source, destination, rowBegin, rowEnd);
}
