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

    /// <summary>Σ (x − mean)·p(x − mean), p the nearest power of two in the logarithm.</summary>
    public static float[] ShiftedDifferences(WorkerPool pool, Tensor x, float[] mean, bool isChannelsLast) => Run(pool, default(Shifted), x, x, mean, isChannelsLast);

    /// <summary>Σ other, and Σ other · (x − mean), no fused operation; an image after the other, so that each is read from memory once.</summary>
    public static (float[] Plain, float[] Centered) OfProducts(WorkerPool pool, Tensor x, Tensor other, float[] mean, bool isChannelsLast)
    {
        var size = new Size(x.Shape[1], x.Shape.CountOf(2, x.Shape.Rank));
        var plain = new Work<Value>(default, other, other, mean, size, isChannelsLast);
        var centered = new Work<Product>(default, x, other, mean, size, isChannelsLast);
        Shares.Run(pool, x.Shape[0], size.Smallest, (plain, centered), static (w, begin, end) =>
        {
            for (int image = begin; image < end; image++)
            {
                w.plain.Image(image);
                w.centered.Image(image);
            }
        });
        return (plain.Total(), centered.Total());
    }

    /// <summary>Σ x·other over x below 0, no fused operation.</summary>
    public static float[] OfProductsBelowZero(WorkerPool pool, Tensor x, Tensor other, bool isChannelsLast) => Run(pool, default(Below), x, other, null, isChannelsLast);

    private static float[] Run<TTerm>(WorkerPool pool, TTerm term, Tensor x, Tensor other, float[]? numbers, bool isChannelsLast)
        where TTerm : struct, ITerm
    {
        var size = new Size(x.Shape[1], x.Shape.CountOf(2, x.Shape.Rank));
        var work = new Work<TTerm>(term, x, other, numbers ?? new float[size.Channels], size, isChannelsLast);
        Shares.Run(pool, x.Shape[0], size.Smallest, work, static (w, begin, end) =>
        {
            for (int image = begin; image < end; image++)
            {
                w.Image(image);
            }
        });
        return work.Total();
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

        /// <summary>Fewest images of a share.</summary>
        public int Smallest => Math.Max(1, 8192 / Math.Max(1, Count));
    }

    /// <summary>One sum over a tensor, image by image.</summary>
    private sealed class Work<TTerm>
        where TTerm : struct, ITerm
    {
        private readonly TTerm _term;
        private readonly Tensor _x;
        private readonly Tensor _other;
        private readonly float[] _numbers;
        private readonly Size _size;
        private readonly bool _isChannelsLast;
        private readonly float[] _sums;

        public Work(TTerm term, Tensor x, Tensor other, float[] numbers, Size size, bool isChannelsLast)
        {
            (_term, _x, _other, _size) = (term, x, other, size);
            _isChannelsLast = isChannelsLast || size.Pixels == 1;
            _numbers = _isChannelsLast ? Repeat(numbers) : numbers;
            _sums = new float[x.Shape[0] * size.Channels];
        }

        /// <summary>The channels' sums of one image.</summary>
        public void Image(int image)
        {
            ReadOnlySpan<float> x = _x.Values<float>().Slice(image * _size.Count, _size.Count);
            ReadOnlySpan<float> other = _other.Values<float>().Slice(image * _size.Count, _size.Count);
            Span<float> sums = _sums.AsSpan(image * _size.Channels, _size.Channels);
            if (_isChannelsLast)
            {
                ChannelSums.Image(_term, x, other, _numbers, sums);
                return;
            }

            for (int c = 0; c < sums.Length; c++)
            {
                sums[c] = Plane(_term, x.Slice(c * _size.Pixels, _size.Pixels), other.Slice(c * _size.Pixels, _size.Pixels), _numbers[c]);
            }
        }

        /// <summary>The channels' sums of all images.</summary>
        public float[] Total()
        {
            var result = new float[_size.Channels];
            BatchSums.Rows(_sums, _size.Channels, result);
            return result;
        }
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

    private readonly struct Shifted : ITerm
    {
        public T Of<T>(T x, T other, T channel)
            where T : unmanaged, ILanes<T>
        {
            T difference = x - channel;
            return difference * PowerOfTwo.Nearest(difference);
        }
    }

    private readonly struct Below : ITerm
    {
        public T Of<T>(T x, T other, T channel)
            where T : unmanaged, ILanes<T> => T.Less(x, T.Create(0)) & (x * other);
    }

    private readonly struct Product : ITerm
    {
        public T Of<T>(T x, T other, T channel)
            where T : unmanaged, ILanes<T> => other * (x - channel);
    }
}
