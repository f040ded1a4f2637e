using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>A stable text of a graph, one line a value or node; used in tests, diffs and messages.</summary>
public static class GraphPrinter
{
    private const int LongestList = 8;

    /// <summary>The text.</summary>
    public static string Print(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var text = new StringBuilder();
        foreach (ValueId input in graph.Inputs)
        {
            text.Append("input ").Append(graph[input].Name).Append(": ").Append(graph[input].Type).Append('\n');
        }

        foreach (Node node in graph.Nodes)
        {
            text.Append(Print(graph, node)).Append('\n');
        }

        return text.Append("output ").AppendJoin(", ", graph.Outputs.Select(o => graph[o].Name)).Append('\n').ToString();
    }

    /// <summary>One node's line.</summary>
    public static string Print(Graph graph, Node node)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(node);
        var attributes = new NodeAttributes();
        node.Describe(attributes);
        string outputs = string.Join(", ", node.Outputs.Select(o => $"{graph[o].Name}: {graph[o].Type}"));
        string inputs = string.Join(", ", node.Inputs.Select(i => graph[i].Constant is null ? graph[i].Name : $"const {graph[i].Name} {graph[i].Type}"));
        string list = string.Join(" ", attributes.Items.Select(a => $"{a.Key}={Text(a.Value)}"));
        return $"{outputs} = {node.Kind}({inputs})" + (list.Length > 0 ? " " + list : string.Empty);
    }

    private static string Text(object value) => value switch
    {
        ImmutableArray<int> ints => List(ints, i => i.ToString(CultureInfo.InvariantCulture)),
        ImmutableArray<float> floats => List(floats, f => f.ToString("R", CultureInfo.InvariantCulture)),
        ImmutableArray<byte> bytes => List(bytes, b => b.ToString(CultureInfo.InvariantCulture)),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => (string)value,
    };

    private static string List<T>(ImmutableArray<T> items, Func<T, string> text)
    {
        IEnumerable<string> shown = items.Take(LongestList).Select(text);
        return "[" + string.Join(",", shown) + (items.Length > LongestList ? $",..{items.Length}]" : "]");
    }
}
