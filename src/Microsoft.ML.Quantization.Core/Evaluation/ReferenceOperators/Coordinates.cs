using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Index arithmetic of row-major tensors, one element at a time.</summary>
internal static class Coordinates
{
    /// <summary>The coordinates of the element with a row-major index.</summary>
    public static int[] Of(Shape shape, int index)
    {
        var result = new int[shape.Rank];
        Fill(shape.Dimensions, index, result);
        return result;
    }

    /// <summary>Writes the coordinates of the element with a row-major index.</summary>
    public static void Fill(ImmutableArray<int> sizes, int index, Span<int> result)
    {
        for (int axis = sizes.Length - 1; axis >= 0; axis--)
        {
            result[axis] = index % sizes[axis];
            index /= sizes[axis];
        }
    }

    /// <summary>The row-major index of coordinates.</summary>
    public static int Index(Shape shape, ReadOnlySpan<int> coordinates)
    {
        int index = 0;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            index = (index * shape[axis]) + coordinates[axis];
        }

        return index;
    }

    /// <summary>The index of the element of <paramref name="shape"/> that numpy's broadcasting puts at the output's coordinates.</summary>
    public static int Broadcast(Shape shape, ReadOnlySpan<int> output)
    {
        int index = 0;
        int shift = output.Length - shape.Rank;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            index = (index * shape[axis]) + (shape[axis] == 1 ? 0 : output[axis + shift]);
        }

        return index;
    }

    /// <summary>Copies one element between tensors of one element type.</summary>
    public static void CopyElement(Tensor source, int from, Tensor destination, int to)
    {
        int size = source.Type.SizeOf();
        source.Bytes.Span.Slice(from * size, size).CopyTo(destination.WritableBytes[(to * size)..]);
    }
}
