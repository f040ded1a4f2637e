using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Drops nodes and constants that no output needs, left behind where one operator replaced another.</summary>
internal static class DeadValues
{
    public static Graph Remove(Graph graph)
    {
        var needed = new HashSet<ValueId>(graph.Outputs);
        for (int i = graph.Nodes.Length - 1; i >= 0; i--)
        {
            if (graph.Nodes[i].Outputs.Any(needed.Contains))
            {
                needed.UnionWith(graph.Nodes[i].Inputs);
            }
        }

        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes.Where(n => n.Outputs.Any(needed.Contains)))
        {
            rewriter.Copy(node);
        }

        return rewriter.Build();
    }
}
