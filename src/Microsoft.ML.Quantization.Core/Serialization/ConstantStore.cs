using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>
/// The weight section: each constant at a multiple of 64, codes of fewer than 8 bits packed at their true width with every row (index of
/// the first axis) beginning at a new byte. A row of its own 64-byte boundary would waste more than narrow weights save.
/// </summary>
internal static class ConstantStore
{
    /// <summary>Bits of one packed code, or 0 when the elements are stored as they are in memory.</summary>
    public static int PackedBits(ValueType type) => type.Quantization is { } quantization && quantization.Code.Bits.Bits < 8 ? quantization.Code.Bits.Bits : 0;

    /// <summary>Bytes that a constant takes.</summary>
    public static long Length(ValueType type)
    {
        int bits = PackedBits(type);
        if (bits == 0)
        {
            return (long)type.Shape.Count * type.Element.SizeOf();
        }

        (int rows, int columns) = Rows(type.Shape);
        return (long)rows * BitPacking.PackedLength(columns, bits);
    }

    /// <summary>Offsets of the constants in the section, in the values' order, and the section's length.</summary>
    public static (Dictionary<ValueId, long> Offsets, long Length) Plan(Graph graph)
    {
        var offsets = new Dictionary<ValueId, long>();
        long at = 0;
        for (int i = 0; i < graph.Values.Length; i++)
        {
            if (graph.Values[i].Constant is not null)
            {
                offsets[new ValueId(i)] = at;
                at = ModelFormat.Align(at + Length(graph.Values[i].Type));
            }
        }

        return (offsets, at);
    }

    /// <summary>Writes one constant into its place.</summary>
    public static void Write(Value value, Span<byte> destination)
    {
        int bits = PackedBits(value.Type);
        ReadOnlySpan<byte> source = value.Constant!.Bytes.Span;
        if (bits == 0)
        {
            source.CopyTo(destination);
            return;
        }

        (int rows, int columns) = Rows(value.Type.Shape);
        int length = BitPacking.PackedLength(columns, bits);
        for (int i = 0; i < rows; i++)
        {
            BitPacking.Pack(source.Slice(i * columns, columns), bits, destination.Slice(i * length, length));
        }
    }

    /// <summary>Reads one constant; whole elements stay where they are, packed codes are unpacked to one byte each.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.CorruptModel"/>: outside the section, not aligned, or a code outside its range.</exception>
    public static Tensor Read(string name, ValueType type, WeightSection section, long offset)
    {
        long length = Length(type);
        if (offset < 0 || offset % ModelFormat.Alignment != 0 || offset > section.Length - length)
        {
            throw Corrupt(name, $"an aligned place of {length} bytes in the weight section of {section.Length}", string.Create(CultureInfo.InvariantCulture, $"offset {offset}"));
        }

        if (!section.TryTake(length))
        {
            throw Corrupt(name, $"constants with bytes of their own in the weight section of {section.Length}", "more bytes of constants than that");
        }

        Tensor tensor = section.Constant(type, (int)offset);
        CheckCodes(name, type, tensor);
        return tensor;
    }

    /// <summary>Packed codes to one byte each.</summary>
    public static void Unpack(ValueType type, ReadOnlySpan<byte> source, Span<byte> codes)
    {
        int bits = PackedBits(type);
        (int rows, int columns) = Rows(type.Shape);
        int length = BitPacking.PackedLength(columns, bits);
        for (int i = 0; i < rows; i++)
        {
            BitPacking.Unpack(source.Slice(i * length, length), bits, type.Quantization!.Code.Signed, codes.Slice(i * columns, columns));
        }
    }

    private static void CheckCodes(string name, ValueType type, Tensor tensor)
    {
        if (type.Quantization is not { } quantization || type.Element.SizeOf() > 1)
        {
            return;
        }

        IntegerRange range = quantization.Range;
        ReadOnlySpan<byte> codes = tensor.Bytes.Span;
        int wrong = quantization.Code.Signed
            ? MemoryMarshal.Cast<byte, sbyte>(codes).IndexOfAnyExceptInRange((sbyte)Math.Max(range.Min, sbyte.MinValue), (sbyte)Math.Min(range.Max, sbyte.MaxValue))
            : codes.IndexOfAnyExceptInRange((byte)Math.Max(range.Min, byte.MinValue), (byte)Math.Min(range.Max, byte.MaxValue));
        if (wrong >= 0)
        {
            int value = quantization.Code.Signed ? (sbyte)codes[wrong] : codes[wrong];
            throw Corrupt(name, $"codes in {range}", value.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static (int Rows, int Columns) Rows(Shape shape) => shape.Rank < 2 || shape.Count == 0 ? (1, shape.Count) : (shape[0], shape.Count / shape[0]);

    private static QuantizationException Corrupt(string name, string expected, string found)
        => new(QuantizationErrorCode.CorruptModel, $"Model file, constant '{name}': expected {expected}, found {found}.");
}
