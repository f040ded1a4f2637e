using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>ONNX's element type numbers.</summary>
internal enum DataType
{
    Undefined = 0,
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Boolean = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    BFloat16 = 16,
    UInt4 = 21,
    Int4 = 22,
    UInt2 = 25,
    Int2 = 26,
}

/// <summary>How an ONNX element type is stored and what it becomes here.</summary>
/// <param name="Type">ONNX's number.</param>
/// <param name="Bits">Bits of one stored element.</param>
/// <param name="Element">The element type in memory.</param>
internal sealed record DataFormat(DataType Type, int Bits, ElementType Element)
{
    private static readonly FrozenDictionary<DataType, DataFormat> _all = new Dictionary<DataType, DataFormat>
    {
        [DataType.Float] = new(DataType.Float, 32, ElementType.Float32),
        [DataType.UInt8] = new(DataType.UInt8, 8, ElementType.UInt8),
        [DataType.Int8] = new(DataType.Int8, 8, ElementType.Int8),
        [DataType.UInt16] = new(DataType.UInt16, 16, ElementType.Int32),
        [DataType.Int16] = new(DataType.Int16, 16, ElementType.Int16),
        [DataType.Int32] = new(DataType.Int32, 32, ElementType.Int32),
        [DataType.Int64] = new(DataType.Int64, 64, ElementType.Int64),
        [DataType.Boolean] = new(DataType.Boolean, 8, ElementType.Boolean),
        [DataType.Float16] = new(DataType.Float16, 16, ElementType.Float32),
        [DataType.BFloat16] = new(DataType.BFloat16, 16, ElementType.Float32),
        [DataType.Double] = new(DataType.Double, 64, ElementType.Float32),
        [DataType.UInt32] = new(DataType.UInt32, 32, ElementType.Int64),
        [DataType.UInt64] = new(DataType.UInt64, 64, ElementType.Int64),
        [DataType.UInt4] = new(DataType.UInt4, 4, ElementType.UInt8),
        [DataType.Int4] = new(DataType.Int4, 4, ElementType.Int8),
        [DataType.UInt2] = new(DataType.UInt2, 2, ElementType.UInt8),
        [DataType.Int2] = new(DataType.Int2, 2, ElementType.Int8),
    }.ToFrozenDictionary();

    /// <summary>Whether the stored bytes are the bytes in memory.</summary>
    public bool IsPlain => Type is DataType.Float or DataType.UInt8 or DataType.Int8 or DataType.Int16 or DataType.Int32 or DataType.Int64;

    /// <summary>Whether elements of another float type become float32.</summary>
    public bool IsWidenedFloat => Type is DataType.Float16 or DataType.BFloat16 or DataType.Double;

    /// <summary>Whether elements are narrower than a byte.</summary>
    public bool IsPacked => Bits < 8;

    /// <summary>Whether the numbers have a sign.</summary>
    public bool IsSigned => Type is DataType.Int2 or DataType.Int4 or DataType.Int8 or DataType.Int16 or DataType.Int32 or DataType.Int64;

    /// <summary>The format of a number found in a file.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnsupportedElementType"/>.</exception>
    public static DataFormat Of(int number, string place) => _all.TryGetValue((DataType)number, out DataFormat? found)
        ? found
        : throw new QuantizationException(
            QuantizationErrorCode.UnsupportedElementType,
            $"'{place}': expected elements of float, double, float16, bfloat16, boolean or an integer of 2 to 64 bits, found ONNX type {number}{(number == (int)DataType.String ? " (string)" : string.Empty)}.");

    /// <summary>The plain format of an element type.</summary>
    public static DataType Plain(ElementType type) => type switch
    {
        ElementType.Float32 => DataType.Float,
        ElementType.UInt8 => DataType.UInt8,
        ElementType.Int8 => DataType.Int8,
        ElementType.Int16 => DataType.Int16,
        ElementType.Int32 => DataType.Int32,
        ElementType.Int64 => DataType.Int64,
        _ => DataType.Boolean,
    };
}
