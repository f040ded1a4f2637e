using System;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>A matrix of codes [depth][columns] as signed bytes [columns][depth], a shift taken off, with the sum of each column.</summary>
internal static class MatrixTurning
{
    private const int Block = 8;

    /// <summary>turned[n][k] = matrix[k][n] − shift, which must fit a signed byte; sums[n] = Σ of turned[n].</summary>
    public static unsafe void Run(ReadOnlySpan<byte> matrix, int depth, int columns, int shift, Span<sbyte> turned, Span<int> sums)
    {
        if (matrix.Length < depth * columns || turned.Length < depth * columns || sums.Length < columns)
        {
            throw new ArgumentException("The spans must hold the matrix, its transpose and a sum a column.", nameof(matrix));
        }

        sums[..columns].Clear();
        int whole = depth - (depth % Block);
        fixed (byte* source = matrix)
        fixed (sbyte* target = turned)
        fixed (int* sum = sums)
        {
            for (int k = 0; k < whole; k += Block)
            {
                for (int n = 0; n < columns; n++)
                {
                    sum[n] += Eight(source + ((long)k * columns) + n, columns, shift, target + ((long)n * depth) + k);
                }
            }

            for (int k = whole; k < depth; k++)
            {
                for (int n = 0; n < columns; n++)
                {
                    int code = source[((long)k * columns) + n] - shift;
                    target[((long)n * depth) + k] = (sbyte)code;
                    sum[n] += code;
                }
            }
        }
    }

    /// <summary>Eight codes of one column, written as one word.</summary>
    private static unsafe int Eight(byte* source, int columns, int shift, sbyte* target)
    {
        int sum = 0;
        ulong word = 0;
        for (int i = 0; i < Block; i++)
        {
            int code = source[(long)i * columns] - shift;
            sum += code;
            word |= (ulong)(byte)code << (i * Block);
        }

        *(ulong*)target = BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word);
        return sum;
    }
}
