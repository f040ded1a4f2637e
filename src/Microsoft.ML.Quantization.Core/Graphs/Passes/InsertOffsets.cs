using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// The output offset of BMXNet (Bethge et al., 2018): behind each layer whose weights are signs and whose input is signs, or 0 and 1 behind a rectifier, y = s/2 + n/2 with n = inputs of one output, counted with padding, so that sums from −n to n become counts from 0 to n. Both
/// steps are exact in float32 up to n = 2²⁴. Only where batch normalizations alone read the sums, through max pooling or reshaping, and the layer has neither bias nor clamp: a sign that read y would always be 1. Exported, the
/// step goes into the same multiplier and offset as the normalization.
/// </summary>
public static class InsertOffsets
{
    /// <summary>Runs the pass.</summary>
    /// <param name="graph">What <see cref="InsertLearnedQuantizers"/> gave.</param>
    /// <param name="scheme">The scheme; without <see cref="QuantizationAwareScheme.HasOffsets"/> the graph is returned as it is.</param>
    public static Graph Run(Graph graph, QuantizationAwareScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(scheme);
        if (!scheme.HasOffsets)
        {
            return graph;
        }

        var walk = new PassWalk(graph);
        return PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (!IsOfSigns(walk, node) || !IsNormalized(walk, node.Output))
            {
                return false;
            }

            Shape weights = graph[node.Inputs[1]].Type.Shape;
            ValueId sum = rewriter.Builder.Add(node with { Inputs = rewriter.Map(node.Inputs) }, graph[node.Output].Name + ".sum");
            ValueId half = rewriter.Builder.Add(Step(rewriter.Builder, node.Name + ".half", BinaryOperator.Multiply, sum, 0.5f));
            rewriter.Emit(node, Step(rewriter.Builder, node.Name + ".offset", BinaryOperator.Add, half, weights.CountOf(1, weights.Rank) / 2f));
            return true;
        });
    }

    private static Binary Step(GraphBuilder builder, string name, BinaryOperator how, ValueId x, float value)
        => new() { Name = name, Operator = how, Inputs = [x, builder.AddConstant(name + ".value", Tensor.Create<float>(Shape.Of(1), [value]))] };

    private static bool IsOfSigns(PassWalk walk, Node node)
    {
        bool isPlain = node is Convolution { Activation.IsNone: true } or Dense { Activation.IsNone: true };
        return isPlain && node.Inputs.Length == 2
            && walk.Producer(node.Inputs[1]) is LearnedQuantize { Method: FewLevelMethod { IsUnscaled: true } }
            && SignOf(walk, node.Inputs[0]) is not null;
    }

    /// <summary>The quantizer of a layer's input, in front of explicit padding, where it gives signs.</summary>
    internal static LearnedQuantize? SignOf(PassWalk walk, ValueId input)
    {
        Node? producer = walk.Producer(input) is Pad pad ? walk.Producer(pad.Inputs[0]) : walk.Producer(input);
        return producer is LearnedQuantize { Site: QuantizerSites.Activations, Method: SignMethod } sign ? sign : null;
    }

    private static bool IsNormalized(PassWalk walk, ValueId value) => !walk.IsOutput(value) && walk.Consumers(value).Count > 0
        && walk.Consumers(value).All(c => c is BatchNormalization || (c is MaxPool or Reshape && IsNormalized(walk, c.Output)));
}
