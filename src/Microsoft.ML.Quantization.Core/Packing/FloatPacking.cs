using System;
using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>
/// Float convolutions and dense layers with constant weights. Behind a flatten the data are brought into row-major order: permuting the weights would change the order
/// of the sums, and with it bits.
/// </summary>
internal static class FloatPacking
{
    /// <summary>Packs a <see cref="Graphs.Nodes.Convolution"/>.</summary>
    public static bool Convolution(PackingState state, Node node)
    {
        var convolution = (Convolution)node;
        if (!HasConstants(state, node))
        {
            return false;
        }

        ValueId from = node.Inputs[0];
        Tensor weights = state.Constant(node.Inputs[1])!;
        ConvolutionGeometry Bind(Shape input, Shape output) => Geometry.Convolution(convolution.Window, convolution.Groups, input, output);
        ConvolutionGeometry one = Bind(state.TypeOf(from).Shape.Bind(1), state.TypeOf(node.Output).Shape.Bind(1));
        float[] bias = Bias(state, node, one.OutChannels);
        int source = state.Read(from, Layout.ChannelsLast);
        int destination = state.Write(node.Output, Layout.ChannelsLast);
        Func<BindContext, ConvolutionGeometry> geometry = c => Bind(c.ShapeOf(from), c.ShapeOf(node.Output));
        if (one.IsDepthwise)
        {
            float[] taps = Taps(state, weights, one.OutChannels);
            Choice narrow = state.Chooser.Choose(KernelWork.Of(KernelOperation.DepthwiseFloat, 32, one));
            Add(state, node, narrow, 4L * taps.Length, source, destination, c => new FloatDepthwiseStep(c, geometry(c), taps, bias, convolution.Activation, source, destination));
            return true;
        }

        Choice choice = state.Chooser.Choose(KernelWork.Of(KernelOperation.ConvolutionFloat, 32, one));
        PackedWeights packed = Pack(state, choice.Set, weights, one);
        Add(state, node, choice, packed.ByteLength, source, destination, c => new FloatConvolutionStep(c, geometry(c), packed, bias, convolution.Activation, source, destination));
        return true;
    }

    /// <summary>Packs a <see cref="Graphs.Nodes.Dense"/>.</summary>
    public static bool Dense(PackingState state, Node node)
    {
        if (!HasConstants(state, node))
        {
            return false;
        }

        ValueId from = node.Inputs[0];
        Activation activation = ((Dense)node).Activation;
        Tensor weights = state.Constant(node.Inputs[1])!;
        Shape shape = weights.Shape;
        float[] bias = Bias(state, node, shape[0]);
        Choice choice = state.Chooser.Choose(KernelWork.Of(KernelOperation.ConvolutionFloat, 32, Geometry.Dense(state.TypeOf(from).Shape.Bind(1), weights.Shape)));
        PackedWeights packed = Pack(state, choice.Set, weights, ConvolutionGeometry.Dense(1, weights.Shape[1], weights.Shape[0]));
        int source = state.Read(from, Layout.RowMajor);
        int destination = state.Write(node.Output, Layout.RowMajor);
        Add(state, node, choice, packed.ByteLength, source, destination, c => new FloatConvolutionStep(c, Geometry.Dense(c.ShapeOf(from), shape), packed, bias, activation, source, destination));
        return true;
    }

    private static bool HasConstants(PackingState state, Node node)
        => state.Constant(node.Inputs[0]) is null && state.Constant(node.Inputs[1]) is not null && (node.Inputs.Length < 3 || state.Constant(node.Inputs[2]) is not null);

    private static float[] Bias(PackingState state, Node node, int channels) => node.Inputs.Length > 2 ? state.Constant(node.Inputs[2])!.Values<float>().ToArray() : new float[channels];

    private static float[] Taps(PackingState state, Tensor weights, int channels)
        => state.Weights.Get(weights, "f32/depthwise", () => WeightOrder.TapsFirst(weights.Values<float>(), 1, channels));

    private static PackedWeights Pack(PackingState state, KernelSet kernels, Tensor weights, ConvolutionGeometry geometry)
    {
        string form = string.Create(CultureInfo.InvariantCulture, $"f32/{kernels.Name}/{geometry with { Batch = 1, InDepth = 1, InHeight = 1, InWidth = 1, OutDepth = 1, OutHeight = 1, OutWidth = 1 }}");
        return state.Weights.Later(
            weights,
            form,
            isWhole: false,
            () => kernels.NewConvolutionFloat(geometry),
            (packed, part, parts) => kernels.FillConvolutionFloat(geometry, weights.Values<float>(), WeightAxes.ChannelsFirst, packed, part, parts));
    }

    private static string Levels(PackingState state, Node node) => state.Producer(node.Inputs[1]) is Dequantize decoded && state.TypeOf(decoded.Inputs[0]).Quantization!.Codebook is { } book ? $"; {book}, decoded when packed" : string.Empty;

    private static void Add(PackingState state, Node node, Choice choice, long weightBytes, int source, int destination, Func<BindContext, BoundStep> bind)
        => state.Add(new PackedStep(node.Name, node.Kind, [source], [destination], bind) { Facts = new LayerFacts("f32", "kept in float" + Levels(state, node), 0, weightBytes), Kernels = choice.Set, Choice = choice.Why });
}
