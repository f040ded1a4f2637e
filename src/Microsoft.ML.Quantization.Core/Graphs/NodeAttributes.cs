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
        SetCode(prefix + ".code", value.Code, value.Range)
            .Set(prefix + ".groups", [(int)value.Granularity, value.Axis, value.GroupSize])
            .Set(prefix + ".scales", value.Scales)
            .Set(prefix + ".zeros", value.ZeroPoints);
        return value.Codebook is { } book ? SetCodebook(prefix, book) : this;
    }

    /// <summary>Adds a code type and the codes in use: [bits, signed, lowest, highest], and the space as a fifth number unless it is affine.</summary>
    public NodeAttributes SetCode(string name, CodeType code, IntegerRange range)
    {
        ImmutableArray<int> numbers = [code.Bits.Bits, code.Signed ? 1 : 0, range.Min, range.Max];
        return Set(name, code.Space == CodeSpace.Affine ? numbers : numbers.Add((int)code.Space));
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

    /// <summary>A code type and the codes in use, stored by <see cref="SetCode"/>.</summary>
    public (CodeType Code, IntegerRange Range) Code(string name)
    {
        ImmutableArray<int> numbers = Ints(name);
        if (numbers.Length is not (4 or 5) || (numbers.Length == 5 && !System.Enum.IsDefined((CodeSpace)numbers[4])))
        {
            throw Invalid(name, "4 numbers of code, or 5 with a known space", $"{numbers.Length}");
        }

        CodeSpace space = numbers.Length == 5 ? (CodeSpace)numbers[4] : CodeSpace.Affine;
        return (new CodeType(new BitWidth(numbers[0]), numbers[1] != 0, space), new IntegerRange(numbers[2], numbers[3]));
    }

    /// <summary>A quantizer stored by <see cref="Set(string, AffineQuantization)"/>, validated.</summary>
    public AffineQuantization Affine(string prefix)
    {
        (CodeType code, IntegerRange range) = Code(prefix + ".code");
        ImmutableArray<int> groups = Ints(prefix + ".groups");
        if (groups.Length != 3 || groups[0] is < 0 or > 2)
        {
            throw Invalid(prefix, "3 numbers of groups", $"{groups.Length}");
        }

        var value = new AffineQuantization
        {
            Code = code,
            Range = range,
            Granularity = (Granularity)groups[0],
            Axis = groups[1],
            GroupSize = groups[2],
            Scales = Floats(prefix + ".scales"),
            ZeroPoints = Ints(prefix + ".zeros"),
            Codebook = Has(prefix + ".books") ? Codebook(prefix) : null,
        };
        AffineRules.Check(value, prefix);
        return value;
    }

    private NodeAttributes SetCodebook(string prefix, Codebook book)
    {
        Set(prefix + ".books", [book.Entries, book.ChannelsPerBook]);
        return book.IsInteger
            ? Set(prefix + ".levels", (ImmutableArray<byte>)[.. book.Integers.Select(v => unchecked((byte)v))])
            : Set(prefix + ".levels", book.Reals);
    }

    private Codebook Codebook(string prefix)
    {
        ImmutableArray<int> numbers = Ints(prefix + ".books");
        if (numbers.Length != 2)
        {
            throw Invalid(prefix + ".books", "2 numbers of books", $"{numbers.Length}");
        }

        var book = new Codebook { Entries = numbers[0], ChannelsPerBook = numbers[1] };
        return _items.Any(i => i.Key == prefix + ".levels" && i.Value is ImmutableArray<float>)
            ? book with { Reals = Floats(prefix + ".levels") }
            : book with { Integers = [.. Bytes(prefix + ".levels").Select(b => unchecked((sbyte)b))] };
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
