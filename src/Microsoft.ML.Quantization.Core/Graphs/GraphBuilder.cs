using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>Builds a graph front to back; each node's output types are inferred, so a wrong node is refused where it is added.</summary>
public sealed class GraphBuilder
{
    private readonly ImmutableArray<Value>.Builder _values = ImmutableArray.CreateBuilder<Value>();
    private readonly ImmutableArray<Node>.Builder _nodes = ImmutableArray.CreateBuilder<Node>();
    private readonly ImmutableArray<ValueId>.Builder _inputs = ImmutableArray.CreateBuilder<ValueId>();
    private readonly ImmutableArray<ValueId>.Builder _outputs = ImmutableArray.CreateBuilder<ValueId>();
    private readonly HashSet<string> _valueNames = new(StringComparer.Ordinal);
    private readonly HashSet<string> _nodeNames = new(StringComparer.Ordinal);

    /// <summary>A value added so far.</summary>
    public Value this[ValueId id] => _values[id.Index];

    /// <summary>Adds a graph input.</summary>
    public ValueId AddInput(string name, ValueType type)
    {
        ValueId id = AddValue(new Value(CheckName(name), type));
        _inputs.Add(id);
        return id;
    }

    /// <summary>Adds a constant; of codes when <paramref name="quantization"/> is given. A taken name gets a number.</summary>
    public ValueId AddConstant(string name, Tensor values, AffineQuantization? quantization = null, bool isTrainable = false)
    {
        ArgumentNullException.ThrowIfNull(values);
        return AddValue(new Value(Unused(_valueNames, name), new ValueType(values.Type, values.Shape, quantization), values, isTrainable));
    }

    /// <summary>Adds a node with one output. The name of node and output default to the node's kind; a taken name gets a number.</summary>
    public ValueId Add(Node node, string? outputName = null) => AddAll(node, outputName is null ? [] : [outputName])[0];

    /// <summary>Adds a node with any number of outputs.</summary>
    /// <exception cref="QuantizationException">The node's rule refuses its inputs or attributes.</exception>
    public ImmutableArray<ValueId> AddAll(Node node, params ReadOnlySpan<string> outputNames)
    {
        ArgumentNullException.ThrowIfNull(node);
        foreach (ValueId input in node.Inputs)
        {
            if ((uint)input.Index >= (uint)_values.Count)
            {
                throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Node '{node.Name}': expected inputs that exist, found {input}.");
            }
        }

        string name = Unused(_nodeNames, node.Name.Length > 0 ? node.Name : node.Kind);
        ImmutableArray<ValueType> types = NodeCatalog.Infer(node with { Name = name }, [.. node.Inputs.Select(i => _values[i.Index])]);
        var outputs = ImmutableArray.CreateBuilder<ValueId>(types.Length);
        for (int i = 0; i < types.Length; i++)
        {
            string wanted = i < outputNames.Length ? outputNames[i] : types.Length == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}.{i}");
            outputs.Add(AddValue(new Value(Unused(_valueNames, wanted), types[i])));
        }

        _nodes.Add(node with { Name = name, Outputs = outputs.ToImmutable() });
        return outputs.ToImmutable();
    }

    /// <summary>Whether a value bears the name.</summary>
    public bool HasName(string name) => _valueNames.Contains(name);

    /// <summary>Whether the value is a graph input.</summary>
    public bool IsInput(ValueId id) => _inputs.Contains(id);

    /// <summary>Makes a value an output of the graph.</summary>
    public void AddOutput(ValueId id) => _outputs.Add(id);

    /// <summary>Gives a value another name, for example that of a graph output.</summary>
    public void Rename(ValueId id, string name)
    {
        _valueNames.Remove(_values[id.Index].Name);
        _values[id.Index] = _values[id.Index] with { Name = CheckName(name) };
        _valueNames.Add(name);
    }

    /// <summary>Hands the graph over.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidGraph"/> when there is no output.</exception>
    public Graph Build()
    {
        if (_outputs.Count == 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, "Graph: expected at least one output, found none.");
        }

        return new Graph(_values.ToImmutable(), _nodes.ToImmutable(), _inputs.ToImmutable(), _outputs.ToImmutable());
    }

    private static string Unused(HashSet<string> taken, string name)
    {
        string free = name;
        for (int i = 1; taken.Contains(free); i++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{name}_{i}");
        }

        taken.Add(free);
        return free;
    }

    private ValueId AddValue(Value value)
    {
        _valueNames.Add(value.Name);
        _values.Add(value);
        return new ValueId(_values.Count - 1);
    }

    private string CheckName(string name) => !string.IsNullOrEmpty(name) && !_valueNames.Contains(name)
        ? name
        : throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Value '{name}': expected a name that is not empty and not taken.");
}
