using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Takes FakeQuantize nodes out and decodes stored constants, so that a network that was quantized once can be quantized anew. Weights keep the values that they had.</summary>
public static class RemoveFakeQuantize
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Graph plain = PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            Value source = node.Inputs.Length > 0 ? graph[node.Inputs[0]] : graph[node.Output];
            bool stored = node is Dequantize && source.Constant is not null;
            if (stored)
            {
                Tensor reals = source.Type.Quantization!.Decode(source.Constant!);
                rewriter.Replace(node.Output, rewriter.Builder.AddConstant(graph[node.Output].Name, reals, isTrainable: source.IsTrainable));
            }
            else if (node is FakeQuantize)
            {
                rewriter.Replace(node.Output, rewriter.Map(node.Inputs[0]));
            }

            return stored || node is FakeQuantize;
        });
        return RemoveDead.Run(plain);
    }
}
