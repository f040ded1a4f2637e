using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <content>Products of two computed matrices: the right one is packed anew for each product, into memory that the caller keeps.</content>
public abstract partial class KernelSet
{
    /// <summary>Packs the matrix [inputs][outputs] of a dense geometry over weights that <see cref="PackConvolutionFloat"/> made for the same geometry; as if its transpose were packed.</summary>
    /// <param name="geometry">From <see cref="ConvolutionGeometry.Dense"/>.</param>
    /// <param name="matrix">InChannels rows of OutChannels values.</param>
    /// <param name="packed">Written.</param>
    public abstract void RepackMatrixFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> matrix, PackedWeights packed);
}
