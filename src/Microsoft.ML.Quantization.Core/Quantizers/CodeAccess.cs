using System;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>Reads and writes one code of a tensor whatever its element type. For fitting and reference code, not for kernels.</summary>
public static class CodeAccess
{
    /// <summary>The code at a row-major index.</summary>
    public static int Read(Tensor codes, int index)
    {
        ArgumentNullException.ThrowIfNull(codes);
        return codes.Type switch
        {
            ElementType.UInt8 => codes.Values<byte>()[index],
            ElementType.Int8 => codes.Values<sbyte>()[index],
            ElementType.Int16 => codes.Values<short>()[index],
            ElementType.Int32 => codes.Values<int>()[index],
            _ => throw new ArgumentException($"A tensor of {codes.Type} holds no codes.", nameof(codes)),
        };
    }

    /// <summary>Stores a code; the caller has clamped it to the element type.</summary>
    internal static void Write(Tensor codes, int index, int code)
    {
        switch (codes.Type)
        {
            case ElementType.UInt8:
                codes.Writable<byte>()[index] = checked((byte)code);
                break;
            case ElementType.Int8:
                codes.Writable<sbyte>()[index] = checked((sbyte)code);
                break;
            case ElementType.Int16:
                codes.Writable<short>()[index] = checked((short)code);
                break;
            case ElementType.Int32:
                codes.Writable<int>()[index] = code;
                break;
            default:
                throw new ArgumentException($"A tensor of {codes.Type} holds no codes.", nameof(codes));
        }
    }
}
