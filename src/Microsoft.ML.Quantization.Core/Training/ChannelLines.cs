using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Functions of the elements with numbers of their channel: y = fma(x, a, b), z = fma(dy, a, fma(x, b, c)) and rectifiers with a slope, in either order of the elements.</summary>
internal static unsafe class ChannelLines
{
    private const int Smallest = 8192;

    /// <summary>y = fma(x, a, b).</summary>
    public static void Map(WorkerPool pool, Tensor x, (float[] A, float[] B) numbers, Tensor y, bool isChannelsLast)
        => Run(pool, default(One), new Work(x, x, y, numbers.A, numbers.B, numbers.B), isChannelsLast);

    /// <summary>z = fma(dy, a, fma(x, b, c)).</summary>
    public static void Map(WorkerPool pool, Tensor x, Tensor dy, (float[] A, float[] B, float[] C) numbers, Tensor z, bool isChannelsLast)
        => Run(pool, default(Two), new Work(x, dy, z, numbers.A, numbers.B, numbers.C), isChannelsLast);

    /// <summary>y = x &lt; 0 ? fl(slope·y') : y', where y' is x on the way forward and ∂loss/∂y on the way back.</summary>
    public static void Bend(WorkerPool pool, Tensor x, Tensor bent, float[] slopes, Tensor y, bool isChannelsLast)
        => Run(pool, default(Bent), new Work(x, bent, y, slopes, slopes, slopes), isChannelsLast);

    private interface ILine
    {
        public T Of<T>(T x, T other, T a, T b, T c)
            where T : unmanaged, ILanes<T>;
    }

    private static void Run<TLine>(WorkerPool pool, TLine line, Work work, bool isChannelsLast)
        where TLine : struct, ILine
    {
        Shape shape = work.X.Shape;
        if (isChannelsLast || ChannelLayout.IsSame(shape))
        {
            Work repeated = work with { A = ChannelSums.Repeat(work.A), B = ChannelSums.Repeat(work.B), C = ChannelSums.Repeat(work.C) };
            int period = repeated.A.Length;
            int blocks = (shape.Count + period - 1) / period;
            Shares.Run(pool, blocks, Math.Max(1, Smallest / period), (line, repeated, period), static (w, begin, end) =>
                Last(w.line, w.repeated, begin * w.period, Math.Min(end * w.period, w.repeated.X.Shape.Count)));
        }
        else
        {
            int pixels = shape.CountOf(2, shape.Rank);
            Shares.Run(pool, shape[0] * shape[1], Math.Max(1, Smallest / Math.Max(1, pixels)), (line, work, pixels), static (w, begin, end) =>
                Planes(w.line, w.work, w.pixels, begin, end));
        }
    }

    private static void Last<TLine>(TLine line, Work work, int begin, int end)
        where TLine : struct, ILine
    {
        fixed (float* x = work.X.Values<float>(), other = work.Other.Values<float>(), y = work.Y.Writable<float>(), a = work.A, b = work.B, c = work.C)
        {
            for (int first = begin; first < end; first += work.A.Length)
            {
                int count = Math.Min(work.A.Length, end - first);
                int i = 0;
                for (; i <= count - Lanes256.Count; i += Lanes256.Count)
                {
                    Lanes256 value = line.Of(Lanes256.Load(x + first + i), Lanes256.Load(other + first + i), Lanes256.Load(a + i), Lanes256.Load(b + i), Lanes256.Load(c + i));
                    Lanes256.Store(y + first + i, value);
                }

                for (; i < count; i++)
                {
                    y[first + i] = line.Of(new Lanes1(x[first + i]), new Lanes1(other[first + i]), new Lanes1(a[i]), new Lanes1(b[i]), new Lanes1(c[i])).Value;
                }
            }
        }
    }

    private static void Planes<TLine>(TLine line, Work work, int pixels, int begin, int end)
        where TLine : struct, ILine
    {
        for (int plane = begin; plane < end; plane++)
        {
            int channel = plane % work.A.Length;
            int at = plane * pixels;
            FloatLoops.Map(
                new Fixed<TLine>(line, work.A[channel], work.B[channel], work.C[channel]),
                work.X.Values<float>().Slice(at, pixels),
                work.Other.Values<float>().Slice(at, pixels),
                work.Y.Writable<float>().Slice(at, pixels));
        }
    }

    private sealed record Work(Tensor X, Tensor Other, Tensor Y, float[] A, float[] B, float[] C);

    private readonly struct One : ILine
    {
        public T Of<T>(T x, T other, T a, T b, T c)
            where T : unmanaged, ILanes<T> => T.Fma(x, a, b);
    }

    private readonly struct Two : ILine
    {
        public T Of<T>(T x, T other, T a, T b, T c)
            where T : unmanaged, ILanes<T> => T.Fma(a, other, T.Fma(b, x, c));
    }

    private readonly struct Bent : ILine
    {
        public T Of<T>(T x, T other, T a, T b, T c)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, T.Create(0)), a * other, other);
    }

    private readonly struct Fixed<TLine>(TLine line, float a, float b, float c) : IBinaryFunction
        where TLine : struct, ILine
    {
        public T Of<T>(T x, T other)
            where T : unmanaged, ILanes<T> => line.Of(x, other, T.Create(a), T.Create(b), T.Create(c));
    }
}
