using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Biases;

/// <summary>Reading and rewriting of layers with a bias: convolutions and dense layers.</summary>
internal static class QuantizedLayers
{
    /// <summary>The index of a layer's bias among its inputs.</summary>
    public const int Bias = 2;

    /// <summary>Names of the layers whose weights are fake-quantized, decoded codes or sums of such and that the float graph has too, in topological order.</summary>
    public static ImmutableArray<string> Names(Graph floatGraph, Graph quantized)
    {
        Node?[] producers = quantized.Producers();
        HashSet<string> known = [.. floatGraph.Nodes.Where(IsLayer).Select(n => n.Name)];
        return [.. quantized.Nodes.Where(n => IsLayer(n) && PlaneSum.Is(producers, n.Inputs[1]) && known.Contains(n.Name)).Select(n => n.Name)];
    }

    public static bool IsLayer(Node node) => node is Convolution or ConvolutionTranspose or Dense;

    /// <summary>The axis of the output channels in a layer's output.</summary>
    public static int ChannelAxis(Node layer) => layer is Dense ? -1 : 1;

    /// <summary>A layer without the clamp behind it.</summary>
    public static Node WithoutActivation(Node layer) => layer switch
    {
        Convolution c => c with { Activation = Activation.None },
        Dense d => d with { Activation = Activation.None },
        _ => layer,
    };

    /// <summary>The clamp behind a layer.</summary>
    public static Activation ActivationOf(Node layer) => layer switch
    {
        Convolution c => c.Activation,
        Dense d => d.Activation,
        _ => Activation.None,
    };

    /// <summary>
    /// The graph up to one layer: its only output is the layer's output before the clamp. Biases given replace those of their layers.
    /// </summary>
    public static Graph UpTo(Graph graph, string layer, IReadOnlyDictionary<string, Tensor> biases)
    {
        Node last = graph.Nodes.First(n => n.Name == layer);
        HashSet<ValueId> needed = [.. last.Inputs];
        foreach (Node node in graph.Nodes.Reverse().Where(n => n.Outputs.Any(needed.Contains)))
        {
            needed.UnionWith(node.Inputs);
        }

        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes.Where(n => n.Outputs.Any(needed.Contains)))
        {
            rewriter.Emit(node, WithBias(rewriter, node, biases));
        }

        rewriter.Builder.AddOutput(rewriter.Emit(last, WithoutActivation(WithBias(rewriter, last, biases)))[0]);
        return rewriter.Builder.Build();
    }

    /// <summary>The whole graph with the biases given.</summary>
    public static Graph WithBiases(Graph graph, IReadOnlyDictionary<string, Tensor> biases)
    {
        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            rewriter.Emit(node, WithBias(rewriter, node, biases));
        }

        return rewriter.Build();
    }

    /// <summary>The graph with each named layer's clamp as a node of its own, and the value in front of it by the layer's name.</summary>
    public static (Graph Graph, ImmutableDictionary<ValueId, string> Raw) Split(Graph graph, IEnumerable<string> layers)
    {
        HashSet<string> names = [.. layers];
        var raw = ImmutableDictionary.CreateBuilder<ValueId, string>();
        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            Activation activation = ActivationOf(node);
            if (!names.Contains(node.Name))
            {
                rewriter.Copy(node);
            }
            else if (activation.IsNone)
            {
                raw[rewriter.Copy(node)[0]] = node.Name;
            }
            else
            {
                ValueId value = rewriter.Builder.Add(WithoutActivation(node) with { Inputs = rewriter.Map(node.Inputs) }, graph[node.Output].Name + ".raw");
                raw[value] = node.Name;
                rewriter.Emit(node, Clamp(node, value, activation));
            }
        }

        return (rewriter.Build(), raw.ToImmutable());
    }

    private static Unary Clamp(Node layer, ValueId value, Activation activation)
        => new() { Name = layer.Name + ".clamp", Inputs = [value], Operator = UnaryOperator.Clip, Alpha = activation.Low, Beta = activation.High };

    private static Node WithBias(GraphRewriter rewriter, Node node, IReadOnlyDictionary<string, Tensor> biases)
    {
        if (!biases.TryGetValue(node.Name, out Tensor? bias))
        {
            return node with { Inputs = rewriter.Map(node.Inputs) };
        }

        // The old bias is not mapped, so that the new one can have its name.
        string name = node.Inputs.Length > Bias ? rewriter.Source[node.Inputs[Bias]].Name : node.Name + ".bias";
        return node with { Inputs = [rewriter.Map(node.Inputs[0]), rewriter.Map(node.Inputs[1]), rewriter.Builder.AddConstant(name, bias)] };
    }
}
