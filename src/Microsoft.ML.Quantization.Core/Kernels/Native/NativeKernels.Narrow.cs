using System;
using Microsoft.ML.Quantization.Kernels.Managed;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <content>Dense layers with narrow weights: packed weights and tiles are the managed set's, products and writing are native.</content>
internal sealed unsafe partial class NativeKernels
{
    /// <inheritdoc/>
    public override void DenseNarrow(in NarrowGeometry geometry, ReadOnlySpan<byte> source, PackedWeights weights, in IntegerEpilogue epilogue, Span<byte> destination, int tileBegin, int tileEnd)
        => NarrowDense.Run(new NarrowKernel(_table.DenseNarrow), in geometry, source, weights, in epilogue, destination, tileBegin, tileEnd);

    private readonly struct NarrowKernel(delegate* unmanaged<NarrowTile*, void> run) : INarrowKernel
    {
        private readonly delegate* unmanaged<NarrowTile*, void> _run = run;

        public void Run(NarrowTile* tile) => _run(tile);
    }
}
