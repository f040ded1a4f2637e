using System;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>A buffer of one run. Values that only differ in their shape share one.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Element">Element type.</param>
/// <param name="Shape">A shape with the buffer's number of elements; the batch may be free.</param>
internal sealed record Slot(int Index, ElementType Element, Shape Shape)
{
    // Whoever asks for more is refused; no sum of sizes leaves 64 bits.
    private const long Most = 1L << 48;

    /// <summary>Elements for a batch, which may exceed what a shape can hold; numbers without end are cut off.</summary>
    public long Count(int batch)
    {
        long count = Shape.FixedCount;
        foreach (int dimension in Shape.Dimensions)
        {
            count = dimension == Shape.Free ? Math.Min(count, Most / Math.Max(batch, 1)) * batch : count;
        }

        return count;
    }

    /// <summary>Bytes for a batch.</summary>
    public long Bytes(int batch) => Count(batch) * Element.SizeOf();
}
