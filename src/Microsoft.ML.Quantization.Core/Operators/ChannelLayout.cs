using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Between the graph's [N, C, pixels] and the kernels' [N, pixels, C].</summary>
internal static class ChannelLayout
{
    private const int Block = 32;

    /// <summary>The same values channels-last; the tensor itself where both orders are one.</summary>
    public static Rented ToChannelsLast(WorkerPool pool, Tensor planar)
    {
        if (IsSame(planar.Shape))
        {
            return Rented.Borrow(planar);
        }

        Rented result = Rented.New(planar.Type, planar.Shape);
        Turn(pool, planar, result.Tensor, planar.Shape[0], planar.Shape[1], Pixels(planar.Shape));
        return result;
    }

    /// <summary>Memory for a channels-last result; the result itself where both orders are one. <see cref="Deliver"/> finishes it.</summary>
    public static Rented ForResult(Tensor planar) => IsSame(planar.Shape) ? Rented.Borrow(planar) : Rented.New(planar.Type, planar.Shape);

    /// <summary>Brings a channels-last result into the graph's order.</summary>
    public static void Deliver(WorkerPool pool, Rented channelsLast, Tensor planar)
    {
        if (!IsSame(planar.Shape))
        {
            Turn(pool, channelsLast.Tensor, planar, planar.Shape[0], Pixels(planar.Shape), planar.Shape[1]);
        }
    }

    /// <summary>Writes the same values channels-last.</summary>
    public static void ToChannelsLast(WorkerPool pool, Tensor planar, Tensor channelsLast) => Turn(pool, planar, channelsLast, planar.Shape[0], planar.Shape[1], Pixels(planar.Shape));

    /// <summary>Writes the same values in the graph's order; the shape of both is the logical one.</summary>
    public static void ToPlanar(WorkerPool pool, Tensor channelsLast, Tensor planar) => Turn(pool, channelsLast, planar, planar.Shape[0], Pixels(planar.Shape), planar.Shape[1]);

    /// <summary>Whether both orders of a shape are one.</summary>
    public static bool IsSame(Shape shape) => shape.Rank < 3 || shape[1] == 1 || Pixels(shape) == 1;

    private static int Pixels(Shape shape) => shape.CountOf(2, shape.Rank);

    /// <summary>[batch][rows][columns] → [batch][columns][rows].</summary>
    private static void Turn(WorkerPool pool, Tensor source, Tensor destination, int batch, int rows, int columns)
    {
        int strips = (columns + Block - 1) / Block;
        var work = new TurnWork(source, destination, rows, columns, strips);
        Action<TurnWork, int, int> body = source.Type.SizeOf() switch
        {
            1 => static (w, begin, end) => w.Run<byte>(begin, end),
            2 => static (w, begin, end) => w.Run<short>(begin, end),
            4 => static (w, begin, end) => w.Run<int>(begin, end),
            _ => static (w, begin, end) => w.Run<long>(begin, end),
        };
        Shares.Run(pool, batch * strips, Math.Max(1, 16384 / (Block * rows)), work, body);
    }

    private sealed record TurnWork(Tensor Source, Tensor Destination, int Rows, int Columns, int Strips)
    {
        public void Run<T>(int begin, int end)
            where T : unmanaged
        {
            ReadOnlySpan<T> source = MemoryMarshal.Cast<byte, T>(Source.Bytes.Span);
            Span<T> destination = MemoryMarshal.Cast<byte, T>(Destination.WritableBytes);
            for (int item = begin; item < end; item++)
            {
                int start = item / Strips * Rows * Columns;
                int first = item % Strips * Block;
                int last = Math.Min(first + Block, Columns);
                for (int row = 0; row < Rows; row += Block)
                {
                    Square(source[start..], destination[start..], (row, Math.Min(row + Block, Rows)), (first, last));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Square<T>(ReadOnlySpan<T> source, Span<T> destination, (int Begin, int End) rows, (int Begin, int End) columns)
            where T : unmanaged
        {
            for (int column = columns.Begin; column < columns.End; column++)
            {
                Span<T> target = destination.Slice((column * Rows) + rows.Begin, rows.End - rows.Begin);
                int index = (rows.Begin * Columns) + column;
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = source[index];
                    index += Columns;
                }
            }
        }
    }
}
