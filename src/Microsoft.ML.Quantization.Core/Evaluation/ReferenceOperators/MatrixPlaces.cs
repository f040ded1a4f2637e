using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Where the row and the column of each element of a matrix product begin, leading axes broadcast as by numpy's matmul.</summary>
internal readonly struct MatrixPlaces
{
    private readonly Shape _left;
    private readonly Shape _right;
    private readonly Shape _batch;
    private readonly int _rows;

    public MatrixPlaces(Shape left, Shape right, Shape output)
    {
        Shape a = left.Rank == 1 ? new Shape([1, .. left.Dimensions]) : left;
        Shape b = right.Rank == 1 ? new Shape([.. right.Dimensions, 1]) : right;
        _rows = a[-2];
        _left = new Shape(a.Dimensions[..^2]);
        _right = new Shape(b.Dimensions[..^2]);
        _batch = new Shape(output.Dimensions[..^((left.Rank > 1 ? 1 : 0) + (right.Rank > 1 ? 1 : 0))]);
        Depth = a[-1];
        Columns = b[-1];
    }

    /// <summary>Products of one element.</summary>
    public int Depth { get; }

    /// <summary>From one element of a column to the next.</summary>
    public int Columns { get; }

    /// <summary>First element of the row of the left operand and of the column of the right one.</summary>
    public (int Left, int Right) Of(int output)
    {
        int[] place = Coordinates.Of(_batch, output / Columns / _rows);
        int left = ((Coordinates.Broadcast(_left, place) * _rows) + (output / Columns % _rows)) * Depth;
        return (left, (Coordinates.Broadcast(_right, place) * Depth * Columns) + (output % Columns));
    }
}
