using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Every value of one forward run, kept for the way back.</summary>
internal sealed class ForwardPass
{
    public ForwardPass(Graph graph)
    {
        Graph = graph;
        Values = new Tensor?[graph.Values.Length];
        Saved = new object?[graph.Nodes.Length];
    }

    /// <summary>The graph with its batch bound; indices are its own.</summary>
    public Graph Graph { get; }

    /// <summary>The values as read by the nodes behind them.</summary>
    public Tensor?[] Values { get; }

    /// <summary>What the rules' own forward forms kept, one a node.</summary>
    public object?[] Saved { get; }

    /// <summary>For values under dropout: what the node wrote, and the factor of each element.</summary>
    public Dictionary<int, (Tensor Written, Tensor Factors)> Dropped { get; } = [];

    /// <summary>A value by name.</summary>
    public Tensor this[string name] => Graph.TryFind(name, out ValueId id) ? Values[id.Index]! : throw new KeyNotFoundException(name);
}
