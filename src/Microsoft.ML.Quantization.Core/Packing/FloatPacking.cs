using System;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>
/// Float convolutions, dense layers and batch normalizations with constant numbers. Behind a flatten the data are brought into row-major order: permuting the weights would change the order
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

    /// <summary>Packs a <see cref="BatchNormalization"/> of spatial data that stands by itself, for example behind a max pool.</summary>
    public static bool Normalization(PackingState state, Node node)
    {
        var normalization = (BatchNormalization)node;
        ValueId from = node.Inputs[0];
        if (state.Constant(from) is not null || node.Inputs.Skip(1).Any(i => state.Constant(i) is null) || !Layouts.CanBeChannelsLast(state.TypeOf(from).Shape))
        {
            return false;
        }

        Tensor[] constants = [.. node.Inputs.Skip(1).Select(i => state.Constant(i)!)];
        var numbers = (Factors: new float[constants[0].Shape[0]], Offsets: new float[constants[0].Shape[0]]);
        for (int c = 0; c < numbers.Factors.Length; c++)
        {
            numbers.Factors[c] = normalization.Multiplier(constants[0].Values<float>()[c], constants[3].Values<float>()[c]);
            float shift = constants[2].Values<float>()[c] * numbers.Factors[c];
            numbers.Offsets[c] = constants[1].Values<float>()[c] - shift;
        }

        int source = state.Read(from, Layout.ChannelsLast);
        int destination = state.Write(node.Output, Layout.ChannelsLast);
        state.Add(new PackedStep(node.Name, node.Kind, [source], [destination], c =>
        {
            Shape bound = c.ShapeOf(node.Output);
            return new NormalizeStep(c, bound[0] * bound.CountOf(2, bound.Rank), numbers, source, destination);
        }));
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
