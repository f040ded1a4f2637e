using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>Products of the way back: weights are used once, so they are packed and let go.</summary>
internal static class Products
{
    /// <summary>One product; <paramref name="weights"/> as <see cref="KernelSet.PackConvolutionFloat"/> takes them.</summary>
    public static void Run(GradientCall call, ConvolutionGeometry geometry, Tensor source, ReadOnlySpan<float> weights, Tensor result)
    {
        using PackedWeights packed = call.Kernels.PackConvolutionFloat(geometry, weights);
        var operation = new OperatorCall(null!, call.Node, [], [], call.Kernels, call.Pool);
        ConvolutionOperators.Multiply(operation, geometry, source, packed, new float[geometry.OutChannels], Activation.None, result);
    }
}
