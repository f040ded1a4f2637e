using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Turns matrices: [batch][rows][columns] → [batch][columns][rows], for elements of any unmanaged type. Both directions between NCHW (rows = channels,
/// columns = pixels) and channels-last are this.
/// </summary>
internal static unsafe class Transposition
{
    private const int Edge = 16;

    /// <summary>destination[b][c][r] = source[b][r][c] for the matrices [begin, end). The spans must not overlap.</summary>
    public static void Run<T>(ReadOnlySpan<T> source, int rows, int columns, Span<T> destination, int begin, int end)
        where T : unmanaged
    {
        long size = (long)rows * columns;
        KernelCheck.AtLeast(source.Length, end * size, nameof(source));
        KernelCheck.AtLeast(destination.Length, end * size, nameof(destination));
        fixed (T* x = source, y = destination)
        {
            for (int matrix = begin; matrix < end; matrix++)
            {
                One(x + (matrix * size), rows, columns, y + (matrix * size));
            }
        }
    }

    private static void One<T>(T* source, int rows, int columns, T* destination)
        where T : unmanaged
    {
        if (rows == 1 || columns == 1)
        {
            new ReadOnlySpan<T>(source, rows * columns).CopyTo(new Span<T>(destination, rows * columns));
            return;
        }

        for (int row = 0; row < rows; row += Edge)
        {
            int rowEnd = Math.Min(row + Edge, rows);
            for (int column = 0; column < columns; column += Edge)
            {
                int columnEnd = Math.Min(column + Edge, columns);
                for (int c = column; c < columnEnd; c++)
                {
                    T* to = destination + ((long)c * rows);
                    for (int r = row; r < rowEnd; r++)
                    {
                        to[r] = source[((long)r * columns) + c];
                    }
                }
            }
        }
    }
}
