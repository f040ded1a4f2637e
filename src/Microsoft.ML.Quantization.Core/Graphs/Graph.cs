using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>
/// An immutable network: values and nodes in topological order, logically ONNX (NCHW, ONNX's axis numbers). Build one with
/// <see cref="GraphBuilder"/>, which checks as it goes.
/// </summary>
public sealed class Graph
{
    private readonly Dictionary<string, ValueId> _byName;

    internal Graph(ImmutableArray<Value> values, ImmutableArray<Node> nodes, ImmutableArray<ValueId> inputs, ImmutableArray<ValueId> outputs)
    {
        Values = values;
        Nodes = nodes;
        Inputs = inputs;
        Outputs = outputs;
        _byName = values.Select((value, index) => (value.Name, index)).ToDictionary(p => p.Name, p => new ValueId(p.index), StringComparer.Ordinal);
    }

    /// <summary>All values; a <see cref="ValueId"/> is an index into it.</summary>
    public ImmutableArray<Value> Values { get; }

    /// <summary>The nodes, each behind the nodes whose outputs it reads.</summary>
    public ImmutableArray<Node> Nodes { get; }

    /// <summary>Values that the caller gives.</summary>
    public ImmutableArray<ValueId> Inputs { get; }

    /// <summary>Values that the caller gets.</summary>
    public ImmutableArray<ValueId> Outputs { get; }

    /// <summary>A value.</summary>
    public Value this[ValueId id] => Values[id.Index];

    /// <summary>Whether a dimension of an input is free.</summary>
    public bool HasFreeBatch => Inputs.Any(i => this[i].Type.Shape.IsFree);

    /// <summary>The values of a constant.</summary>
    /// <exception cref="InvalidOperationException">The value is no constant.</exception>
    public Tensor ConstantOf(ValueId id) => this[id].Constant ?? throw new InvalidOperationException($"'{this[id].Name}' is not a constant.");

    /// <summary>Looks a value up by name.</summary>
    public bool TryFind(string name, out ValueId id) => _byName.TryGetValue(name, out id);

    /// <summary>The node that writes each value, or null for inputs and constants.</summary>
    public Node?[] Producers()
    {
        var producers = new Node?[Values.Length];
        foreach (Node node in Nodes)
        {
            foreach (ValueId output in node.Outputs)
            {
                producers[output.Index] = node;
            }
        }

        return producers;
    }

    /// <summary>The nodes that read each value, in order; a node that reads a value twice stands there once.</summary>
    public List<Node>[] Consumers()
    {
        var consumers = new List<Node>[Values.Length];
        for (int i = 0; i < consumers.Length; i++)
        {
            consumers[i] = [];
        }

        foreach (Node node in Nodes)
        {
            foreach (ValueId input in node.Inputs.Distinct())
            {
                consumers[input.Index].Add(node);
            }
        }

        return consumers;
    }

    /// <summary>The same graph with the free batch bound: every type is inferred anew.</summary>
    public Graph Bind(int batch)
    {
        if (!HasFreeBatch)
        {
            return this;
        }

        var rewriter = new GraphRewriter(this, batch);
        foreach (Node node in Nodes)
        {
            rewriter.Copy(node is Expand expand ? expand with { Target = [.. expand.Target.Select(d => d == Shape.Free ? batch : d)] } : node);
        }

        return rewriter.Build();
    }
}
