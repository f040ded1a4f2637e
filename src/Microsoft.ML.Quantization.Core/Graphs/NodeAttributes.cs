using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>
/// The attributes of a node as an ordered list of (name, value), a value being a long, float, string, or an immutable array of int,
/// float or byte. The one form between node records, the printer and the file.
/// </summary>
public sealed class NodeAttributes
{
    private readonly List<KeyValuePair<string, object>> _items = [];

    /// <summary>The attributes in order.</summary>
    public IReadOnlyList<KeyValuePair<string, object>> Items => _items;

    /// <summary>Adds a value of one of the six kinds.</summary>
    public NodeAttributes Set(string name, object value)
    {
        if (value is not (long or float or string or ImmutableArray<int> or ImmutableArray<float> or ImmutableArray<byte>))
        {
            throw new ArgumentException($"Attribute '{name}': a {value?.GetType().Name} cannot be an attribute.", nameof(value));
        }

        _items.Add(new(name, value));
        return this;
    }

    /// <summary>Adds an integer.</summary>
    public NodeAttributes Set(string name, int value) => Set(name, (object)(long)value);

    /// <summary>Adds a flag as 0 or 1.</summary>
    public NodeAttributes Set(string name, bool value) => Set(name, (object)(value ? 1L : 0L));

    /// <summary>Adds a float.</summary>
    public NodeAttributes Set(string name, float value) => Set(name, (object)value);

    /// <summary>Adds an enumeration's number.</summary>
    public NodeAttributes Set(string name, Enum value) => Set(name, (object)Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Adds integers.</summary>
    public NodeAttributes Set(string name, ImmutableArray<int> value) => Set(name, (object)value);

    /// <summary>Adds floats.</summary>
    public NodeAttributes Set(string name, ImmutableArray<float> value) => Set(name, (object)value);

    /// <summary>Adds bytes.</summary>
    public NodeAttributes Set(string name, ImmutableArray<byte> value) => Set(name, (object)value);

    /// <summary>Adds a quantizer as a group of attributes with a common prefix.</summary>
    public NodeAttributes Set(string prefix, AffineQuantization value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Set(prefix + ".code", [value.Code.Bits.Bits, value.Code.Signed ? 1 : 0, value.Range.Min, value.Range.Max])
            .Set(prefix + ".groups", [(int)value.Granularity, value.Axis, value.GroupSize])
            .Set(prefix + ".scales", value.Scales)
            .Set(prefix + ".zeros", value.ZeroPoints);
    }

    /// <summary>Whether the attribute is there.</summary>
    public bool Has(string name) => _items.Any(i => i.Key == name);

    /// <summary>An integer attribute.</summary>
    public int Int(string name) => checked((int)Get<long>(name));

    /// <summary>A flag.</summary>
    public bool Flag(string name) => Get<long>(name) != 0;

    /// <summary>A float attribute.</summary>
    public float Float(string name) => Get<float>(name);

    /// <summary>A text.</summary>
    public string Text(string name) => Get<string>(name);

    /// <summary>Integers.</summary>
    public ImmutableArray<int> Ints(string name) => Get<ImmutableArray<int>>(name);

    /// <summary>Floats.</summary>
    public ImmutableArray<float> Floats(string name) => Get<ImmutableArray<float>>(name);

    /// <summary>Bytes.</summary>
    public ImmutableArray<byte> Bytes(string name) => Get<ImmutableArray<byte>>(name);

    /// <summary>An enumeration.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidAttribute"/> when the number has no name.</exception>
    public T Enum<T>(string name)
        where T : struct, Enum
    {
        T value = (T)System.Enum.ToObject(typeof(T), Get<long>(name));
        return System.Enum.IsDefined(value) ? value : throw Invalid(name, $"a {typeof(T).Name}", value.ToString());
    }

    /// <summary>A quantizer stored by <see cref="Set(string, AffineQuantization)"/>, validated.</summary>
    public AffineQuantization Affine(string prefix)
    {
        ImmutableArray<int> code = Ints(prefix + ".code");
        ImmutableArray<int> groups = Ints(prefix + ".groups");
        if (code.Length != 4 || groups.Length != 3 || groups[0] is < 0 or > 2)
        {
            throw Invalid(prefix, "4 numbers of code and 3 of groups", $"{code.Length} and {groups.Length}");
        }

        var type = new CodeType(new BitWidth(code[0]), code[1] != 0);
        var value = new AffineQuantization
        {
            Code = type,
            Range = new IntegerRange(code[2], code[3]),
            Granularity = (Granularity)groups[0],
            Axis = groups[1],
            GroupSize = groups[2],
            Scales = Floats(prefix + ".scales"),
            ZeroPoints = Ints(prefix + ".zeros"),
        };
        AffineRules.Check(value, prefix);
        return value;
    }

    private static QuantizationException Invalid(string name, string expected, string? found)
        => new(QuantizationErrorCode.InvalidAttribute, $"Attribute '{name}': expected {expected}, found {found ?? "nothing"}.");

    private T Get<T>(string name)
    {
        foreach ((string key, object value) in _items)
        {
            if (key == name)
            {
                return value is T typed ? typed : throw Invalid(name, typeof(T).Name, value.GetType().Name);
            }
        }

        throw Invalid(name, typeof(T).Name, null);
    }
}
