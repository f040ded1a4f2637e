using System;
using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Numerics;
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
    public static void Accumulate(Span<float> total, ReadOnlySpan<float> values)
    {
        int width = Vector<float>.Count;
        int i = 0;
        for (; i <= total.Length - width; i += width)
        {
            (new Vector<float>(total[i..]) + new Vector<float>(values[i..])).CopyTo(total[i..]);
        }

        for (; i < total.Length; i++)
        {
            total[i] += values[i];
        }
    }

    /// <summary>Σ of each plane of [N, C, pixels] over pixels (16 lanes) and then rows: [C].</summary>
    public static float[] Channels(WorkerPool pool, Tensor values) => Channels(pool, values.Shape, values, static (v, at, length, _) => FloatReduction.Sum(v.Values<float>().Slice(at, length)));

    /// <summary>Σ over rows of one number for each plane of [N, C, pixels]: [C].</summary>
    /// <param name="pool">The threads.</param>
    /// <param name="shape">[N, C, ..].</param>
    /// <param name="state">Handed to <paramref name="plane"/>.</param>
    /// <param name="plane">(state, first element, elements, channel) → the plane's number.</param>
    public static float[] Channels<TState>(WorkerPool pool, Shape shape, TState state, Func<TState, int, int, int, float> plane)
    {
        int channels = shape[1];
        int pixels = shape.CountOf(2, shape.Rank);
        var numbers = new float[shape[0] * channels];
        Shares.Run(pool, numbers.Length, Math.Max(1, 8192 / Math.Max(pixels, 1)), (state, plane, numbers, channels, pixels), static (t, begin, end) =>
        {
            for (int i = begin; i < end; i++)
            {
                t.numbers[i] = t.plane(t.state, i * t.pixels, t.pixels, i % t.channels);
            }
        });
        var result = new float[channels];
        Rows(numbers, channels, result);
        return result;
    }

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
        int[] places = Places(shape, from);
        Tensor result = Tensor.Allocate(ElementType.Float32, shape);
        var partial = new float[shape.Count];
        ReadOnlySpan<float> source = values.Values<float>();
        for (int first = 0; first < rows; first += Chunk)
        {
            Array.Clear(partial);
            for (int i = first * inner; i < Math.Min(first + Chunk, rows) * inner; i++)
            {
                partial[places[i]] += source[i];
            }

            Accumulate(result.Writable<float>(), partial);
        }

        return result;
    }

    /// <summary>For each element of the larger shape, the element of the smaller one that it repeats.</summary>
    public static int[] Places(Shape small, Shape large)
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

    /// <summary>Rows [count][.., width] from <paramref name="first"/> on, <paramref name="stride"/> apart, turned: [width][count].</summary>
    public static void Turn(WorkerPool pool, Tensor source, int first, int stride, (int Count, int Width) rows, Tensor destination)
    {
        const int Block = 64;
        var work = (source, first, stride, rows, destination);
        Shares.Run(pool, (rows.Width + Block - 1) / Block, 8, work, static (w, begin, end) =>
        {
            ReadOnlySpan<float> values = w.source.Values<float>();
            Span<float> result = MemoryMarshal.Cast<byte, float>(w.destination.WritableBytes);
            for (int block = begin; block < end; block++)
            {
                int last = Math.Min((block + 1) * Block, w.rows.Width);
                for (int row = 0; row < w.rows.Count; row++)
                {
                    ReadOnlySpan<float> line = values.Slice(w.first + (row * w.stride), w.rows.Width);
                    for (int i = block * Block; i < last; i++)
                    {
                        result[(i * w.rows.Count) + row] = line[i];
                    }
                }
            }
        });
    }
}
