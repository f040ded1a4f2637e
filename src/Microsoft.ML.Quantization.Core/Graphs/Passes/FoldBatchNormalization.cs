using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Melts what is affine in each channel and stands behind a convolution, transposed convolution or dense layer into its weights and bias:
/// w' = w·a, b' = b·a + d with y = a·x + d; for batch normalization a = γ/√(σ²+ε), d = β − μ·a (Jacob et al., 2018, section 3.2).
/// Computed in double, rounded to float32 once. Only where nothing else reads the layer's output and no clamp stands between.
/// </summary>
public static class FoldBatchNormalization
{
    /// <summary>Runs the pass until nothing is left to melt.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return PassWalk.Repeat(graph, g => PassWalk.Melt(g, Match, Emit));
    }

    private static Node? Match(PassWalk walk, Node node)
    {
        int input = node is Binary && walk.Graph[node.Inputs[0]].Constant is not null ? 1 : 0;
        if (node is not (BatchNormalization or Binary) || walk.SoleProducer(node, input) is not { } layer || !IsLayer(walk.Graph, layer))
        {
            return null;
        }

        return ChannelAffine.Of(walk.Graph, node, Axis(walk.Graph, layer)) is not null && (node is not BatchNormalization || Axis(walk.Graph, layer) == 1) ? layer : null;
    }

    private static bool IsLayer(Graph graph, Node node)
    {
        bool plain = node is Convolution { Activation.IsNone: true } or Dense { Activation.IsNone: true } or ConvolutionTranspose;
        return plain && node.Inputs.Skip(1).All(i => graph[i].Constant is not null);
    }

    private static int Axis(Graph graph, Node layer) => layer is Dense ? graph[layer.Output].Type.Shape.Rank - 1 : 1;

    private static void Emit(GraphRewriter rewriter, Node layer, Node node)
    {
        Graph graph = rewriter.Source;
        ChannelAffine affine = ChannelAffine.Of(graph, node, Axis(graph, layer))!;
        Value weights = graph[layer.Inputs[1]];
        int channels = graph[layer.Output].Type.Shape[Axis(graph, layer)];
        ValueId newWeights = affine.Scale.All(s => s == 1)
            ? rewriter.Map(layer.Inputs[1])
            : rewriter.Builder.AddConstant(weights.Name, Scaled(weights.Constant!, layer, affine.Scale), isTrainable: weights.IsTrainable);
        Value? bias = layer.Inputs.Length > 2 ? graph[layer.Inputs[2]] : null;
        ValueId newBias = rewriter.Builder.AddConstant(bias?.Name ?? layer.Name + ".bias", Shifted(bias?.Constant, channels, affine), isTrainable: bias?.IsTrainable ?? weights.IsTrainable);
        rewriter.Emit(node, layer with { Inputs = [rewriter.Map(layer.Inputs[0]), newWeights, newBias] });
    }

    private static Tensor Scaled(Tensor weights, Node layer, double[] scale)
    {
        float[] values = weights.Values<float>().ToArray();
        Shape shape = weights.Shape;
        int kernel = shape.CountOf(2, shape.Rank);
        int groups = layer is ConvolutionTranspose transpose ? transpose.Groups : 1;
        for (int i = 0; i < values.Length; i++)
        {
            // A transposed convolution has weights [C, O/g, kernel]: input channel c belongs to group c / (C/g).
            int channel = layer is ConvolutionTranspose
                ? (i / (shape[1] * kernel) / (shape[0] / groups) * shape[1]) + (i / kernel % shape[1])
                : i / (shape[1] * kernel);
            values[i] = (float)(values[i] * scale[scale.Length == 1 ? 0 : channel]);
        }

        return Tensor.Create(shape, values);
    }

    private static Tensor Shifted(Tensor? bias, int channels, ChannelAffine affine)
    {
        float[] old = bias?.Values<float>().ToArray() ?? new float[channels];
        float[] values = [.. old.Select((b, c) => (float)((b * Pick(affine.Scale, c)) + Pick(affine.Shift, c)))];
        return Tensor.Create(Shape.Of(channels), values);
    }

    private static double Pick(double[] numbers, int channel) => numbers[numbers.Length == 1 ? 0 : channel];
}
