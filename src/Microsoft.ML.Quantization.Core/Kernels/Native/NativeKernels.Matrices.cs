using System;
using Microsoft.ML.Quantization.Kernels.Managed;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <content>Products of two computed matrices. Float panels of native sets are [panel][depth][width] too, so they are written here.</content>
internal sealed unsafe partial class NativeKernels
{
    /// <inheritdoc/>
    public override void RepackMatrixFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> matrix, PackedWeights packed)
    {
        NativeCheck.Geometry(in geometry);
        ConvolutionGeometry one = ConvolutionGeometry.Dense(1, 1, 1);
        fixed (ConvolutionGeometry* g = &geometry)
        {
            KernelCheck.Weights(packed, _floatLayout, _table.ConvolutionFloatPackedSize(g));
            int width = (int)(_table.ConvolutionFloatPackedSize(&one) / sizeof(float));
            MatrixPanels.Write(in geometry, width, matrix, packed.Span<float>());
        }
    }
}
