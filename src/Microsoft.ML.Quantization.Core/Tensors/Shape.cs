using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Tensors;

/// <summary>
/// The sizes of a tensor, row-major. A dimension of <see cref="Free"/> (−1) stands for the batch, which is bound when a
/// graph runs. Rank 0 is a scalar.
/// </summary>
public sealed class Shape : IEquatable<Shape>
{
    /// <summary>The mark of a free dimension.</summary>
    public const int Free = -1;

    /// <summary>The highest rank.</summary>
    public const int MaximumRank = 8;

    /// <summary>The shape of a scalar.</summary>
    public static readonly Shape Scalar = new([]);

    /// <summary>Creates a shape.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidShape"/>: rank over 8, a dimension below −1, or more than 2^31 − 1 elements.</exception>
    public Shape(ImmutableArray<int> dimensions)
    {
        Dimensions = dimensions;
        long count = 1;
        foreach (int d in dimensions)
        {
            count = d == Free ? count : count * Math.Max(d, 0);
            if (d < Free || count > int.MaxValue)
            {
                throw Invalid(dimensions, "every dimension from 0, or -1 for the batch, and fewer than 2^31 elements");
            }
        }

        if (dimensions.Length > MaximumRank)
        {
            throw Invalid(dimensions, "rank up to 8");
        }

        IsFree = dimensions.Contains(Free);
        FixedCount = (int)count;
    }

    /// <summary>The sizes.</summary>
    public ImmutableArray<int> Dimensions { get; }

    /// <summary>Number of dimensions.</summary>
    public int Rank => Dimensions.Length;

    /// <summary>Whether a dimension is free.</summary>
    public bool IsFree { get; }

    /// <summary>Product of the dimensions that are not free.</summary>
    public int FixedCount { get; }

    /// <summary>Number of elements.</summary>
    /// <exception cref="InvalidOperationException">A dimension is free.</exception>
    public int Count => IsFree ? throw new InvalidOperationException($"The shape {this} has a free dimension.") : FixedCount;

    /// <summary>One dimension; negative axes count from the back.</summary>
    public int this[int axis] => Dimensions[axis < 0 ? axis + Rank : axis];

    /// <summary>Creates a shape.</summary>
    public static Shape Of(params ReadOnlySpan<int> dimensions) => new([.. dimensions]);

    /// <summary>The axis counted from the front.</summary>
    /// <exception cref="QuantizationException">The axis is outside [−Rank, Rank).</exception>
    public int Axis(int axis) => axis >= -Rank && axis < Rank
        ? (axis < 0 ? axis + Rank : axis)
        : throw new QuantizationException(
            QuantizationErrorCode.InvalidAttribute,
            string.Create(CultureInfo.InvariantCulture, $"Axis: expected -{Rank} to {Rank - 1} for the shape {this}, found {axis}."));

    /// <summary>The same shape with one dimension replaced.</summary>
    public Shape With(int axis, int size) => new(Dimensions.SetItem(Axis(axis), size));

    /// <summary>The same shape with every free dimension bound to <paramref name="batch"/>.</summary>
    public Shape Bind(int batch) => IsFree ? new([.. Dimensions.Select(d => d == Free ? batch : d)]) : this;

    /// <summary>Product of the dimensions from <paramref name="begin"/> up to but not including <paramref name="end"/>.</summary>
    public int CountOf(int begin, int end)
    {
        int count = 1;
        for (int i = begin; i < end; i++)
        {
            count *= Dimensions[i];
        }

        return count;
    }

    /// <inheritdoc/>
    public bool Equals(Shape? other) => other is not null && Dimensions.AsSpan().SequenceEqual(other.Dimensions.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Shape);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (int d in Dimensions)
        {
            hash.Add(d);
        }

        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => Text(Dimensions);

    private static string Text(ImmutableArray<int> dimensions)
        => "[" + string.Join(",", dimensions.Select(d => d == Free ? "N" : d.ToString(CultureInfo.InvariantCulture))) + "]";

    private static QuantizationException Invalid(ImmutableArray<int> dimensions, string expected)
        => new(QuantizationErrorCode.InvalidShape, $"Shape: expected {expected}, found {Text(dimensions.Length > 40 ? dimensions[..40] : dimensions)}.");
}
