using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Channels that stand or fall together: those of all layers whose outputs meet in additions or pass through the same normalizations.</summary>
/// <param name="Name">The name of the first layer.</param>
/// <param name="Count">Channels.</param>
/// <param name="Layers">Weights that write the channels along their first axis, by name.</param>
/// <param name="Scales">Scales of batch normalizations on the channels, by name.</param>
public sealed record ChannelGroup(string Name, int Count, ImmutableArray<string> Layers, ImmutableArray<string> Scales);

/// <summary>
/// Which channels of a float graph may be removed. A value's channels are its axis 1; behind a flattening reshape each stands for a run of columns. Values are joined by nodes that keep
/// channels apart (normalization, activation, pooling, additions of equal shapes, depthwise convolutions). What reaches an output, an input or any other node keeps all its channels.
/// </summary>
internal sealed class ChannelGroups
{
    private readonly Graph _graph;
    private readonly int[] _parent;
    private readonly int[] _run;
    private readonly bool[] _fixed;

    public ChannelGroups(Graph graph)
    {
        _graph = graph;
        _parent = [.. Enumerable.Range(0, graph.Values.Length)];
        _run = new int[graph.Values.Length];
        _fixed = new bool[graph.Values.Length];
        Array.Fill(_run, 1);
        HashSet<ValueId> shared = [.. graph.Nodes.SelectMany(n => n.Inputs.Where(i => graph[i].Constant is not null)).GroupBy(i => i).Where(g => g.Count() > 1).Select(g => g.Key)];
        foreach (Node node in graph.Nodes)
        {
            if (node.Inputs.Any(shared.Contains) || !Join(node))
            {
                Fix(node.Inputs);
                Fix(node.Outputs);
            }
        }

        Fix(graph.Inputs);
        Fix(graph.Outputs);
    }

    /// <summary>Channels per element of a value's group: its columns for one channel.</summary>
    public int RunOf(ValueId value) => _run[value.Index];

    /// <summary>The number of a value's group.</summary>
    public int GroupOf(ValueId value)
    {
        int at = value.Index;
        while (_parent[at] != at)
        {
            at = _parent[at];
        }

        return at;
    }

    /// <summary>Whether the channels of a group may be removed.</summary>
    public bool IsFree(int group) => !_fixed[group];

    /// <summary>The groups that may lose channels, with their numbers.</summary>
    public IEnumerable<(int Number, ChannelGroup Group)> Free()
    {
        foreach (IGrouping<int, Node> group in _graph.Nodes.Where(IsWriter).GroupBy(n => GroupOf(n.Output)))
        {
            if (IsFree(group.Key))
            {
                Node first = group.First();
                ImmutableArray<string> scales = [.. _graph.Nodes.OfType<BatchNormalization>().Where(n => GroupOf(n.Output) == group.Key).Select(n => _graph[n.Inputs[1]].Name)];
                yield return (group.Key, new ChannelGroup(first.Name, _graph[first.Output].Type.Shape[1], [.. group.Select(n => _graph[n.Inputs[1]].Name)], scales));
            }
        }
    }

    /// <summary>A layer whose outputs are new channels.</summary>
    public static bool IsWriter(Node node) => node is Convolution { Groups: 1 } or Dense;

    /// <summary>A convolution that keeps channels apart.</summary>
    public static bool IsDepthwise(Graph graph, Node node)
        => node is Convolution { Groups: > 1 } c && graph[c.Inputs[0]].Type.Shape[1] == c.Groups && graph[c.Output].Type.Shape[1] == c.Groups;

    private bool Join(Node node)
    {
        bool constants = node.Inputs.Skip(1).All(i => _graph[i].Constant is not null);
        switch (node)
        {
            case Convolution { Groups: 1 }:
                return constants;
            case Dense:
                return constants && _graph[node.Output].Type.Shape.Rank == 2;
            case Convolution when IsDepthwise(_graph, node) && constants:
            case BatchNormalization when constants:
            case MaxPool or AveragePool or GlobalAveragePool or Unary:
                Unite(node.Inputs[0], node.Output);
                return node.Outputs.Length == 1;
            case Binary { Operator: BinaryOperator.Add or BinaryOperator.Subtract or BinaryOperator.Multiply }:
                return JoinTwo(node);
            case Reshape:
                return Flatten(node);
            default:
                return false;
        }
    }

    private bool JoinTwo(Node node)
    {
        (Value a, Value b) = (_graph[node.Inputs[0]], _graph[node.Inputs[1]]);
        if (a.Constant is not null || b.Constant is not null || !a.Type.Shape.Equals(b.Type.Shape) || RunOf(node.Inputs[0]) != RunOf(node.Inputs[1]))
        {
            return false;
        }

        Unite(node.Inputs[0], node.Inputs[1]);
        Unite(node.Inputs[0], node.Output);
        return true;
    }

    /// <summary>[N, C, ..] → [N, C·..].</summary>
    private bool Flatten(Node node)
    {
        (Shape from, Shape to) = (_graph[node.Inputs[0]].Type.Shape, _graph[node.Output].Type.Shape);
        if (from.Rank < 2 || to.Rank != 2 || from[0] != to[0] || RunOf(node.Inputs[0]) != 1 || to[1] != from.CountOf(1, from.Rank) || node is not Reshape { Target: [_, -1] })
        {
            return false;
        }

        Unite(node.Inputs[0], node.Output);
        _run[node.Output.Index] = from.CountOf(2, from.Rank);
        return true;
    }

    private void Unite(ValueId a, ValueId b)
    {
        (int first, int second) = (GroupOf(a), GroupOf(b));
        _parent[second] = first;
        _fixed[first] |= _fixed[second];
        _run[b.Index] = _run[a.Index];
    }

    private void Fix(ImmutableArray<ValueId> values)
    {
        foreach (ValueId value in values)
        {
            _fixed[GroupOf(value)] = true;
        }
    }
}
