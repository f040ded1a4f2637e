using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Removes nodes none of whose outputs reaches an output of the graph, and constants that nothing reads. Inputs stay.</summary>
public static class RemoveDead
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var live = new HashSet<ValueId>(graph.Outputs);
        foreach (Node node in graph.Nodes.Reverse())
        {
            if (node.Outputs.Any(live.Contains))
            {
                live.UnionWith(node.Inputs);
            }
        }

        return PassWalk.Rewrite(graph, (_, node) => !node.Outputs.Any(live.Contains));
    }
}
