using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Onnx.Proto;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>The attributes of one node, with type, count and range checked where they are read.</summary>
internal sealed class AttributeReader
{
    private readonly Dictionary<string, AttributeMessage> _items = new(StringComparer.Ordinal);
    private readonly string _place;

    public AttributeReader(NodeMessage node, string place)
    {
        _place = place;
        foreach (AttributeMessage attribute in node.Attributes)
        {
            Require(_items.TryAdd(attribute.Name, attribute), attribute.Name, "one attribute of a name", "two");
            Require(attribute.Reference.Length == 0, attribute.Name, "a value", "a reference into a function");
        }
    }

    /// <summary>Whether the attribute is there.</summary>
    public bool Has(string name) => _items.ContainsKey(name);

    /// <summary>Names of all attributes.</summary>
    public IEnumerable<string> Names => _items.Keys;

    /// <summary>An integer.</summary>
    public long Long(string name, long missing)
    {
        if (!_items.TryGetValue(name, out AttributeMessage? found))
        {
            return missing;
        }

        Require(found.HasInteger || found.Type == 2, name, "an integer", "another type");
        return found.Integer;
    }

    /// <summary>An integer of 32 bits.</summary>
    public int Int(string name, int missing) => ToInt(name, Long(name, missing));

    /// <summary>0 or 1.</summary>
    public bool Flag(string name, bool missing = false) => Long(name, missing ? 1 : 0) != 0;

    /// <summary>A float.</summary>
    public float Float(string name, float missing)
    {
        if (!_items.TryGetValue(name, out AttributeMessage? found))
        {
            return missing;
        }

        Require(found.HasReal || found.Type == 1, name, "a float", "another type");
        return found.Real;
    }

    /// <summary>A text.</summary>
    public string Text(string name, string missing)
    {
        if (!_items.TryGetValue(name, out AttributeMessage? found))
        {
            return missing;
        }

        Require(found.HasText, name, "a text", "another type");
        return found.Text.ToStringUtf8();
    }

    /// <summary>Integers, or null when the attribute is missing.</summary>
    public ImmutableArray<long>? Longs(string name) => _items.TryGetValue(name, out AttributeMessage? found) ? [.. found.Integers] : null;

    /// <summary>A known number of 32-bit integers.</summary>
    public ImmutableArray<int>? Ints(string name, int count)
    {
        if (!_items.TryGetValue(name, out AttributeMessage? found))
        {
            return null;
        }

        Require(found.Integers.Count == count, name, $"{count} integers", $"{found.Integers.Count}");
        return [.. found.Integers.Select(v => ToInt(name, v))];
    }

    /// <summary>Floats, or null when the attribute is missing.</summary>
    public ImmutableArray<float>? Floats(string name) => _items.TryGetValue(name, out AttributeMessage? found) ? [.. found.Reals] : null;

    /// <summary>A tensor, or null when the attribute is missing.</summary>
    public TensorMessage? Tensor(string name) => _items.TryGetValue(name, out AttributeMessage? found) ? found.Tensor : null;

    private int ToInt(string name, long value)
    {
        Require(value is >= int.MinValue and <= int.MaxValue, name, "an integer of 32 bits", value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return (int)value;
    }

    private void Require(bool condition, string name, string expected, string found)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"{_place}, attribute '{name}': expected {expected}, found {found}.");
        }
    }
}
