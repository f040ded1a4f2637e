using System;
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

    private static void Widen<T>(ReadOnlySpan<T> source, Span<int> destination)
        where T : System.Numerics.INumberBase<T>
    {
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = int.CreateTruncating(source[i]);
        }
    }

    private static void Narrow<T>(ReadOnlySpan<int> source, Span<T> destination)
        where T : System.Numerics.INumberBase<T>
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = T.CreateTruncating(source[i]);
        }
    }
}
