using System;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// Sums over the rows of a batch in the one fixed order: chunks of 32 rows, a chain within a chunk, the chunks combined in their order. Threads never show.
/// </summary>
internal static class BatchSums
{
    /// <summary>Rows of a chunk.</summary>
    public const int Chunk = 32;

    /// <summary>Fewest elements of a share.</summary>
    public const int Smallest = 16384;

    /// <summary>[rows][count] → [count].</summary>
    public static void Rows(ReadOnlySpan<float> values, int count, Span<float> result)
    {
        int rows = count == 0 ? 0 : values.Length / count;
        var partial = new float[count];
        result.Clear();
        for (int first = 0; first < rows; first += Chunk)
        {
            Array.Clear(partial);
            for (int row = first; row < Math.Min(first + Chunk, rows); row++)
            {
                Accumulate(partial, values.Slice(row * count, count));
            }

            Accumulate(result, partial);
        }
    }

    /// <summary>total[i] = fl(total[i] + values[i]).</summary>
    public static void Accumulate(Span<float> total, ReadOnlySpan<float> values) => FloatLoops.Map(default(BinaryFunctions.Add), total, values, total);

    /// <summary>total = fl(a + b), element by element; all of one shape.</summary>
    public static void Add(WorkerPool pool, Tensor a, Tensor b, Tensor total) => Shares.Run(pool, total.Shape.Count, Smallest, (a, b, total), static (w, begin, end) =>
        FloatLoops.Map(default(BinaryFunctions.Add), w.a.Values<float>()[begin..end], w.b.Values<float>()[begin..end], w.total.Writable<float>()[begin..end]));

    /// <summary>Brings a tensor down to a shape that broadcasts to its own: what was repeated is summed, rows in chunks.</summary>
    public static Tensor To(Shape shape, Tensor values)
    {
        if (shape.Equals(values.Shape))
        {
            return values;
        }

        Shape from = values.Shape;
        int rows = from.Rank > 0 ? from[0] : 1;
        int inner = rows == 0 ? 0 : from.Count / rows;
        Repetition places = Repetition.Of(shape, from);
        Tensor result = Tensor.Allocate(ElementType.Float32, shape);
        var partial = new float[shape.Count];
        ReadOnlySpan<float> source = values.Values<float>();
        for (int first = 0; first < rows; first += Chunk)
        {
            Array.Clear(partial);
            for (int i = first * inner; i < Math.Min(first + Chunk, rows) * inner; i++)
            {
                partial[places.At(i)] += source[i];
            }

            Accumulate(result.Writable<float>(), partial);
        }

        return result;
    }

    /// <summary>For each element of the larger shape, the element of the smaller one that it repeats.</summary>
    private static int[] Places(Shape small, Shape large)
    {
        var strides = new int[large.Rank];
        int stride = 1;
        for (int axis = small.Rank - 1; axis >= 0; axis--)
        {
            strides[axis + large.Rank - small.Rank] = small[axis] == 1 ? 0 : stride;
            stride *= small[axis];
        }

        var places = new int[large.Count];
        for (int i = 0; i < places.Length; i++)
        {
            int rest = i;
            for (int axis = large.Rank - 1; axis >= 0; axis--)
            {
                places[i] += rest % large[axis] * strides[axis];
                rest /= large[axis];
            }
        }

        return places;
    }

    /// <summary>Which element of a smaller shape an element of a larger one repeats; a table only where the repeated axes lie apart.</summary>
    internal readonly struct Repetition
    {
        private readonly int _inner;
        private readonly int _count;
        private readonly int[]? _table;

        private Repetition(int inner, int count, int[]? table) => (_inner, _count, _table) = (inner, count, table);

        /// <summary>Of two shapes, the smaller one broadcasting to the larger.</summary>
        public static Repetition Of(Shape small, Shape large)
        {
            int end = small.Rank;
            while (end > 0 && small[end - 1] == 1)
            {
                end--;
            }

            // The axes in front of the repeated ones must be those of the larger shape, then ones alone.
            int begin = end;
            while (begin > 0 && small[begin - 1] == large[begin - 1 + large.Rank - small.Rank])
            {
                begin--;
            }

            bool isRun = small.CountOf(0, begin) == 1;
            return isRun ? new Repetition(large.CountOf(end + large.Rank - small.Rank, large.Rank), small.Count, null) : new Repetition(1, 1, Places(small, large));
        }

        /// <summary>The element of the smaller shape.</summary>
        public int At(int index) => _table is null ? index / _inner % _count : _table[index];
    }
}
