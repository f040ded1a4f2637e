using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Google.Protobuf.Collections;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>Tensor messages to tensors. Shape, type and length are checked before anything is allocated.</summary>
internal sealed class TensorReader(ExternalData external, AllocationBudget budget)
{
    private const int External = 1;
    private const int MaximumRank = 32;

    /// <summary>Names of tensors whose float type was widened.</summary>
    public List<string> Widened { get; } = [];

    /// <summary>Reads a tensor.</summary>
    public (Tensor Tensor, DataFormat Format) Read(TensorMessage message, string place)
    {
        DataFormat format = DataFormat.Of(message.DataType, place);
        Shape shape = ReadShape(message.Dimensions, place);
        if (format.IsWidenedFloat)
        {
            Widened.Add(place);
        }

        if (message.DataLocation == External)
        {
            return (FromBytes(format, shape, external.Read(message, ByteCount(format, shape), place, budget), place), format);
        }

        return (message.HasRaw ? FromBytes(format, shape, MemoryMarshal.AsMemory(message.Raw.Memory), place) : FromFields(message, format, shape, place), format);
    }

    /// <summary>Checks dimensions of a file: from 0, product below 2^31.</summary>
    public static Shape ReadShape(IReadOnlyList<long> dimensions, string place)
    {
        if (dimensions.Count > MaximumRank)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidShape, $"'{place}': expected a rank of at most {MaximumRank}, found {dimensions.Count}.");
        }

        var sizes = new int[dimensions.Count];
        for (int i = 0; i < sizes.Length; i++)
        {
            sizes[i] = dimensions[i] is >= 0 and <= int.MaxValue
                ? (int)dimensions[i]
                : throw new QuantizationException(QuantizationErrorCode.InvalidShape, $"'{place}': expected dimensions from 0 to 2^31 - 1, found {dimensions[i]} at axis {i}.");
        }

        try
        {
            return new Shape(ImmutableCollectionsMarshal.AsImmutableArray(sizes));
        }
        catch (QuantizationException e)
        {
            throw new QuantizationException(e.Code, $"'{place}': {e.Message}", e);
        }
    }

    private static long ByteCount(DataFormat format, Shape shape) => (((long)shape.Count * format.Bits) + 7) / 8;

    private Tensor FromBytes(DataFormat format, Shape shape, Memory<byte> bytes, string place)
    {
        long expected = ByteCount(format, shape);
        RequireLength(bytes.Length == expected, $"{expected} bytes for {format.Type}{shape}", bytes.Length, place);
        if (format.IsPlain)
        {
            return new Tensor(format.Element, shape, bytes);
        }

        Tensor result = Allocate(format, shape, place);
        ElementDecoder.Decode(bytes.Span, format, result);
        return result;
    }

    private Tensor FromFields(TensorMessage message, DataFormat format, Shape shape, string place) => format.Type switch
    {
        DataType.Float => Convert(message.Floats, format, shape, place, static v => v),
        DataType.Double => Convert(message.Doubles, format, shape, place, static v => (float)v),
        DataType.Int64 => Convert(message.Int64S, format, shape, place, static v => v),
        DataType.UInt32 or DataType.UInt64 => Convert(message.Uint64S, format, shape, place, static v => unchecked((long)v)),
        DataType.Float16 => Convert(message.Int32S, format, shape, place, static v => (float)BitConverter.UInt16BitsToHalf((ushort)v)),
        DataType.BFloat16 => Convert(message.Int32S, format, shape, place, static v => BitConverter.UInt32BitsToSingle((uint)v << 16)),
        DataType.Int32 or DataType.UInt16 => Convert(message.Int32S, format, shape, place, static v => v),
        DataType.Int16 => Convert(message.Int32S, format, shape, place, static v => (short)v),
        DataType.Int8 => Convert(message.Int32S, format, shape, place, static v => (sbyte)v),
        DataType.UInt8 => Convert(message.Int32S, format, shape, place, static v => (byte)v),
        DataType.Boolean => Convert(message.Int32S, format, shape, place, static v => v != 0),
        _ => Packed(message, format, shape, place),
    };

    private Tensor Packed(TensorMessage message, DataFormat format, Shape shape, string place)
    {
        long expected = ByteCount(format, shape);
        RequireLength(message.Int32S.Count == expected, $"{expected} packed bytes for {format.Type}{shape}", message.Int32S.Count, place);
        var bytes = new byte[expected];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)message.Int32S[i];
        }

        return FromBytes(format, shape, bytes, place);
    }

    private Tensor Convert<TFrom, TTo>(RepeatedField<TFrom> values, DataFormat format, Shape shape, string place, Func<TFrom, TTo> convert)
        where TTo : unmanaged
    {
        RequireLength(values.Count == shape.Count, $"{shape.Count} elements for {format.Type}{shape}", values.Count, place);
        Tensor result = Allocate(format, shape, place);
        Span<TTo> target = result.Writable<TTo>();
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = convert(values[i]);
        }

        return result;
    }

    private Tensor Allocate(DataFormat format, Shape shape, string place)
    {
        budget.Reserve((long)shape.Count * format.Element.SizeOf(), place);
        return Tensor.Allocate(format.Element, shape);
    }

    private static void RequireLength(bool condition, string expected, long found, string place)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.TensorLengthMismatch, $"'{place}': expected {expected}, found {found}.");
        }
    }
}
