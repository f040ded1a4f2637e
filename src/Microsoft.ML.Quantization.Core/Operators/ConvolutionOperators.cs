using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Float convolutions and dense layers on the kernel set.</summary>
internal static class ConvolutionOperators
{
    public static void Convolution(OperatorCall call)
    {
        var node = (Convolution)call.Node;
        ConvolutionGeometry geometry = Geometry.Convolution(node.Window, node.Groups, call.Inputs[0].Shape, call.Outputs[0].Shape);
        using Rented source = call.IsChannelsLast ? Rented.Borrow(call.Inputs[0]) : ChannelLayout.ToChannelsLast(call.Pool, call.Inputs[0]);
        using Rented result = call.IsChannelsLast ? Rented.Borrow(call.Outputs[0]) : ChannelLayout.ForResult(call.Outputs[0]);
        float[] bias = Bias(call, geometry.OutChannels);
        if (geometry.IsDepthwise)
        {
            float[] weights = TapsFirst(call.Inputs[1].Values<float>(), geometry);
            var depthwise = new DepthwiseWork(call.Kernels, geometry, source.Tensor, weights, bias, node.Activation, result.Tensor);
            Shares.Run(call.Pool, geometry.Batch * geometry.OutDepth * geometry.OutHeight, 1, depthwise, static (w, begin, end) => w.Run(begin, end));
        }
        else
        {
            Multiply(call, geometry, source.Tensor, bias, node.Activation, result.Tensor);
        }

        if (!call.IsChannelsLast)
        {
            ChannelLayout.Deliver(call.Pool, result, call.Outputs[0]);
        }
    }

    public static void Dense(OperatorCall call)
    {
        ConvolutionGeometry geometry = Geometry.Dense(call.Inputs[0].Shape, call.Inputs[1].Shape);
        Multiply(call, geometry, call.Inputs[0], Bias(call, geometry.OutChannels), ((Dense)call.Node).Activation, call.Outputs[0]);
    }

    /// <summary>One product with packed weights; tiles are shared out.</summary>
    public static void Multiply(OperatorCall call, ConvolutionGeometry geometry, Tensor source, PackedWeights weights, float[] bias, Activation activation, Tensor result)
    {
        var work = new ProductWork(call.Kernels, geometry, source, weights, bias, activation, result);
        Shares.Run(call.Pool, call.Kernels.CountConvolutionFloatTiles(geometry), 1, work, static (w, begin, end) => w.Run(begin, end));
    }

    /// <summary>Weights [O, I/g, taps] as [O][taps][I/g].</summary>
    public static T[] ChannelsLastWeights<T>(ReadOnlySpan<T> weights, in ConvolutionGeometry geometry)
        where T : unmanaged
    {
        var result = new T[weights.Length];
        int channels = geometry.GroupInChannels;
        int taps = geometry.Taps;
        int index = 0;
        for (int o = 0; o < geometry.OutChannels; o++)
        {
            ReadOnlySpan<T> filter = weights.Slice(o * channels * taps, channels * taps);
            for (int tap = 0; tap < taps; tap++)
            {
                for (int c = 0; c < channels; c++)
                {
                    result[index++] = filter[(c * taps) + tap];
                }
            }
        }

        return result;
    }

    /// <summary>Depthwise weights [C, 1, taps] as [taps][C].</summary>
    public static T[] TapsFirst<T>(ReadOnlySpan<T> weights, in ConvolutionGeometry geometry)
        where T : unmanaged
    {
        var result = new T[weights.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[(i % geometry.Taps * geometry.OutChannels) + (i / geometry.Taps)] = weights[i];
        }

        return result;
    }

    private static void Multiply(OperatorCall call, ConvolutionGeometry geometry, Tensor source, float[] bias, Activation activation, Tensor result)
    {
        PackedWeights Pack() => call.Kernels.PackConvolutionFloat(geometry, ChannelsLastWeights(call.Inputs[1].Values<float>(), geometry));
        if (WeightCache.IsConstant(call, 1))
        {
            PackedWeights kept = WeightCache.Get(call.Inputs[1], call.Kernels, (geometry.Groups, geometry.InChannels), Pack);
            Multiply(call, geometry, source, kept, bias, activation, result);
        }
        else
        {
            using PackedWeights packed = Pack();
            Multiply(call, geometry, source, packed, bias, activation, result);
        }
    }

    private static float[] Bias(OperatorCall call, int channels) => call.Inputs.Length > 2 ? call.Inputs[2].Values<float>().ToArray() : new float[channels];

    private sealed record ProductWork(KernelSet Kernels, ConvolutionGeometry Geometry, Tensor Source, PackedWeights Weights, float[] Bias, Activation Activation, Tensor Result)
    {
        public void Run(int begin, int end) => Kernels.ConvolutionFloat(
            Geometry, Source.Values<float>(), Weights, Bias, Activation.Low, Activation.High, Result.Writable<float>(), begin, end);
    }

    private sealed record DepthwiseWork(KernelSet Kernels, ConvolutionGeometry Geometry, Tensor Source, float[] Weights, float[] Bias, Activation Activation, Tensor Result)
    {
        public void Run(int begin, int end) => Kernels.DepthwiseFloat(
            Geometry, Source.Values<float>(), Weights, Bias, Activation.Low, Activation.High, Result.Writable<float>(), begin, end);
    }
}
