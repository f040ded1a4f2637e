using System;
using System.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>Outputs of any element type as the floats that a score column holds: whole numbers as the nearest float, truth values as 0 and 1.</summary>
internal static class FloatValues
{
    /// <summary>Writes all elements.</summary>
    public static void Convert(Tensor values, Span<float> destination)
    {
        switch (values.Type)
        {
            case ElementType.Float32:
                values.Values<float>().CopyTo(destination);
                break;
            case ElementType.Int64:
                Convert(values.Values<long>(), destination);
                break;
            case ElementType.Int32:
                Convert(values.Values<int>(), destination);
                break;
            case ElementType.Int16:
                Convert(values.Values<short>(), destination);
                break;
            case ElementType.Int8:
                Convert(values.Values<sbyte>(), destination);
                break;
            default:
                // Bytes, and truth values, which are bytes 0 and 1.
                Convert(values.Bytes.Span, destination);
                break;
        }
    }

    private static void Convert<T>(ReadOnlySpan<T> values, Span<float> destination)
        where T : unmanaged, INumberBase<T>
    {
        for (int i = 0; i < values.Length; i++)
        {
            destination[i] = float.CreateTruncating(values[i]);
        }
    }
}
