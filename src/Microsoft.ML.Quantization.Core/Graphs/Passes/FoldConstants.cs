using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Replaces nodes whose inputs are all constants by their results. Quantizing nodes stay: their parameters are facts about the model.</summary>
public static class FoldConstants
{
    /// <summary>Runs the pass; <paramref name="evaluate"/> computes single nodes.</summary>
    public static Graph Run(Graph graph, GraphFunction evaluate)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(evaluate);
        var known = new Dictionary<ValueId, Tensor>();
        for (int i = 0; i < graph.Values.Length; i++)
        {
            if (graph.Values[i].Constant is { } constant)
            {
                known[new ValueId(i)] = constant;
            }
        }

        return PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (node is FakeQuantize or Quantize or Dequantize || node.Inputs.Length == 0 || !node.Inputs.All(known.ContainsKey))
            {
                return false;
            }

            IReadOnlyList<Tensor> results = Evaluate(graph, node, [.. node.Inputs.Select(i => known[i])], evaluate);
            for (int i = 0; i < results.Count; i++)
            {
                Value old = graph[node.Outputs[i]];
                known[node.Outputs[i]] = results[i];
                rewriter.Replace(node.Outputs[i], rewriter.Builder.AddConstant(old.Name, results[i], old.Type.Quantization));
            }

            return true;
        });
    }

    private static IReadOnlyList<Tensor> Evaluate(Graph graph, Node node, Tensor[] inputs, GraphFunction evaluate)
    {
        var builder = new GraphBuilder();
        var ids = new List<ValueId>();
        var parameters = new List<Tensor>();
        for (int i = 0; i < inputs.Length; i++)
        {
            // Rules that ask for constants (weights) get them; everything else is handed over as an input.
            ids.Add(NeedsConstants(node) && i > 0
                ? builder.AddConstant($"c{i}", inputs[i], graph[node.Inputs[i]].Type.Quantization)
                : builder.AddInput($"x{i}", new ValueType(inputs[i].Type, inputs[i].Shape, graph[node.Inputs[i]].Type.Quantization)));
            if (!NeedsConstants(node) || i == 0)
            {
                parameters.Add(inputs[i]);
            }
        }

        ImmutableArray<ValueId> outputs = builder.AddAll(node with { Inputs = [.. ids] });
        foreach (ValueId output in outputs)
        {
            builder.AddOutput(output);
        }

        return evaluate(builder.Build(), parameters);
    }

    private static bool NeedsConstants(Node node) => node is IntegerConvolution or IntegerDense or GroupedDense;
}
