using System;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>Reads fields from untrusted memory: every length is held against what is left before anything is allocated; errors name section, offset and field.</summary>
internal ref struct FieldReader
{
    private static readonly UTF8Encoding _utf8 = new(false, throwOnInvalidBytes: true);
    private readonly ReadOnlySpan<byte> _data;
    private readonly string _section;
    private readonly string _file;
    private int _at;

    public FieldReader(ReadOnlySpan<byte> data, string section, string file = "Model file")
    {
        _data = data;
        _section = section;
        _file = file;
    }

    public readonly int Remaining => _data.Length - _at;

    public readonly QuantizationException Error(string field, string expected, string found) => new(
        QuantizationErrorCode.CorruptModel,
        string.Create(CultureInfo.InvariantCulture, $"{_file}, {_section} section, offset {_at}, field '{field}': expected {expected}, found {found}."));

    public int Byte(string field) => Take(1, field)[0];

    public int Int(string field) => BinaryPrimitives.ReadInt32LittleEndian(Take(4, field));

    public long Long(string field) => BinaryPrimitives.ReadInt64LittleEndian(Take(8, field));

    public float Float(string field) => BinaryPrimitives.ReadSingleLittleEndian(Take(4, field));

    /// <summary>A count of items that take at least <paramref name="itemLength"/> bytes each.</summary>
    public int Count(string field, int itemLength)
    {
        int count = Int(field);
        return count >= 0 && (long)count * itemLength <= Remaining
            ? count
            : throw Error(field, $"a count of 0 to {Remaining / itemLength}", count.ToString(CultureInfo.InvariantCulture));
    }

    public int Within(string field, int minimum, int maximum)
    {
        int value = Int(field);
        return value >= minimum && value <= maximum
            ? value
            : throw Error(field, $"{minimum} to {maximum}", value.ToString(CultureInfo.InvariantCulture));
    }

    public string Text(string field)
    {
        int length = Count(field, 1);
        if (length > ModelFormat.MaximumText)
        {
            throw Error(field, $"at most {ModelFormat.MaximumText} bytes", length.ToString(CultureInfo.InvariantCulture));
        }

        try
        {
            return _utf8.GetString(Take(length, field));
        }
        catch (DecoderFallbackException)
        {
            throw Error(field, "UTF-8 text", "other bytes");
        }
    }

    public ImmutableArray<int> Ints(string field)
    {
        var values = new int[Count(field, 4)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Int(field);
        }

        return ImmutableArray.Create(values);
    }

    public ImmutableArray<float> Floats(string field)
    {
        var values = new float[Count(field, 4)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Float(field);
        }

        return ImmutableArray.Create(values);
    }

    public ImmutableArray<byte> Bytes(string field) => [.. Take(Count(field, 1), field)];

    public ImmutableArray<string> Texts(string field)
    {
        var values = new string[Count(field, 4)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Text(field);
        }

        return ImmutableArray.Create(values);
    }

    public readonly void End()
    {
        if (Remaining != 0)
        {
            throw Error("end", "the end of the section", $"{Remaining} more bytes");
        }
    }

    private ReadOnlySpan<byte> Take(int length, string field)
    {
        if (length > Remaining)
        {
            throw Error(field, $"{length} bytes", $"{Remaining}");
        }

        ReadOnlySpan<byte> taken = _data.Slice(_at, length);
        _at += length;
        return taken;
    }
}
