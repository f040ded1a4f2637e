using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Removes nodes that hand their input over unchanged. One that ties an output of the graph to an input, a constant or another output stays.</summary>
public static class RemoveIdentities
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var walk = new PassWalk(graph);
        var taken = new HashSet<ValueId>(graph.Outputs);
        HashSet<Node> gone = new(ReferenceEqualityComparer.Instance);
        var root = new Dictionary<ValueId, ValueId>();
        foreach (Node node in graph.Nodes.Where(n => IsIdentity(graph, n)))
        {
            ValueId source = root.GetValueOrDefault(node.Inputs[0], node.Inputs[0]);
            bool leaves = walk.IsOutput(node.Output);
            if (!leaves || (walk.Producer(source) is not null && taken.Add(source)))
            {
                gone.Add(node);
                root[node.Output] = source;
            }
        }

        return gone.Count == 0 ? graph : PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (!gone.Contains(node))
            {
                return false;
            }

            rewriter.Replace(node.Output, rewriter.Map(node.Inputs[0]));
            return true;
        });
    }

    private static bool IsIdentity(Graph graph, Node node) => node.Outputs.Length == 1 && node.Inputs.Length > 0
        && graph[node.Output].Type == graph[node.Inputs[0]].Type
        && node switch
        {
            Reshape or Expand or Cast => true,
            Concat => node.Inputs.Length == 1,
            Split => true,
            Transpose transpose => transpose.Permutation.SequenceEqual(Enumerable.Range(0, transpose.Permutation.Length)),
            Pad pad => pad.Before.All(p => p == 0) && pad.After.All(p => p == 0),
            Slice slice => slice.Steps.All(s => s == 1),
            Unary { Operator: UnaryOperator.Clip } clip => float.IsNegativeInfinity(clip.Alpha) && float.IsPositiveInfinity(clip.Beta),
            _ => false,
        };
}
