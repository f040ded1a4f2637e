using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The managed kernels at one vector width on a machine with <see cref="QuadDot{TWide}"/>, which takes the byte convolutions.</summary>
internal sealed class QuadKernels<TLanes>(string name, string description) : LaneKernels<TLanes>(name, description)
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    public override PackedWeights NewConvolutionByte(in ConvolutionGeometry geometry) => ByteConvolution<Lanes256, byte, QuadDot<TLanes>>.New(geometry);

    /// <inheritdoc/>
    public override void FillConvolutionByte(in ConvolutionGeometry geometry, ReadOnlySpan<sbyte> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
        => ByteConvolution<Lanes256, byte, QuadDot<TLanes>>.Fill(geometry, weights, axes, packed, part, parts);

    /// <inheritdoc/>
    public override PackedWeights PackConvolutionCodebook(in ConvolutionGeometry geometry, ReadOnlySpan<byte> codes, ReadOnlySpan<sbyte> levels)
        => ByteConvolution<Lanes256, byte, QuadDot<TLanes>>.PackCodes(geometry, codes, levels);

    /// <inheritdoc/>
    public override int CountConvolutionByteTiles(in ConvolutionGeometry geometry) => ByteConvolution<Lanes256, byte, QuadDot<TLanes>>.CountTiles(geometry);

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
        => ByteConvolution<Lanes256, byte, QuadDot<TLanes>>.Run(geometry, source, padding, weights, epilogue, destination, tileBegin, tileEnd);
}
