using System;
using Microsoft.ML.Quantization.Kernels.Managed;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <content>Layers over bit planes: tiles and packed weights are the managed set's, counting and writing are native.</content>
internal sealed unsafe partial class NativeKernels
{
    /// <inheritdoc/>
    public override void ConvolutionPlanes(
        in PlaneGeometry geometry,
        ReadOnlySpan<uint> source,
        PackedWeights weights,
        in PlaneEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd)
        => PlaneConvolution.Run(new PlaneKernel(_table.PlaneTiles), in geometry, source, weights, in epilogue, destination, tileBegin, tileEnd);

    private readonly struct PlaneKernel(delegate* unmanaged<PlaneTile*, int, void> run) : IPlaneKernel
    {
        private readonly delegate* unmanaged<PlaneTile*, int, void> _run = run;

        public void Run(PlaneTile* tiles, int count) => _run(tiles, count);
    }
}
