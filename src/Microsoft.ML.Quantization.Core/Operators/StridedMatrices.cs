using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>The matrices of a value whose axes lie in another order in memory: where each begins, and how far its rows and columns are apart.</summary>
internal sealed class StridedMatrices
{
    private const int Block = 4;

    /// <summary>Axis i of the value is axis <paramref name="axes"/>[i] of the row-major memory; the last two are rows and columns.</summary>
    public StridedMatrices(Shape memory, ImmutableArray<int> axes)
    {
        int rank = axes.Length;
        var strides = new int[rank];
        int count = 1;
        for (int axis = 0; axis < rank; axis++)
        {
            strides[axis] = memory.CountOf(axes[axis] + 1, memory.Rank);
            count *= axis < rank - 2 ? memory[axes[axis]] : 1;
        }

        (Rows, Columns) = (memory[axes[^2]], memory[axes[^1]]);
        (RowStride, ColumnStride) = (strides[^2], strides[^1]);
        Begins = new int[count];
        for (int i = 0; i < count; i++)
        {
            int rest = i;
            for (int axis = rank - 3; axis >= 0; axis--)
            {
                (rest, int index) = Math.DivRem(rest, memory[axes[axis]]);
                Begins[i] += index * strides[axis];
            }
        }
    }

    /// <summary>Rows of a matrix.</summary>
    public int Rows { get; }

    /// <summary>Columns of a matrix.</summary>
    public int Columns { get; }

    /// <summary>Elements from one row to the next.</summary>
    public int RowStride { get; }

    /// <summary>Elements from one column to the next.</summary>
    public int ColumnStride { get; }

    /// <summary>First element of each matrix.</summary>
    public int[] Begins { get; }

    /// <summary>Whether the rows of a matrix follow each other without gaps.</summary>
    public bool IsDense => ColumnStride == 1 && RowStride == Columns;

    /// <summary>Rows [first, first + count) of a matrix as they lie, for a dense one; otherwise copied to <paramref name="room"/>.</summary>
    public ReadOnlySpan<float> Read(ReadOnlySpan<float> memory, int matrix, int first, int count, Span<float> room)
    {
        int begin = Begins[matrix] + (first * RowStride);
        if (IsDense)
        {
            return memory.Slice(begin, count * Columns);
        }

        room = room[..(count * Columns)];
        if (ColumnStride == 1)
        {
            for (int row = 0; row < count; row++)
            {
                memory.Slice(begin + (row * RowStride), Columns).CopyTo(room[(row * Columns)..]);
            }
        }
        else
        {
            Turn(memory[begin..], count, room);
        }

        return room;
    }

    /// <summary>Puts dense rows to their places; columns must lie side by side.</summary>
    public void Write(ReadOnlySpan<float> rows, int matrix, int first, Span<float> memory)
    {
        int begin = Begins[matrix] + (first * RowStride);
        for (int row = 0; row * Columns < rows.Length; row++)
        {
            rows.Slice(row * Columns, Columns).CopyTo(memory[(begin + (row * RowStride))..]);
        }
    }

    // Columns of the memory become rows, four by four.
    private unsafe void Turn(ReadOnlySpan<float> memory, int count, Span<float> room)
    {
        int wholeRows = RowStride == 1 ? count - (count % Block) : 0;
        int wholeColumns = Columns - (Columns % Block);
        fixed (float* from = memory)
        fixed (float* to = room)
        {
            for (int column = 0; column < wholeColumns; column += Block)
            {
                for (int row = 0; row < wholeRows; row += Block)
                {
                    Turning.Four(from + row + ((long)column * ColumnStride), ColumnStride, to + ((long)row * Columns) + column, Columns);
                }
            }
        }

        for (int row = 0; row < count; row++)
        {
            for (int column = row < wholeRows ? wholeColumns : 0; column < Columns; column++)
            {
                room[(row * Columns) + column] = memory[(row * RowStride) + (column * ColumnStride)];
            }
        }
    }
}
