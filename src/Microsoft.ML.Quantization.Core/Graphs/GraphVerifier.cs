using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>Checks a whole graph: order, names, ids and every node's rule. Run after each pass and after reading a file.</summary>
public static class GraphVerifier
{
    /// <summary>Checks the graph.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidGraph"/> or the rule's own code.</exception>
    public static void Verify(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var known = new HashSet<ValueId>(graph.Inputs);
        var names = new HashSet<string>(StringComparer.Ordinal);
        CheckConstants(graph, known);
        foreach (Node node in graph.Nodes)
        {
            Require(names.Add(node.Name), node, "a name of its own");
            Require(node.Inputs.All(known.Contains), node, "inputs that are written before it");
            ImmutableArray<ValueType> types = NodeCatalog.Infer(node, [.. node.Inputs.Select(i => graph[i])]);
            Require(types.Length == node.Outputs.Length, node, $"{types.Length} outputs");
            for (int i = 0; i < types.Length; i++)
            {
                Require(known.Add(node.Outputs[i]), node, "outputs that no other node writes");
                Require(graph[node.Outputs[i]].Type == types[i], node, $"output {i} of type {types[i]}, found {graph[node.Outputs[i]].Type}");
            }
        }

        if (!graph.HasFreeBatch && graph.Values.FirstOrDefault(v => v.Type.Shape.IsFree) is { } free)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Value '{free.Name}': expected no free dimension, since no input of the graph has one, found {free.Type}.");
        }

        foreach (ValueId output in graph.Outputs)
        {
            if (!known.Contains(output))
            {
                throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Output {output}: expected a value that is written, found none.");
            }
        }
    }

    private static void CheckConstants(Graph graph, HashSet<ValueId> known)
    {
        for (int i = 0; i < graph.Values.Length; i++)
        {
            Value value = graph.Values[i];
            if (value.Constant is null)
            {
                continue;
            }

            if (value.Constant.Type != value.Type.Element || !value.Constant.Shape.Equals(value.Type.Shape))
            {
                throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Constant '{value.Name}': expected {value.Type}, found {value.Constant}.");
            }

            known.Add(new ValueId(i));
        }
    }

    private static void Require(bool condition, Node node, string expected)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"{node.Kind} '{node.Name}': expected {expected}.");
        }
    }
}
