using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>
/// The common part of all passes: walks a graph and builds a new one. Inputs are there from the start; a constant comes over when something first
/// reads it; the pass copies a node, or adds others and maps its outputs.
/// </summary>
public sealed class GraphRewriter
{
    private readonly Dictionary<ValueId, ValueId> _map = [];

    /// <summary>Starts a copy of <paramref name="source"/>; with <paramref name="batch"/>, free dimensions of its inputs are bound.</summary>
    public GraphRewriter(Graph source, int? batch = null)
    {
        System.ArgumentNullException.ThrowIfNull(source);
        Source = source;
        foreach (ValueId input in source.Inputs)
        {
            Value value = source[input];
            ValueType type = batch is int n ? value.Type with { Shape = value.Type.Shape.Bind(n) } : value.Type;
            _map[input] = Builder.AddInput(value.Name, type);
        }
    }

    /// <summary>The graph that is read.</summary>
    public Graph Source { get; }

    /// <summary>The graph that is written.</summary>
    public GraphBuilder Builder { get; } = new();

    /// <summary>The new value that stands for an old one.</summary>
    public ValueId Map(ValueId old)
    {
        if (!_map.TryGetValue(old, out ValueId mapped))
        {
            Value value = Source[old];
            mapped = Builder.AddConstant(value.Name, Source.ConstantOf(old), value.Type.Quantization, value.IsTrainable);
            _map[old] = mapped;
        }

        return mapped;
    }

    /// <summary>The new values that stand for old ones.</summary>
    public ImmutableArray<ValueId> Map(ImmutableArray<ValueId> old) => [.. old.Select(Map)];

    /// <summary>From here on, <paramref name="replacement"/> stands for <paramref name="old"/>.</summary>
    public void Replace(ValueId old, ValueId replacement) => _map[old] = replacement;

    /// <summary>Copies a node with its inputs mapped; its outputs keep their names.</summary>
    public ImmutableArray<ValueId> Copy(Node node)
    {
        System.ArgumentNullException.ThrowIfNull(node);
        return Emit(node, node with { Inputs = Map(node.Inputs) });
    }

    /// <summary>Adds <paramref name="replacement"/> (inputs already mapped) in the place of <paramref name="old"/>; it takes over names and outputs.</summary>
    public ImmutableArray<ValueId> Emit(Node old, Node replacement)
    {
        System.ArgumentNullException.ThrowIfNull(old);
        System.ArgumentNullException.ThrowIfNull(replacement);
        ImmutableArray<ValueId> outputs = Builder.AddAll(replacement, [.. old.Outputs.Select(o => Source[o].Name)]);
        for (int i = 0; i < old.Outputs.Length; i++)
        {
            _map[old.Outputs[i]] = outputs[i];
        }

        return outputs;
    }

    /// <summary>
    /// Adds the outputs and hands the new graph over. An output that another node's value replaced takes its old name, if that name is free and
    /// the value is not itself an output under its own name.
    /// </summary>
    public Graph Build()
    {
        ImmutableArray<ValueId> outputs = [.. Source.Outputs.Select(Map)];
        for (int i = 0; i < outputs.Length; i++)
        {
            string name = Source[Source.Outputs[i]].Name;
            bool first = outputs.IndexOf(outputs[i]) == i;
            if (first && Builder[outputs[i]].Name != name && !Builder.HasName(name) && !Builder.IsInput(outputs[i]))
            {
                Builder.Rename(outputs[i], name);
            }

            Builder.AddOutput(outputs[i]);
        }

        return Builder.Build();
    }
}
