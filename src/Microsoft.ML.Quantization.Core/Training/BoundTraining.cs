using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Training;

/// <summary>A graph with its batch bound, and what a step over it needs to know: which values have a gradient, each node's rule, and in which order it runs.</summary>
internal sealed class BoundTraining
{
    public BoundTraining(Graph graph)
    {
        Graph = graph;
        Needed = FindNeeded(graph);
        Rules = new GradientRule?[graph.Nodes.Length];
        IsChannelsLast = new bool[graph.Nodes.Length];
        var values = new bool[graph.Values.Length];
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            Node node = graph.Nodes[i];
            Rules[i] = GradientRules.TryFind(node, out GradientRule? rule) ? rule : null;
            ValueOrder order = rule?.Order(graph, node) ?? ValueOrder.Planar;
            IsChannelsLast[i] = order == ValueOrder.ChannelsLast || (order == ValueOrder.AsInput && node.Inputs.Any(v => values[v.Index]));
            foreach (ValueId output in node.Outputs)
            {
                values[output.Index] = IsChannelsLast[i];
            }
        }
    }

    /// <summary>The graph.</summary>
    public Graph Graph { get; }

    /// <summary>For each value, whether a trainable constant stands before it, with nothing between that stops gradients.</summary>
    public bool[] Needed { get; }

    /// <summary>For each node its rule, or null.</summary>
    public GradientRule?[] Rules { get; }

    /// <summary>For each node, whether its activations lie channels-last.</summary>
    public bool[] IsChannelsLast { get; }

    /// <summary>For each value, whether a trainable constant stands before it, with nothing between that stops gradients.</summary>
    public static bool[] FindNeeded(Graph graph)
    {
        bool[] needed = [.. graph.Values.Select(v => v.IsTrainable)];
        foreach (Node node in graph.Nodes.Where(n => n is not Unary { StopsGradient: true } && n.Inputs.Any(i => needed[i.Index])))
        {
            foreach (ValueId output in node.Outputs)
            {
                needed[output.Index] = true;
            }
        }

        return needed;
    }
}
