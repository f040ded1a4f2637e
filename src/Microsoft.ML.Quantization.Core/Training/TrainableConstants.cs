using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Which constants of a graph training may replace, and graphs with others in their place.</summary>
public static class TrainableConstants
{
    /// <summary>
    /// The same graph with every weight and bias of convolutions and dense layers, every constant of batch normalizations and every slope of PReLU marked trainable,
    /// as an imported network needs it. A marked mean makes its batch normalization use the statistics of the batch in training.
    /// </summary>
    public static Graph Mark(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        HashSet<ValueId> marked = [.. graph.Nodes.SelectMany(Parameters).Where(i => graph[i].Constant is not null)];
        return Rewrite(graph, id => marked.Contains(id) ? (graph.ConstantOf(id), true) : null);
    }

    /// <summary>The same graph with other values for the trainable constants of the given names.</summary>
    internal static Graph Replace(Graph graph, IReadOnlyDictionary<string, Tensor> constants)
        => Rewrite(graph, id => graph[id].IsTrainable && constants.TryGetValue(graph[id].Name, out Tensor? tensor) ? (tensor, true) : null);

    /// <summary>Names of the constants that are measured, never stepped: means and variances of batch normalizations that are trained with the batch's statistics, and measured parameters of quantizers.</summary>
    internal static HashSet<string> Statistics(Graph graph) => graph.Nodes.SelectMany(n => Measured(graph, n)).Select(i => graph[i].Name).ToHashSet(StringComparer.Ordinal);

    private static IEnumerable<ValueId> Measured(Graph graph, Node node) => node switch
    {
        BatchNormalization when graph[node.Inputs[3]].IsTrainable => node.Inputs.Skip(3),
        FoldedNormalization when graph[node.Inputs[4]].IsTrainable => node.Inputs.Skip(4),
        LearnedQuantize learned => node.Inputs.Skip(1).Where((_, i) => learned.Method.Parameters[i].Role == ParameterRole.Measured),
        _ => [],
    };

    private static IEnumerable<ValueId> Parameters(Node node) => node switch
    {
        Convolution or Dense or BatchNormalization => node.Inputs.Skip(1),
        Binary { Operator: BinaryOperator.PRelu } => node.Inputs.Skip(1),
        _ => [],
    };

    private static Graph Rewrite(Graph graph, Func<ValueId, (Tensor Values, bool IsTrainable)?> change)
    {
        var rewriter = new GraphRewriter(graph);
        HashSet<ValueId> done = [];
        foreach (Node node in graph.Nodes)
        {
            foreach (ValueId input in node.Inputs)
            {
                if (graph[input].Constant is not null && done.Add(input) && change(input) is { } changed)
                {
                    rewriter.Replace(input, rewriter.Builder.AddConstant(graph[input].Name, changed.Values, graph[input].Type.Quantization, changed.IsTrainable));
                }
            }

            rewriter.Copy(node);
        }

        return rewriter.Build();
    }
}
