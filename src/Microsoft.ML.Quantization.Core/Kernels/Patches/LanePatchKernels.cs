using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>The products of training at one vector width.</summary>
internal sealed class LanePatchKernels<TLanes> : PatchKernels
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    public override int PanelLength(PanelOrder order) => Panels<TLanes>.Length(order);

    /// <inheritdoc/>
    public override bool Pack(PanelOrder order, ReadOnlySpan<float> weights, Span<float> panels) => Panels<TLanes>.Pack(order, weights, panels);

    /// <inheritdoc/>
    public override int CountTiles(in ConvolutionGeometry geometry) => new PatchPlan(geometry, Panels<TLanes>.Width).Tiles;

    /// <inheritdoc/>
    public override void Product(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> panels,
        ReadOnlySpan<float> bias,
        (float Low, float High) clamp,
        Span<float> destination,
        in PatchPlacement placement,
        (int Begin, int End) tiles)
        => PatchProduct<TLanes>.Run(geometry, source, panels, bias, clamp, destination, placement, tiles);

    /// <inheritdoc/>
    public override int SumsLength(in ConvolutionGeometry geometry, int outputs) => PatchOuter<TLanes>.SumsLength(geometry, outputs);

    /// <inheritdoc/>
    public override int SumsPitch(in ConvolutionGeometry geometry) => PatchOuter<TLanes>.SumsPitch(geometry);

    /// <inheritdoc/>
    public override void Outer(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> gradient,
        (int Begin, int End) images,
        (int Begin, int End) outputs,
        Span<float> sums)
        => PatchOuter<TLanes>.Run(geometry, source, gradient, images, outputs, sums);
}
