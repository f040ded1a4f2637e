using System;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Takes FakeQuantize nodes out, so that a network that was quantized once can be quantized anew. Weights keep the values that they had.</summary>
public static class RemoveFakeQuantize
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Graph plain = PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (node is not FakeQuantize)
            {
                return false;
            }

            rewriter.Replace(node.Output, rewriter.Map(node.Inputs[0]));
            return true;
        });
        return RemoveDead.Run(plain);
    }
}
