using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>A buffer of one run. Values that only differ in their shape share one.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Element">Element type.</param>
/// <param name="Shape">A shape with the buffer's number of elements; the batch may be free.</param>
internal sealed record Slot(int Index, ElementType Element, Shape Shape)
{
    /// <summary>Elements for a batch, which may exceed what a shape can hold.</summary>
    public long Count(int batch)
    {
        long count = 1;
        foreach (int dimension in Shape.Dimensions)
        {
            count = checked(count * (dimension == Shape.Free ? batch : dimension));
        }

        return count;
    }

    /// <summary>Bytes for a batch.</summary>
    public long Bytes(int batch) => checked(Count(batch) * Element.SizeOf());
}
