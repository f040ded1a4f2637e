using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <content>Packing of convolution weights, whole or in parts that several threads share.</content>
public abstract partial class KernelSet
{
    /// <summary>Memory for the packed float weights of a geometry, to be written by <see cref="FillConvolutionFloat"/>.</summary>
    public abstract PackedWeights NewConvolutionFloat(in ConvolutionGeometry geometry);

    /// <summary>Writes one part of packed weights; parts are independent, together they write everything, and how many there are never changes a byte.</summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="weights">[OutChannels], then as <paramref name="axes"/> says.</param>
    /// <param name="axes">The order of the weights of an output channel.</param>
    /// <param name="packed">From <see cref="NewConvolutionFloat"/> of this set for the same geometry.</param>
    /// <param name="part">From 0 to <paramref name="parts"/> − 1.</param>
    /// <param name="parts">Number of parts, from 1.</param>
    public abstract void FillConvolutionFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> weights, WeightAxes axes, PackedWeights packed, int part, int parts);

    /// <summary>Memory for the packed byte weights of a geometry, to be written by <see cref="FillConvolutionByte"/>.</summary>
    public abstract PackedWeights NewConvolutionByte(in ConvolutionGeometry geometry);

    /// <inheritdoc cref="FillConvolutionFloat"/>
    public abstract void FillConvolutionByte(in ConvolutionGeometry geometry, ReadOnlySpan<sbyte> weights, WeightAxes axes, PackedWeights packed, int part, int parts);

    /// <summary>Packs float weights given as [OutChannels][KernelDepth][KernelHeight][KernelWidth][GroupInChannels].</summary>
    public PackedWeights PackConvolutionFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> weights)
    {
        PackedWeights packed = NewConvolutionFloat(in geometry);
        FillConvolutionFloat(in geometry, weights, WeightAxes.TapsFirst, packed, 0, 1);
        return packed;
    }

    /// <summary>Packs signed 8-bit weights given as [OutChannels][KernelDepth][KernelHeight][KernelWidth][GroupInChannels].</summary>
    public PackedWeights PackConvolutionByte(in ConvolutionGeometry geometry, ReadOnlySpan<sbyte> weights)
    {
        PackedWeights packed = NewConvolutionByte(in geometry);
        FillConvolutionByte(in geometry, weights, WeightAxes.TapsFirst, packed, 0, 1);
        return packed;
    }

    /// <summary>Packs weights, in the order of <see cref="PackConvolutionByte"/>, over packed weights that it made for the same geometry.</summary>
    public void RepackConvolutionByte(in ConvolutionGeometry geometry, ReadOnlySpan<sbyte> weights, PackedWeights packed)
        => FillConvolutionByte(in geometry, weights, WeightAxes.TapsFirst, packed, 0, 1);
}
