using System;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// Sums of a channel over pixels (16 strided lanes, the tree 8-4-2-1) and then rows (chunks of 32), with the same bits in either order of the elements. Channels-last, sixteen
/// pixels of all channels lie side by side, so that the lanes of all channels are one array of running sums.
/// </summary>
internal static unsafe class ChannelSums
{
    private const int Smallest = 8192;

    /// <summary>What is summed: a function of x, the other operand, and the channel's number.</summary>
    private interface ITerm
    {
        public T Of<T>(T x, T other, T channel)
            where T : unmanaged, ILanes<T>;
    }

    /// <summary>Σ x.</summary>
    public static float[] Of(WorkerPool pool, Tensor x, bool isChannelsLast) => Run(pool, default(Value), x, x, null, isChannelsLast);

    /// <summary>Σ (x − mean)², no fused operation.</summary>
    public static float[] SquaredDifferences(WorkerPool pool, Tensor x, float[] mean, bool isChannelsLast) => Run(pool, default(Square), x, x, mean, isChannelsLast);

    /// <summary>Σ other · (x − mean), no fused operation.</summary>
    public static float[] Centered(WorkerPool pool, Tensor x, Tensor other, float[] mean, bool isChannelsLast) => Run(pool, default(Product), x, other, mean, isChannelsLast);

    private static float[] Run<TTerm>(WorkerPool pool, TTerm term, Tensor x, Tensor other, float[]? numbers, bool isChannelsLast)
        where TTerm : struct, ITerm
    {
        Shape shape = x.Shape;
        var size = new Size(shape[1], shape.CountOf(2, shape.Rank));
        var sums = new float[shape[0] * size.Channels];
        if (isChannelsLast || size.Pixels == 1)
        {
            float[] repeated = Repeat(numbers ?? new float[size.Channels]);
            Shares.Run(pool, shape[0], Math.Max(1, Smallest / Math.Max(1, size.Count)), (term, x, other, repeated, size, sums), static (w, begin, end) =>
            {
                for (int image = begin; image < end; image++)
                {
                    Image(w.term, w.x.Values<float>().Slice(image * w.size.Count, w.size.Count), w.other.Values<float>().Slice(image * w.size.Count, w.size.Count), w.repeated, w.sums.AsSpan(image * w.size.Channels, w.size.Channels));
                }
            });
        }
        else
        {
            Shares.Run(pool, sums.Length, Math.Max(1, Smallest / Math.Max(1, size.Pixels)), (term, x, other, numbers, size, sums), static (w, begin, end) =>
            {
                for (int plane = begin; plane < end; plane++)
                {
                    int at = plane * w.size.Pixels;
                    float number = w.numbers?[plane % w.size.Channels] ?? 0;
                    w.sums[plane] = Plane(w.term, w.x.Values<float>().Slice(at, w.size.Pixels), w.other.Values<float>().Slice(at, w.size.Pixels), number);
                }
            });
        }

        var result = new float[size.Channels];
        BatchSums.Rows(sums, size.Channels, result);
        return result;
    }

    /// <summary>A number a channel, sixteen times over.</summary>
    public static float[] Repeat(float[] numbers)
    {
        var result = new float[numbers.Length * FloatReduction.Lanes];
        for (int i = 0; i < FloatReduction.Lanes; i++)
        {
            numbers.CopyTo(result, i * numbers.Length);
        }

        return result;
    }

    /// <summary>One image channels-last: [pixels][channels] → [channels].</summary>
    private static void Image<TTerm>(TTerm term, ReadOnlySpan<float> x, ReadOnlySpan<float> other, float[] numbers, Span<float> result)
        where TTerm : struct, ITerm
    {
        float* memory = Scratch.Floats(numbers.Length);
        var sums = new Span<float>(memory, numbers.Length);
        sums.Clear();
        fixed (float* a = x, b = other, c = numbers)
        {
            for (int first = 0; first < x.Length; first += numbers.Length)
            {
                Block(term, a + first, b + first, c, memory, Math.Min(numbers.Length, x.Length - first));
            }
        }

        for (int half = sums.Length / 2; half >= result.Length; half /= 2)
        {
            BatchSums.Accumulate(sums[..half], sums.Slice(half, half));
        }

        sums[..result.Length].CopyTo(result);
    }

    /// <summary>Up to sixteen pixels of all channels.</summary>
    private static void Block<TTerm>(TTerm term, float* x, float* other, float* numbers, float* sums, int count)
        where TTerm : struct, ITerm
    {
        int i = 0;
        for (; i <= count - Lanes256.Count; i += Lanes256.Count)
        {
            Lanes256.Store(sums + i, Lanes256.Load(sums + i) + term.Of(Lanes256.Load(x + i), Lanes256.Load(other + i), Lanes256.Load(numbers + i)));
        }

        for (; i < count; i++)
        {
            sums[i] += term.Of(new Lanes1(x[i]), new Lanes1(other[i]), new Lanes1(numbers[i])).Value;
        }
    }

    /// <summary>One plane: [pixels] → a number.</summary>
    private static float Plane<TTerm>(TTerm term, ReadOnlySpan<float> x, ReadOnlySpan<float> other, float number)
        where TTerm : struct, ITerm
    {
        float* sums = stackalloc float[FloatReduction.Lanes];
        float* numbers = stackalloc float[FloatReduction.Lanes];
        for (int i = 0; i < FloatReduction.Lanes; i++)
        {
            sums[i] = 0;
            numbers[i] = number;
        }

        fixed (float* a = x, b = other)
        {
            for (int first = 0; first < x.Length; first += FloatReduction.Lanes)
            {
                Block(term, a + first, b + first, numbers, sums, Math.Min(FloatReduction.Lanes, x.Length - first));
            }
        }

        return FloatReduction.Sum(new ReadOnlySpan<float>(sums, FloatReduction.Lanes));
    }

    private readonly record struct Size(int Channels, int Pixels)
    {
        public int Count => Channels * Pixels;
    }

    private readonly struct Value : ITerm
    {
        public T Of<T>(T x, T other, T channel)
            where T : unmanaged, ILanes<T> => x;
    }

    private readonly struct Square : ITerm
    {
        public T Of<T>(T x, T other, T channel)
            where T : unmanaged, ILanes<T>
        {
            T difference = x - channel;
            return difference * difference;
        }
    }

    private readonly struct Product : ITerm
    {
        public T Of<T>(T x, T other, T channel)
            where T : unmanaged, ILanes<T> => other * (x - channel);
    }
}
