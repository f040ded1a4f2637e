using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation;

/// <summary>A graph with its batch bound, and which values end with which node.</summary>
internal sealed class BoundGraph
{
    private readonly int[][] _lastRead;

    public BoundGraph(Graph graph)
    {
        Graph = graph;
        var last = new int[graph.Values.Length];
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            foreach (ValueId id in graph.Nodes[i].Inputs.Concat(graph.Nodes[i].Outputs))
            {
                last[id.Index] = i;
            }
        }

        HashSet<ValueId> kept = [.. graph.Outputs];
        _lastRead = [.. Enumerable.Range(0, graph.Nodes.Length).Select(_ => System.Array.Empty<int>())];
        var written = graph.Nodes.SelectMany(n => n.Outputs).Concat(graph.Inputs).Where(v => !kept.Contains(v));
        foreach (IGrouping<int, ValueId> group in written.GroupBy(v => last[v.Index]).Where(g => g.Key < _lastRead.Length))
        {
            _lastRead[group.Key] = [.. group.Select(v => v.Index)];
        }
    }

    /// <summary>The graph.</summary>
    public Graph Graph { get; }

    /// <summary>A place for each value, constants filled in.</summary>
    public Tensor?[] NewValues() => [.. Graph.Values.Select(v => v.Constant)];

    /// <summary>Lets go of the values that no node after this one reads.</summary>
    public void Release(int node, Tensor?[] values)
    {
        foreach (int index in _lastRead[node])
        {
            values[index] = null;
        }
    }
}
