using System.Collections.Generic;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>
/// A product of two values, leading axes broadcast, as a list of products of matrices [Rows, Depth] · [Depth, Columns]; results follow each other. Where the right value is one matrix,
/// all rows of the left one are one product.
/// </summary>
internal sealed class MatrixProducts
{
    private MatrixProducts(int rows, int depth, int columns, int[] left, int[] right)
    {
        Rows = rows;
        Depth = depth;
        Columns = columns;
        Left = left;
        Right = right;
    }

    /// <summary>Rows of the left matrices and of the results.</summary>
    public int Rows { get; }

    /// <summary>Length of the sums.</summary>
    public int Depth { get; }

    /// <summary>Columns of the right matrices and of the results.</summary>
    public int Columns { get; }

    /// <summary>Where the left matrix of each product begins, in elements.</summary>
    public int[] Left { get; }

    /// <summary>Where the right matrix of each product begins.</summary>
    public int[] Right { get; }

    /// <summary>Number of products; none when the result has no element.</summary>
    public int Count => Left.Length;

    /// <summary>Elements of one result.</summary>
    public int ResultLength => Rows * Columns;

    /// <summary>One product as a dense layer.</summary>
    public ConvolutionGeometry Geometry => ConvolutionGeometry.Dense(Rows, Depth, Columns);

    /// <summary>The products of two shapes without free axes.</summary>
    public static MatrixProducts Of(Shape left, Shape right)
    {
        Shape a = left.Rank == 1 ? new Shape([1, .. left.Dimensions]) : left;
        Shape b = right.Rank == 1 ? new Shape([.. right.Dimensions, 1]) : right;
        bool shared = b.CountOf(0, b.Rank - 2) == 1;
        int rows = shared ? a.CountOf(0, a.Rank - 1) : a[-2];
        (int depth, int columns) = (a[-1], b[-1]);
        var leading = new Shape(a.Dimensions[..^2]);
        Shape batch = shared ? Shape.Scalar : Broadcast(leading, new Shape(b.Dimensions[..^2]));
        int count = rows == 0 || columns == 0 ? 0 : batch.Count;
        var walk = new BroadcastWalk(batch, [shared ? Shape.Scalar : leading, shared ? Shape.Scalar : new Shape(b.Dimensions[..^2])]);
        (var lefts, var rights) = (new int[count], new int[count]);
        System.Span<int> place = stackalloc int[2];
        for (int i = 0; i < count; i++)
        {
            walk.Locate(i, place);
            lefts[i] = place[0] * rows * depth;
            rights[i] = place[1] * depth * columns;
        }

        return new MatrixProducts(rows, depth, columns, lefts, rights);
    }

    private static Shape Broadcast(Shape left, Shape right)
    {
        int rank = System.Math.Max(left.Rank, right.Rank);
        var sizes = new List<int>();
        for (int axis = rank; axis >= 1; axis--)
        {
            int a = axis <= left.Rank ? left[-axis] : 1;
            int b = axis <= right.Rank ? right[-axis] : 1;
            sizes.Add(a == 1 ? b : a);
        }

        return new Shape([.. sizes]);
    }
}
