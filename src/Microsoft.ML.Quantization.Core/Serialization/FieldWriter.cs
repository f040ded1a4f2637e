using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>Writes fields little-endian into memory.</summary>
internal sealed class FieldWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    public void Byte(int value)
    {
        _buffer.GetSpan(1)[0] = checked((byte)value);
        _buffer.Advance(1);
    }

    public void Int(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
    }

    public void Long(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
    }

    public void Float(float value) => Int(BitConverter.SingleToInt32Bits(value));

    public void Text(string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        if (bytes.Length > ModelFormat.MaximumText)
        {
            throw new QuantizationException(QuantizationErrorCode.ModelLimitExceeded, $"A text of the model: expected at most {ModelFormat.MaximumText} bytes, found {bytes.Length}.");
        }

        Int(bytes.Length);
        _buffer.Write(bytes);
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
        _buffer.Write(values);
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
