using System;

namespace Microsoft.ML.Quantization.Tensors;

/// <summary>Facts about element types.</summary>
public static class ElementTypes
{
    /// <summary>Bytes of one element in memory.</summary>
    public static int SizeOf(this ElementType type) => type switch
    {
        ElementType.UInt8 or ElementType.Int8 or ElementType.Boolean => 1,
        ElementType.Int16 => 2,
        ElementType.Float32 or ElementType.Int32 => 4,
        ElementType.Int64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
    };

    /// <summary>The element type whose memory is <typeparamref name="T"/> (byte is <see cref="ElementType.UInt8"/>, bool <see cref="ElementType.Boolean"/>).</summary>
    public static ElementType Of<T>()
        where T : unmanaged
        => Type.GetTypeCode(typeof(T)) switch
        {
            TypeCode.Single => ElementType.Float32,
            TypeCode.Byte => ElementType.UInt8,
            TypeCode.SByte => ElementType.Int8,
            TypeCode.Int16 => ElementType.Int16,
            TypeCode.Int32 => ElementType.Int32,
            TypeCode.Int64 => ElementType.Int64,
            TypeCode.Boolean => ElementType.Boolean,
            _ => throw new ArgumentException($"No element type has the memory of {typeof(T)}.", nameof(T)),
        };
}
