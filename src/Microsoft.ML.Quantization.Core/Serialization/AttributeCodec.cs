using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>Node attributes as tagged fields: 1 integer, 2 float, 3 text, 4 integers, 5 floats, 6 bytes.</summary>
internal static class AttributeCodec
{
    public static void Write(FieldWriter writer, NodeAttributes attributes)
    {
        writer.Int(attributes.Items.Count);
        foreach ((string name, object value) in attributes.Items)
        {
            writer.Text(name);
            WriteValue(writer, value);
        }
    }

    public static NodeAttributes Read(ref FieldReader reader)
    {
        var attributes = new NodeAttributes();
        int count = reader.Count("attributes", 5);
        for (int i = 0; i < count; i++)
        {
            string name = reader.Text("attribute name");
            attributes.Set(name, ReadValue(ref reader, name));
        }

        return attributes;
    }

    private static void WriteValue(FieldWriter writer, object value)
    {
        switch (value)
        {
            case long number:
                writer.Byte(1);
                writer.Long(number);
                break;
            case float number:
                writer.Byte(2);
                writer.Float(number);
                break;
            case string text:
                writer.Byte(3);
                writer.Text(text);
                break;
            case ImmutableArray<int> ints:
                writer.Byte(4);
                writer.Ints(ints);
                break;
            case ImmutableArray<float> floats:
                writer.Byte(5);
                writer.Floats(floats);
                break;
            case ImmutableArray<byte> bytes:
                writer.Byte(6);
                writer.Bytes(bytes.AsSpan());
                break;
            default:
                throw new ArgumentException($"An attribute cannot be a {value.GetType().Name}.", nameof(value));
        }
    }

    private static object ReadValue(ref FieldReader reader, string name)
    {
        int tag = reader.Byte(name);
        return tag switch
        {
            1 => reader.Long(name),
            2 => reader.Float(name),
            3 => reader.Text(name),
            4 => reader.Ints(name),
            5 => reader.Floats(name),
            6 => reader.Bytes(name),
            _ => throw reader.Error(name, "an attribute tag of 1 to 6", $"{tag}"),
        };
    }
}
