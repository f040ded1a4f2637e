using System;
using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Conversions between element types: float to integer truncates and saturates (NaN 0), integer to integer keeps the low bits, to Boolean is x ≠ 0.</summary>
internal static class Casts
{
    /// <summary>Converts the elements [begin, end).</summary>
    public static void Run(OperatorCall call, int begin, int end)
    {
        switch (call.Inputs[0].Type)
        {
            case ElementType.Float32:
                From<float>(call, begin, end);
                break;
            case ElementType.Int8:
                From<sbyte>(call, begin, end);
                break;
            case ElementType.Int16:
                From<short>(call, begin, end);
                break;
            case ElementType.Int32:
                From<int>(call, begin, end);
                break;
            case ElementType.Int64:
                From<long>(call, begin, end);
                break;
            default:
                From<byte>(call, begin, end);
                break;
        }
    }

    private static void From<TFrom>(OperatorCall call, int begin, int end)
        where TFrom : unmanaged, INumber<TFrom>
    {
        switch (call.Outputs[0].Type)
        {
            case ElementType.Float32:
                Convert<TFrom, float>(call, begin, end);
                break;
            case ElementType.UInt8:
                Convert<TFrom, byte>(call, begin, end);
                break;
            case ElementType.Int8:
                Convert<TFrom, sbyte>(call, begin, end);
                break;
            case ElementType.Int16:
                Convert<TFrom, short>(call, begin, end);
                break;
            case ElementType.Int32:
                Convert<TFrom, int>(call, begin, end);
                break;
            case ElementType.Int64:
                Convert<TFrom, long>(call, begin, end);
                break;
            default:
                Compare<TFrom>(call, begin, end);
                break;
        }
    }

    private static void Convert<TFrom, TTo>(OperatorCall call, int begin, int end)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        ReadOnlySpan<TFrom> source = Source<TFrom>(call)[begin..end];
        Span<TTo> destination = MemoryMarshal.Cast<byte, TTo>(call.Outputs[0].WritableBytes)[begin..end];
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = typeof(TFrom) == typeof(float) ? TTo.CreateSaturating(source[i]) : TTo.CreateTruncating(source[i]);
        }
    }

    private static void Compare<TFrom>(OperatorCall call, int begin, int end)
        where TFrom : unmanaged, INumber<TFrom>
    {
        ReadOnlySpan<TFrom> source = Source<TFrom>(call)[begin..end];
        Span<byte> destination = call.Outputs[0].WritableBytes[begin..end];
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = source[i] != TFrom.Zero ? (byte)1 : (byte)0;
        }
    }

    private static ReadOnlySpan<T> Source<T>(OperatorCall call)
        where T : unmanaged
        => MemoryMarshal.Cast<byte, T>(call.Inputs[0].Bytes.Span);
}
