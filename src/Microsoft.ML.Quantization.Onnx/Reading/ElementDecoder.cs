using System;
using System.Buffers.Binary;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>Little-endian bytes of types that have another form in memory.</summary>
internal static class ElementDecoder
{
    /// <summary>Fills <paramref name="target"/>; the lengths have been checked.</summary>
    public static void Decode(ReadOnlySpan<byte> bytes, DataFormat format, Tensor target)
    {
        switch (format.Element)
        {
            case ElementType.Float32:
                Floats(bytes, format.Type, target.Writable<float>());
                break;
            case ElementType.Boolean:
                Booleans(bytes, target.Writable<bool>());
                break;
            case ElementType.Int32:
                UInt16s(bytes, target.Writable<int>());
                break;
            case ElementType.Int64:
                Unsigned(bytes, format.Bits / 8, target.Writable<long>());
                break;
            default:
                Packed(bytes, format, target.WritableBytes);
                break;
        }
    }

    private static void Floats(ReadOnlySpan<byte> bytes, DataType type, Span<float> target)
    {
        int size = type == DataType.Double ? 8 : 2;
        for (int i = 0; i < target.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes.Slice(i * size, size);
            target[i] = type switch
            {
                DataType.Double => (float)BinaryPrimitives.ReadDoubleLittleEndian(element),
                DataType.Float16 => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
                _ => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
            };
        }
    }

    private static void Booleans(ReadOnlySpan<byte> bytes, Span<bool> target)
    {
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = bytes[i] != 0;
        }
    }

    private static void UInt16s(ReadOnlySpan<byte> bytes, Span<int> target)
    {
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]);
        }
    }

    private static void Unsigned(ReadOnlySpan<byte> bytes, int size, Span<long> target)
    {
        for (int i = 0; i < target.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes[(size * i)..];
            target[i] = size == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(element) : BinaryPrimitives.ReadInt64LittleEndian(element);
        }
    }

    /// <summary>Elements of 2 or 4 bits, the first in the lowest bits.</summary>
    private static void Packed(ReadOnlySpan<byte> bytes, DataFormat format, Span<byte> target)
    {
        int each = 8 / format.Bits;
        int unused = 8 - format.Bits;
        for (int i = 0; i < target.Length; i++)
        {
            int high = (byte)(bytes[i / each] << (unused - (i % each * format.Bits)));
            target[i] = (byte)(format.IsSigned ? (sbyte)high >> unused : high >> unused);
        }
    }
}
