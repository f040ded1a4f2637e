using System;
using Microsoft.ML.Quantization.Kernels.Managed;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <content>Dense layers with narrow weights in groups; the rows are quantized by the managed set.</content>
internal sealed unsafe partial class NativeKernels
{
    /// <inheritdoc/>
    public override PackedWeights PackGroupedDense(in GroupedGeometry geometry, ReadOnlySpan<sbyte> weights, ReadOnlySpan<float> scales)
    {
        KernelCheck.Grouped(in geometry, weights, scales);
        fixed (GroupedGeometry* g = &geometry)
        fixed (sbyte* w = weights)
        fixed (float* s = scales)
        {
            PackedWeights packed = new(_table.GroupedDensePackedSize(g), _groupedLayout);
            _table.GroupedDensePack(g, w, s, packed.Pointer);
            return packed;
        }
    }

    /// <inheritdoc/>
    public override int CountGroupedDenseTiles(in GroupedGeometry geometry)
    {
        KernelCheck.Grouped(in geometry);
        fixed (GroupedGeometry* g = &geometry)
        {
            return _table.GroupedDenseTiles(g);
        }
    }

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
    {
        KernelCheck.Grouped(in geometry, codes.Length, sums.Length, rowScales.Length, bias.Length, destination.Length);
        fixed (GroupedGeometry* g = &geometry)
        fixed (sbyte* x = codes)
        fixed (int* s = sums)
        fixed (float* m = rowScales, b = bias, y = destination)
        {
            KernelCheck.Weights(weights, _groupedLayout, _table.GroupedDensePackedSize(g));
            KernelCheck.Tiles(tileBegin, tileEnd, _table.GroupedDenseTiles(g));
            _table.GroupedDense(g, x, s, m, weights.Pointer, b, low, high, y, tileBegin, tileEnd);
        }

        GC.KeepAlive(weights);
    }
}
