using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Applies a scheme's rules to the layers of a graph: patterns first, then overrides, then the edge rule. A layer is first when no other
/// convolution or dense layer stands on any path before it, last when none stands on any path behind it.
/// </summary>
public static class LayerSelection
{
    /// <summary>Whether a node is a layer whose operands a scheme names.</summary>
    public static bool IsLayer(Node node) => node is Convolution or Dense;

    /// <summary>The plan of every layer, in order.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnknownLayer"/>, or the scheme's own errors.</exception>
    public static ImmutableArray<LayerPlan> Run(Graph graph, QuantizationScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(scheme);
        scheme.Validate();
        HashSet<string> kept = KeptFloat(graph, scheme);
        List<Node> layers = [.. graph.Nodes.Where(IsLayer)];
        List<LayerOverride?> overrides = Overrides(layers, scheme);
        HashSet<Node> edges = Edges(graph);
        return [.. layers.Select((layer, i) => Plan(graph, scheme, layer, kept.Contains(layer.Name), overrides[i], edges.Contains(layer)))];
    }

    /// <summary>Names of the nodes that the scheme keeps float.</summary>
    internal static HashSet<string> KeptFloat(Graph graph, QuantizationScheme scheme)
    {
        string[] names = [.. graph.Nodes.Select(n => n.Name)];
        return [.. scheme.KeepFloat.SelectMany(pattern => LayerPattern.Match(pattern, names))];
    }

    /// <summary>First and last layers.</summary>
    internal static HashSet<Node> Edges(Graph graph)
    {
        var behind = new bool[graph.Values.Length];
        HashSet<Node> edges = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in graph.Nodes)
        {
            bool any = node.Inputs.Any(i => behind[i.Index]);
            Note(edges, node, any);
            foreach (ValueId output in node.Outputs)
            {
                behind[output.Index] = any || IsLayer(node);
            }
        }

        var before = new bool[graph.Values.Length];
        foreach (Node node in graph.Nodes.Reverse())
        {
            bool any = node.Outputs.Any(o => before[o.Index]);
            Note(edges, node, any);
            foreach (ValueId input in node.Inputs)
            {
                before[input.Index] |= any || IsLayer(node);
            }
        }

        return edges;
    }

    private static void Note(HashSet<Node> edges, Node node, bool hasOther)
    {
        if (IsLayer(node) && !hasOther)
        {
            edges.Add(node);
        }
    }

    private static List<LayerOverride?> Overrides(List<Node> layers, QuantizationScheme scheme)
    {
        string[] names = [.. layers.Select(l => l.Name)];
        (LayerOverride Rule, HashSet<string> Names)[] rules = [.. scheme.Overrides.Select(o => (o, LayerPattern.Match(o.Pattern, names).ToHashSet(StringComparer.Ordinal)))];
        return [.. names.Select(name => rules.FirstOrDefault(r => r.Names.Contains(name)).Rule)];
    }

    private static LayerPlan Plan(Graph graph, QuantizationScheme scheme, Node layer, bool kept, LayerOverride? rule, bool edge)
    {
        string? obstacle = kept ? "kept float by name" : Obstacle(graph, scheme, layer, edge && rule is null);
        if (obstacle is not null)
        {
            return new LayerPlan(layer.Name, layer.Kind, LayerPlan.FloatBits, LayerPlan.FloatBits, true, edge, obstacle);
        }

        (int weights, int activations, string reason) = (scheme.WeightBits, scheme.ActivationBits, string.Empty);
        if (rule is not null)
        {
            (weights, activations, reason) = (rule.WeightBits, rule.ActivationBits, $"override '{rule.Pattern}'");
        }
        else if (edge && scheme.EdgeLayers == EdgeLayers.EightBits && Math.Min(weights, activations) < 7)
        {
            // 7-bit weights are a wish about kernels, not about size, and stay at the edges too.
            (weights, activations, reason) = (weights < 7 ? 8 : weights, 8, "first or last layer");
        }

        if (scheme.WeightCodebook is { RealLevels: true })
        {
            return new LayerPlan(layer.Name, layer.Kind, weights, LayerPlan.FloatBits, true, edge, "weights of a codebook of floats, arithmetic in float");
        }

        bool grouped = scheme.WeightGranularity == Granularity.PerGroup;
        string grouping = layer is Dense ? "weights in groups, inputs quantized row by row" : "weights in groups, arithmetic in float";
        return new LayerPlan(layer.Name, layer.Kind, weights, grouped ? LayerPlan.FloatBits : activations, grouped, edge, grouped ? grouping : reason)
        {
            GroupSize = grouped && rule is { GroupSize: > 0 } ? rule.GroupSize : scheme.WeightGroupSize,
        };
    }

    private static string? Obstacle(Graph graph, QuantizationScheme scheme, Node layer, bool edge)
    {
        if (graph[layer.Inputs[1]].Constant is null || (layer.Inputs.Length > 2 && graph[layer.Inputs[2]].Constant is null))
        {
            return "weights or bias are computed, not constant";
        }

        if (graph[layer.Inputs[0]].Constant is not null)
        {
            return "the input is constant";
        }

        return edge && scheme.EdgeLayers == EdgeLayers.Float ? "first or last layer" : null;
    }
}
