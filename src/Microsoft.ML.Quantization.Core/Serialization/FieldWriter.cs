using System;
using System.Collections.Immutable;
using System.IO;
using System.Text;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>Writes fields little-endian into memory.</summary>
internal sealed class FieldWriter
{
    private readonly MemoryStream _stream = new();
    private readonly BinaryWriter _writer;

    public FieldWriter() => _writer = new BinaryWriter(_stream, Encoding.UTF8);

    public byte[] ToArray()
    {
        _writer.Flush();
        return _stream.ToArray();
    }

    public void Byte(int value) => _writer.Write(checked((byte)value));

    public void Int(int value) => _writer.Write(value);

    public void Long(long value) => _writer.Write(value);

    public void Float(float value) => _writer.Write(value);

    public void Text(string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        if (bytes.Length > ModelFormat.MaximumText)
        {
            throw new QuantizationException(QuantizationErrorCode.ModelLimitExceeded, $"A text of the model: expected at most {ModelFormat.MaximumText} bytes, found {bytes.Length}.");
        }

        Int(bytes.Length);
        _writer.Write(bytes);
    }

    public void Ints(ImmutableArray<int> values)
    {
        Int(values.Length);
        foreach (int value in values)
        {
            Int(value);
        }
    }

    public void Floats(ImmutableArray<float> values)
    {
        Int(values.Length);
        foreach (float value in values)
        {
            Float(value);
        }
    }

    public void Bytes(ReadOnlySpan<byte> values)
    {
        Int(values.Length);
        _writer.Write(values);
    }

    public void Texts(ImmutableArray<string> values)
    {
        Int(values.Length);
        foreach (string value in values)
        {
            Text(value);
        }
    }
}
