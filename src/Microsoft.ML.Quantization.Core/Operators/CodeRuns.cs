using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Runs of codes or accumulators of any element type, as int32.</summary>
internal static class CodeRuns
{
    /// <summary>Elements that operators take at a time.</summary>
    public const int Length = 512;

    /// <summary>Reads codes from an index on.</summary>
    public static void Read(Tensor tensor, int start, Span<int> destination)
    {
        switch (tensor.Type)
        {
            case ElementType.UInt8:
                Widen(tensor.Values<byte>().Slice(start, destination.Length), destination);
                break;
            case ElementType.Int8:
                Widen(tensor.Values<sbyte>().Slice(start, destination.Length), destination);
                break;
            case ElementType.Int16:
                Widen(tensor.Values<short>().Slice(start, destination.Length), destination);
                break;
            default:
                tensor.Values<int>().Slice(start, destination.Length).CopyTo(destination);
                break;
        }
    }

    /// <summary>Writes codes, which fit the element type, from an index on.</summary>
    public static void Write(Tensor tensor, int start, ReadOnlySpan<int> source)
    {
        switch (tensor.Type)
        {
            case ElementType.UInt8:
                Narrow(source, tensor.Writable<byte>()[start..]);
                break;
            case ElementType.Int8:
                Narrow(source, tensor.Writable<sbyte>()[start..]);
                break;
            case ElementType.Int16:
                Narrow(source, tensor.Writable<short>()[start..]);
                break;
            default:
                source.CopyTo(tensor.Writable<int>()[start..]);
                break;
        }
    }

    /// <summary>16-bit codes as int32.</summary>
    public static void Widen(ReadOnlySpan<short> source, Span<int> destination)
    {
        int i = 0;
        for (; i <= destination.Length - Vector256<short>.Count; i += Vector256<short>.Count)
        {
            (Vector256<int> low, Vector256<int> high) = Vector256.Widen(Vector256.Create(source.Slice(i, Vector256<short>.Count)));
            low.CopyTo(destination[i..]);
            high.CopyTo(destination[(i + Vector256<int>.Count)..]);
        }

        for (; i < destination.Length; i++)
        {
            destination[i] = source[i];
        }
    }

    /// <summary>The low 16 bits.</summary>
    public static void Narrow(ReadOnlySpan<int> source, Span<short> destination)
    {
        int i = 0;
        for (; i <= source.Length - Vector256<short>.Count; i += Vector256<short>.Count)
        {
            Vector256<int> low = Vector256.Create(source.Slice(i, Vector256<int>.Count));
            Vector256<int> high = Vector256.Create(source.Slice(i + Vector256<int>.Count, Vector256<int>.Count));
            Vector256.Narrow(low, high).CopyTo(destination[i..]);
        }

        for (; i < source.Length; i++)
        {
            destination[i] = (short)source[i];
        }
    }

    private static void Widen<T>(ReadOnlySpan<T> source, Span<int> destination)
        where T : System.Numerics.INumberBase<T>
    {
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = int.CreateTruncating(source[i]);
        }
    }

    /// <summary>The low bits.</summary>
    public static void Narrow<T>(ReadOnlySpan<int> source, Span<T> destination)
        where T : System.Numerics.INumberBase<T>
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = T.CreateTruncating(source[i]);
        }
    }
}
