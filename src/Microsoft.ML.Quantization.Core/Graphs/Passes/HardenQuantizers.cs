using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// A trained graph as the engine's passes know it: quantizers of weights become <see cref="FakeQuantize"/> of the decoded codes (a sum of several where a method has several planes), those
/// of activations FakeQuantize or <see cref="Staircase"/>, taps of gradients vanish. A quantizer behind pooling or reshaping moves in front of it, which changes no value, so that codes are pooled.
/// Folded normalizations become the biases of their layers; functions that stop gradients no longer say so.
/// </summary>
public static class HardenQuantizers
{
    /// <summary>Runs the pass.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidGraph"/>: quantized weights are not constant.</exception>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var walk = new PassWalk(graph);
        var rewriter = new GraphRewriter(graph);
        var early = new Dictionary<ValueId, LearnedQuantize>();
        foreach (LearnedQuantize node in graph.Nodes.OfType<LearnedQuantize>().Where(n => n.Site == QuantizerSites.Activations))
        {
            ValueId place = Upstream(walk, node);
            if (place != node.Inputs[0])
            {
                early[place] = node;
            }
        }

        Dictionary<Node, Node> folded = Folded(walk);
        HashSet<Node> gone = Gone(walk, folded);
        foreach (Node node in graph.Nodes.Where(n => !gone.Contains(n)))
        {
            Visit(graph, rewriter, early, folded, node);
        }

        Graph result = rewriter.Build();
        GraphVerifier.Verify(result);
        return result;
    }

    /// <summary>For each folded normalization the layer that it stands behind, a tap of gradients perhaps between.</summary>
    private static Dictionary<Node, Node> Folded(PassWalk walk)
    {
        var result = new Dictionary<Node, Node>(ReferenceEqualityComparer.Instance);
        foreach (FoldedNormalization node in walk.Graph.Nodes.OfType<FoldedNormalization>())
        {
            Node? layer = walk.Producer(node.Inputs[0]);
            layer = layer is LearnedQuantize { Site: QuantizerSites.Gradients } ? walk.Producer(layer.Inputs[0]) : layer;
            result[node] = layer is Convolution or Dense ? layer : throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"'{node.Name}': expected a folded normalization behind its layer, found it behind {layer?.Kind ?? "a constant"}.");
        }

        return result;
    }

    /// <summary>Nodes that only training has: layers in front of folded normalizations (which emit them), the products that tell statistics, folded weights, taps between.</summary>
    private static HashSet<Node> Gone(PassWalk walk, Dictionary<Node, Node> folded)
    {
        var gone = new HashSet<Node>(ReferenceEqualityComparer.Instance);
        foreach ((Node node, Node layer) in folded)
        {
            gone.UnionWith([layer, walk.Producer(node.Inputs[0])!, walk.Producer(node.Inputs[1])!]);
        }

        gone.UnionWith(walk.Graph.Nodes.OfType<FoldedWeights>());
        return gone;
    }

    /// <summary>The layer with the normalization's offsets as its bias.</summary>
    private static void Fold(Graph graph, GraphRewriter rewriter, FoldedNormalization node, Node layer)
    {
        float[] offsets = node.Offsets([null, null, .. node.Inputs.Skip(2).Select(graph.ConstantOf)]);
        ValueId bias = rewriter.Builder.AddConstant(layer.Name + ".bias", Tensor.Create(Shape.Of(offsets.Length), offsets));
        rewriter.Emit(node, layer with { Inputs = [.. rewriter.Map(layer.Inputs), bias] });
    }

    private static void Visit(Graph graph, GraphRewriter rewriter, Dictionary<ValueId, LearnedQuantize> early, Dictionary<Node, Node> folded, Node node)
    {
        if (node is not LearnedQuantize learned)
        {
            if (node is FoldedNormalization normalization)
            {
                Fold(graph, rewriter, normalization, folded[node]);
            }
            else if (node is Unary { StopsGradient: true } unary)
            {
                rewriter.Emit(node, unary with { StopsGradient = false, Inputs = rewriter.Map(node.Inputs) });
            }
            else
            {
                rewriter.Copy(node);
            }

            foreach (ValueId output in node.Outputs.Where(early.ContainsKey))
            {
                rewriter.Replace(output, Activation(graph, rewriter.Builder, early[output], rewriter.Map(output)));
            }

            return;
        }

        if (learned.Site == QuantizerSites.Weights)
        {
            rewriter.Replace(learned.Output, Weights(graph, rewriter.Builder, learned));
            return;
        }

        ValueId x = rewriter.Map(learned.Inputs[0]);
        if (learned.Site == QuantizerSites.Gradients)
        {
            rewriter.Replace(learned.Output, early.TryGetValue(learned.Output, out LearnedQuantize? moved) ? Activation(graph, rewriter.Builder, moved, x) : x);
            return;
        }

        rewriter.Replace(learned.Output, early.ContainsValue(learned) ? x : Activation(graph, rewriter.Builder, learned, x));
    }

    /// <summary>The value in front of the chain of moving nodes that only this quantizer reads.</summary>
    private static ValueId Upstream(PassWalk walk, LearnedQuantize node)
    {
        ValueId value = node.Inputs[0];
        while (walk.Producer(value) is MaxPool or Reshape && walk.SoleConsumer(value) is not null)
        {
            ValueId before = walk.Producer(value)!.Inputs[0];
            if (walk.Producer(before) is null || walk.SoleConsumer(before) is null)
            {
                break;
            }

            value = before;
        }

        return value;
    }

    private static HardForm Export(Graph graph, LearnedQuantize node, Tensor x)
        => node.Method.Export(node.Call([x, .. node.Inputs.Skip(1).Select(graph.ConstantOf)], MethodContext.Evaluation, WorkerPool.Single));

    private static ValueId Activation(Graph graph, GraphBuilder builder, LearnedQuantize node, ValueId x)
    {
        Tensor one = Tensor.Allocate(ElementType.Float32, new Shape([.. Enumerable.Repeat(1, graph[node.Inputs[0]].Type.Shape.Rank)]));
        return Export(graph, node, one) switch
        {
            HardForm.Uniform uniform => NormalizeQdq.Add(builder, x, uniform.Quantizer, node.Name),
            HardForm.Staircase stairs => Steps(builder, x, stairs, node.Name),
            HardForm form => throw new InvalidOperationException($"'{node.Name}': {form.GetType().Name} is no form of activations."),
        };
    }

    private static ValueId Steps(GraphBuilder builder, ValueId x, HardForm.Staircase stairs, string name)
    {
        ValueId thresholds = builder.AddConstant(name + ".thresholds", Tensor.Create<float>(Shape.Of(stairs.Thresholds.Length), stairs.Thresholds.AsSpan()));
        ValueId levels = builder.AddConstant(name + ".levels", Tensor.Create<float>(Shape.Of(stairs.Levels.Length), stairs.Levels.AsSpan()));
        return builder.Add(new Staircase { Name = name, Inputs = [x, thresholds, levels] });
    }

    private static ValueId Weights(Graph graph, GraphBuilder builder, LearnedQuantize node)
    {
        Value value = graph[node.Inputs[0]];
        Tensor weights = QuantizedWeights.Values(graph, node) ?? throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"'{node.Name}': expected constant weights, found the computed value '{value.Name}'.");
        var form = (HardForm.Weights)Export(graph, node, weights);
        return PlaneSum.Add(builder, form.Planes, node.Name);
    }
}
