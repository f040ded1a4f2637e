using System;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Transposes constant matrices, so that dense layers see their weights as [outputs, inputs].</summary>
internal static class MatrixTransposer
{
    private const int Block = 32;

    /// <summary>The transposed matrix.</summary>
    public static Tensor Transpose(Tensor matrix, AllocationBudget budget, string place)
    {
        budget.Reserve(matrix.Bytes.Length, place);
        Tensor result = Tensor.Allocate(matrix.Type, Shape.Of(matrix.Shape[1], matrix.Shape[0]));
        if (matrix.Type.SizeOf() == 4)
        {
            Copy(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(matrix.Bytes.Span), System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(result.WritableBytes), matrix.Shape[0], matrix.Shape[1]);
        }
        else
        {
            CopyBytes(matrix, result);
        }

        return result;
    }

    private static void Copy(ReadOnlySpan<int> source, Span<int> target, int rows, int columns)
    {
        for (int row = 0; row < rows; row += Block)
        {
            for (int column = 0; column < columns; column++)
            {
                for (int i = row; i < Math.Min(row + Block, rows); i++)
                {
                    target[(column * rows) + i] = source[(i * columns) + column];
                }
            }
        }
    }

    private static void CopyBytes(Tensor source, Tensor target)
    {
        int size = source.Type.SizeOf();
        (int rows, int columns) = (source.Shape[0], source.Shape[1]);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                source.Bytes.Span.Slice(((i * columns) + j) * size, size).CopyTo(target.WritableBytes[(((j * rows) + i) * size)..]);
            }
        }
    }
}
