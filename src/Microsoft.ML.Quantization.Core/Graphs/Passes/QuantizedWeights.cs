using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>What a quantizer of weights reads: trained weights, or those with the factor of a normalization folded in.</summary>
internal static class QuantizedWeights
{
    /// <summary>The trained constant behind a quantizer.</summary>
    public static ValueId Latent(Graph graph, LearnedQuantize node) => Folding(graph, node) is { } folded ? folded.Inputs[0] : node.Inputs[0];

    /// <summary>The values that the quantizer reads; null when they are not constant.</summary>
    public static Tensor? Values(Graph graph, LearnedQuantize node)
    {
        return Folding(graph, node) is null && graph[node.Inputs[0]].Constant is null ? null : Values(graph, node, graph.ConstantOf);
    }

    /// <summary>The values that the quantizer reads, where constants are those of a caller.</summary>
    public static Tensor Values(Graph graph, LearnedQuantize node, Func<ValueId, Tensor> constantOf)
    {
        if (Folding(graph, node) is not { } folded)
        {
            return constantOf(node.Inputs[0]);
        }

        Tensor[] inputs = [constantOf(folded.Inputs[0]), constantOf(folded.Inputs[1]), constantOf(folded.Inputs[2])];
        Tensor values = Tensor.Allocate(ElementType.Float32, inputs[0].Shape);
        folded.Evaluate(inputs, values);
        return values;
    }

    private static FoldedWeights? Folding(Graph graph, LearnedQuantize node) => graph[node.Inputs[0]].Constant is null ? graph.Producers()[node.Inputs[0].Index] as FoldedWeights : null;
}
