using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Which values hold codes that the caller gives, perhaps moved about: these may be any of their type, while codes made inside stay in their quantizer's range.</summary>
internal static class GivenCodes
{
    /// <summary>The inputs of a graph and what nodes that only move or compare codes make of them.</summary>
    public static HashSet<ValueId> Of(Graph graph)
    {
        HashSet<ValueId> given = [.. graph.Inputs.Where(i => graph[i].Type.IsCodes)];
        foreach (Node node in given.Count == 0 ? [] : graph.Nodes)
        {
            if (Moves(node) && node.Inputs.Any(given.Contains))
            {
                given.UnionWith(node.Outputs);
            }
        }

        return given;
    }

    private static bool Moves(Node node) => node is Reshape or Transpose or Slice or Split or Concat or Pad or Gather or Expand or Resize or MaxPool;
}
