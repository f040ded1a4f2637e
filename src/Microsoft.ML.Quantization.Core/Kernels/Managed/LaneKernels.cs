using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The managed kernels at one vector width.</summary>
internal class LaneKernels<TLanes>(string name, string description) : KernelSet
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    public override string Name { get; } = name;

    /// <inheritdoc/>
    public override string Description { get; } = description;

    /// <inheritdoc/>
    public override PackedWeights NewConvolutionFloat(in ConvolutionGeometry geometry) => FloatConvolution<TLanes>.New(geometry);

    /// <inheritdoc/>
    public override void FillConvolutionFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
        => FloatConvolution<TLanes>.Fill(geometry, weights, axes, packed, part, parts);

    /// <inheritdoc/>
    public override void RepackMatrixFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> matrix, PackedWeights packed)
        => FloatConvolution<TLanes>.RepackMatrix(geometry, matrix, packed);

    /// <inheritdoc/>
    public override int CountConvolutionFloatTiles(in ConvolutionGeometry geometry)
        => FloatConvolution<TLanes>.CountTiles(geometry);

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
        => FloatConvolution<TLanes>.Run(geometry, source, weights, bias, low, high, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override PackedWeights NewConvolutionByte(in ConvolutionGeometry geometry)
        => geometry.WeightBits == 7 ? ByteConvolution<TLanes, byte, SmallDot<TLanes>>.New(geometry) : ByteConvolution<TLanes, short, PairDot<TLanes>>.New(geometry);

    /// <inheritdoc/>
    public override void FillConvolutionByte(in ConvolutionGeometry geometry, ReadOnlySpan<sbyte> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
    {
        if (geometry.WeightBits == 7)
        {
            ByteConvolution<TLanes, byte, SmallDot<TLanes>>.Fill(geometry, weights, axes, packed, part, parts);
        }
        else
        {
            ByteConvolution<TLanes, short, PairDot<TLanes>>.Fill(geometry, weights, axes, packed, part, parts);
        }
    }

    /// <inheritdoc/>
    public override PackedWeights PackConvolutionCodebook(in ConvolutionGeometry geometry, ReadOnlySpan<byte> codes, ReadOnlySpan<sbyte> levels)
        => ByteConvolution<TLanes, short, PairDot<TLanes>>.PackCodes(geometry, codes, levels);

    /// <inheritdoc/>
    public override int CountConvolutionByteTiles(in ConvolutionGeometry geometry)
        => geometry.WeightBits == 7 ? ByteConvolution<TLanes, byte, SmallDot<TLanes>>.CountTiles(geometry) : ByteConvolution<TLanes, short, PairDot<TLanes>>.CountTiles(geometry);

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
        if (geometry.WeightBits == 7)
        {
            ByteConvolution<TLanes, byte, SmallDot<TLanes>>.Run(geometry, source, padding, weights, epilogue, destination, tileBegin, tileEnd);
        }
        else
        {
            ByteConvolution<TLanes, short, PairDot<TLanes>>.Run(geometry, source, padding, weights, epilogue, destination, tileBegin, tileEnd);
        }
    }

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
        => DepthwiseConvolution<TLanes>.Float(geometry, source, weights, bias, low, high, destination, rowBegin, rowEnd);

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
        => DepthwiseConvolution<TLanes>.Byte(geometry, source, padding, weights, epilogue, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void MaxPoolByte(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<byte> source,
        Span<byte> destination,
        int rowBegin,
        int rowEnd)
        => Pooling<TLanes>.MaxByte(geometry, source, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void MaxPoolWide(in ConvolutionGeometry geometry, short smallest, ReadOnlySpan<short> source, Span<short> destination, int rowBegin, int rowEnd)
        => WidePooling.Max(geometry, smallest, source, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void MaxPoolFloat(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        Span<float> destination,
        int rowBegin,
        int rowEnd)
        => Pooling<TLanes>.MaxFloat(geometry, source, destination, rowBegin, rowEnd);

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
        => Pooling<TLanes>.AverageByte(geometry, new MeanByteOf(countPadding, inputZeroPoint, multiplier, zeroPoint, minimum, maximum), source, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void AveragePoolFloat(
        in ConvolutionGeometry geometry,
        bool countPadding,
        ReadOnlySpan<float> source,
        Span<float> destination,
        int rowBegin,
        int rowEnd)
        => Pooling<TLanes>.AverageFloat(geometry, new MeanFloatOf(countPadding), source, destination, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override void GlobalAverageFloat(int batch, int pixels, int channels, ReadOnlySpan<float> source, Span<float> destination)
        => Pooling<TLanes>.GlobalAverage(batch, pixels, channels, source, destination);

    /// <inheritdoc/>
    public override void QuantizeFloat(
        ReadOnlySpan<float> source,
        float scale,
        int zeroPoint,
        int minimum,
        int maximum,
        Span<byte> destination)
        => CodeElementwise<TLanes>.Quantize(source, scale, zeroPoint, minimum, maximum, destination);

    /// <inheritdoc/>
    public override void DequantizeByte(ReadOnlySpan<byte> source, float scale, int zeroPoint, Span<float> destination)
        => CodeElementwise<TLanes>.Dequantize(source, scale, zeroPoint, destination);

    /// <inheritdoc/>
    public override void TranslateByte(ReadOnlySpan<byte> source, ReadOnlySpan<byte> table, Span<byte> destination)
        => CodeElementwise<TLanes>.Translate(source, table, destination);

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
        => CodeElementwise<TLanes>.Add(new CodeTerm(left, leftZeroPoint, leftMultiplier), new CodeTerm(right, rightZeroPoint, rightMultiplier), zeroPoint, minimum, maximum, destination);

    /// <inheritdoc/>
    public override void AddFloat(ReadOnlySpan<float> left, ReadOnlySpan<float> right, float low, float high, Span<float> destination)
        => CodeElementwise<TLanes>.AddFloat(left, right, low, high, destination);

    /// <inheritdoc/>
    public override void ClampFloat(ReadOnlySpan<float> source, float low, float high, Span<float> destination)
        => CodeElementwise<TLanes>.Clamp(source, low, high, destination);

    /// <inheritdoc/>
    public override void QuantizeRows(in GroupedGeometry geometry, ReadOnlySpan<float> source, Span<sbyte> codes, Span<int> sums, Span<float> scales, int rowBegin, int rowEnd)
        => RowCodes.Quantize(in geometry, source, codes, sums, scales, rowBegin, rowEnd);

    /// <inheritdoc/>
    public override PackedWeights PackGroupedDense(in GroupedGeometry geometry, ReadOnlySpan<sbyte> weights, ReadOnlySpan<float> scales)
        => Managed.GroupedDense<TLanes>.Pack(in geometry, weights, scales);

    /// <inheritdoc/>
    public override int CountGroupedDenseTiles(in GroupedGeometry geometry)
        => Managed.GroupedDense<TLanes>.CountTiles(in geometry);

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
        => Managed.GroupedDense<TLanes>.Run(in geometry, codes, sums, rowScales, weights, bias, low, high, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override PackedWeights PackDenseNarrow(in NarrowGeometry geometry, ReadOnlySpan<sbyte> weights) => NarrowWeights.Pack(in geometry, weights);

    /// <inheritdoc/>
    public override int CountDenseNarrowTiles(in NarrowGeometry geometry) => NarrowDense.CountTiles(in geometry);

    /// <inheritdoc/>
    public override void DenseNarrow(in NarrowGeometry geometry, ReadOnlySpan<byte> source, PackedWeights weights, in IntegerEpilogue epilogue, Span<byte> destination, int tileBegin, int tileEnd)
        => NarrowDense.Run(default(NarrowProducts<TLanes>), in geometry, source, weights, in epilogue, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override int CountGroupedDenseFloatTiles(in GroupedGeometry geometry)
        => Managed.GroupedDense<TLanes>.CountTiles(in geometry);

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
        => Managed.GroupedDense<TLanes>.RunFloats(in geometry, source, weights, bias, low, high, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override PackedWeights PackConvolutionPlanes(in PlaneGeometry geometry, ReadOnlySpan<sbyte> weights) => PlaneWeights.Pack(in geometry, weights);

    /// <inheritdoc/>
    public override int CountConvolutionPlanesTiles(in PlaneGeometry geometry) => PlaneConvolution.CountTiles(in geometry);

    /// <inheritdoc/>
    public override void ConvolutionPlanes(
        in PlaneGeometry geometry,
        ReadOnlySpan<uint> source,
        PackedWeights weights,
        in PlaneEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd)
        => PlaneConvolution.Run(default(PlaneLanes<TLanes>), in geometry, source, weights, in epilogue, destination, tileBegin, tileEnd);

    /// <inheritdoc/>
    public override void PackPlanes(int pixels, int channels, int bits, ReadOnlySpan<byte> codes, Span<uint> planes) => PlaneBits.Pack(pixels, channels, bits, codes, planes);

    /// <inheritdoc/>
    public override void UnpackPlanes(int pixels, int channels, int bits, ReadOnlySpan<uint> planes, Span<byte> codes) => PlaneBits.Unpack(pixels, channels, bits, planes, codes);

    /// <inheritdoc/>
    public override void ThresholdFloat(int pixels, int channels, ReadOnlySpan<float> source, in ThresholdTable<float> thresholds, Span<byte> destination)
        => Thresholds.Float<TLanes>(pixels, channels, source, in thresholds, destination);

    /// <inheritdoc/>
    public override void ThresholdInt32(int pixels, int channels, ReadOnlySpan<int> source, in ThresholdTable<int> thresholds, Span<byte> destination)
        => Thresholds.Int32<TLanes>(pixels, channels, source, in thresholds, destination);

    /// <inheritdoc/>
    public override void MaxPoolPlanes(
        in ConvolutionGeometry geometry,
        int bits,
        ReadOnlySpan<uint> source,
        Span<uint> destination,
        int rowBegin,
        int rowEnd)
        => PlanePooling.Max(in geometry, bits, source, destination, rowBegin, rowEnd);
}
