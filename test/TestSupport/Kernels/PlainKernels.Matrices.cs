using System;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <content>Products of two computed matrices.</content>
public sealed partial class PlainKernels
{
    /// <inheritdoc/>
    public override void RepackMatrixFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> matrix, PackedWeights packed)
    {
        Span<float> weights = packed.Span<float>();
        for (int i = 0; i < geometry.OutChannels * geometry.Depth; i++)
        {
            weights[i] = matrix[(i % geometry.Depth * geometry.OutChannels) + (i / geometry.Depth)];
        }
    }
}
