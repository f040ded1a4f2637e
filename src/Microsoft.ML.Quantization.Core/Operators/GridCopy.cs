using System;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>
/// Fills a tensor from another whose place is a sum of one offset an axis: slices, pads, transposes, broadcasts, nearest resizing. A negative
/// offset on any axis takes the fill element instead.
/// </summary>
internal static class GridCopy
{
    /// <summary>The mark of a place that takes the fill element.</summary>
    public const int Fill = -1;

    private const int Smallest = 16384;

    /// <summary>Copies.</summary>
    /// <param name="pool">The threads.</param>
    /// <param name="source">Read.</param>
    /// <param name="offsets">For each axis of the destination and each index on it, the offset in elements of the source, or <see cref="Fill"/>.</param>
    /// <param name="destination">Written, all of it.</param>
    /// <param name="fill">The bytes of the fill element.</param>
    public static void Run(WorkerPool pool, Tensor source, int[][] offsets, Tensor destination, byte[]? fill = null)
        => Prepare(source, offsets, destination, fill).Share(pool);

    /// <summary>The copy without its threads, to be run any number of times.</summary>
    public static PreparedWork Prepare(Tensor source, int[][] offsets, Tensor destination, byte[]? fill = null)
    {
        int[][] axes = destination.Shape.Rank == 0 ? [[0]] : offsets;
        int width = axes[^1].Length;
        int rows = destination.Shape.Count == 0 ? 0 : destination.Shape.Count / width;
        return new CopyWork(source, axes, destination, fill ?? new byte[8], IsRun(axes[^1]), rows, Math.Max(1, Smallest / Math.Max(width, 1)));
    }

    /// <summary>0, step, 2·step, .. of an axis.</summary>
    public static int[] Steps(int size, int step, int start = 0)
    {
        var result = new int[size];
        for (int i = 0; i < size; i++)
        {
            result[i] = start + (i * step);
        }

        return result;
    }

    private static bool IsRun(int[] offsets)
    {
        for (int i = 0; i < offsets.Length; i++)
        {
            if (offsets[i] != offsets[0] + i || offsets[i] < 0)
            {
                return false;
            }
        }

        return true;
    }

    private sealed record CopyWork(Tensor Source, int[][] Axes, Tensor Destination, byte[] FillBytes, bool IsRun, int Rows, int SmallestRows) : PreparedWork(Rows, SmallestRows)
    {
        public override void Run(int begin, int end)
        {
            switch (Source.Type.SizeOf())
            {
                case 1:
                    Copy<byte>(begin, end);
                    break;
                case 2:
                    Copy<short>(begin, end);
                    break;
                case 4:
                    Copy<int>(begin, end);
                    break;
                default:
                    Copy<long>(begin, end);
                    break;
            }
        }

        private void Copy<T>(int begin, int end)
            where T : unmanaged
        {
            ReadOnlySpan<T> source = MemoryMarshal.Cast<byte, T>(Source.Bytes.Span);
            int width = Axes[^1].Length;
            Span<T> target = MemoryMarshal.Cast<byte, T>(Destination.WritableBytes).Slice(begin * width, (end - begin) * width);
            T fill = MemoryMarshal.Read<T>(FillBytes);
            Span<int> place = stackalloc int[Shape.MaximumRank];
            Locate(begin, place);
            for (; !target.IsEmpty; target = target[width..], Advance(place))
            {
                int start = Start(place);
                if (start < 0)
                {
                    target[..width].Fill(fill);
                }
                else if (IsRun)
                {
                    source.Slice(start + Axes[^1][0], width).CopyTo(target);
                }
                else
                {
                    Pick(source[start..], target[..width], fill);
                }
            }
        }

        private void Pick<T>(ReadOnlySpan<T> source, Span<T> target, T fill)
            where T : unmanaged
        {
            int[] offsets = Axes[^1];
            for (int i = 0; i < target.Length; i++)
            {
                target[i] = offsets[i] < 0 ? fill : source[offsets[i]];
            }
        }

        private void Locate(int row, Span<int> place)
        {
            for (int axis = Axes.Length - 2; axis >= 0; axis--)
            {
                (row, place[axis]) = Math.DivRem(row, Axes[axis].Length);
            }
        }

        private void Advance(Span<int> place)
        {
            for (int axis = Axes.Length - 2; axis >= 0 && ++place[axis] == Axes[axis].Length; axis--)
            {
                place[axis] = 0;
            }
        }

        private int Start(ReadOnlySpan<int> place)
        {
            int start = 0;
            for (int axis = 0; axis < Axes.Length - 1; axis++)
            {
                int offset = Axes[axis][place[axis]];
                start = offset < 0 || start < 0 ? Fill : start + offset;
            }

            return start;
        }
    }
}
