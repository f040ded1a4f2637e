using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Onnx.Proto;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>The nodes that the outputs need, each behind what it reads; the file's order where that allows.</summary>
internal sealed class GraphOrder
{
    private readonly Dictionary<string, int> _producers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _given;
    private readonly GraphMessage _graph;

    public GraphOrder(GraphMessage graph)
    {
        _graph = graph;
        _given = CollectGiven(graph);
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (string output in graph.Nodes[i].Outputs.Where(o => o.Length > 0))
            {
                if (_given.Contains(output) || !_producers.TryAdd(output, i))
                {
                    throw Invalid($"expected one source of each value, found two of '{output}'");
                }
            }
        }

        bool[] needed = Needed();
        Nodes = [.. Sort(needed).Select(i => graph.Nodes[i])];
        Read = [.. Nodes.SelectMany(n => n.Inputs).Concat(graph.Outputs.Select(o => o.Name)).Where(n => n.Length > 0)];
    }

    /// <summary>The nodes in order.</summary>
    public IReadOnlyList<NodeMessage> Nodes { get; }

    /// <summary>Names that nodes or outputs read.</summary>
    public HashSet<string> Read { get; }

    private static HashSet<string> CollectGiven(GraphMessage graph)
    {
        var inputs = new HashSet<string>(StringComparer.Ordinal);
        foreach (ValueMessage input in graph.Inputs)
        {
            Require(input.Name.Length > 0 && inputs.Add(input.Name), $"expected inputs with names of their own, found '{input.Name}' twice or without a name");
        }

        var initializers = new HashSet<string>(StringComparer.Ordinal);
        foreach (TensorMessage initializer in graph.Initializers)
        {
            Require(initializer.Name.Length > 0 && initializers.Add(initializer.Name), $"expected initializers with names of their own, found '{initializer.Name}' twice or without a name");
        }

        inputs.UnionWith(initializers);
        return inputs;
    }

    private bool[] Needed()
    {
        var needed = new bool[_graph.Nodes.Count];
        var open = new Stack<(string Name, int Reader)>();
        foreach (ValueMessage output in _graph.Outputs)
        {
            open.Push((output.Name, -1));
        }

        while (open.TryPop(out (string Name, int Reader) value))
        {
            if (!_producers.TryGetValue(value.Name, out int node))
            {
                Require(_given.Contains(value.Name), $"expected a source for each value, found none for '{value.Name}', which {Reader(value.Reader)} reads; it is no input, no initializer and no node's output. Export the model again with its weights");
                continue;
            }

            if (!needed[node])
            {
                needed[node] = true;
                foreach (string input in _graph.Nodes[node].Inputs.Where(i => i.Length > 0))
                {
                    open.Push((input, node));
                }
            }
        }

        return needed;
    }

    private string Reader(int node) => node < 0 ? "an output of the graph" : $"{_graph.Nodes[node].Operator} '{_graph.Nodes[node].Name}'";

    private List<int> Sort(bool[] needed)
    {
        var waiting = new int[needed.Length];
        var readers = new List<int>?[needed.Length];
        var ready = new PriorityQueue<int, int>();
        for (int i = 0; i < needed.Length; i++)
        {
            int[] sources = needed[i] ? [.. _graph.Nodes[i].Inputs.Where(_producers.ContainsKey).Select(n => _producers[n]).Distinct()] : [];
            waiting[i] = sources.Length;
            foreach (int source in sources)
            {
                (readers[source] ??= []).Add(i);
            }

            if (needed[i] && sources.Length == 0)
            {
                ready.Enqueue(i, i);
            }
        }

        var order = new List<int>();
        while (ready.TryDequeue(out int node, out _))
        {
            order.Add(node);
            foreach (int reader in readers[node] ?? [])
            {
                if (--waiting[reader] == 0)
                {
                    ready.Enqueue(reader, reader);
                }
            }
        }

        string[] stuck = [.. Enumerable.Range(0, needed.Length).Where(i => needed[i] && waiting[i] > 0).Take(5).Select(i => $"'{_graph.Nodes[i].Name}' ({_graph.Nodes[i].Operator})")];
        Require(stuck.Length == 0, $"expected no cycle, found one through {string.Join(", ", stuck)}");
        return order;
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw Invalid(message);
        }
    }

    private static QuantizationException Invalid(string message) => new(QuantizationErrorCode.InvalidGraph, $"Graph: {message}.");
}
