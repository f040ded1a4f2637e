using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>The rules of <see cref="Requantization"/> over runs of int32, vectorised; the same bits element by element.</summary>
internal static class CodeMath
{
    /// <summary>run[i] = run[i] − zero.</summary>
    public static void Subtract(Span<int> run, int zero)
    {
        if (zero != 0)
        {
            LaneMap.Map(new Shift(-zero), Lanes(run), Lanes(run));
        }
    }

    /// <summary>sum[i] = sum[i] + run[i].</summary>
    public static void AddTo(Span<int> sum, Span<int> run) => LaneMap.Map(default(Plus), Lanes(sum), Lanes(run), Lanes(sum));

    /// <summary>run[i] = <see cref="Requantization.Apply"/> of run[i].</summary>
    public static void Requantize(Span<int> run, float multiplier, float offset, in CodeTail tail) => LaneMap.Map(new Scaled(multiplier, offset, tail), Lanes(run), Lanes(run));

    /// <summary>left[i] = <see cref="Requantization.Add"/> of left[i] and right[i].</summary>
    public static void Add(Span<int> left, float leftMultiplier, Span<int> right, float rightMultiplier, in CodeTail tail)
        => LaneMap.Map(new Sum(leftMultiplier, rightMultiplier, tail), Lanes(left), Lanes(right), Lanes(left));

    /// <summary>result[i] = <see cref="Requantization.Add"/> of 16-bit codes whose zero points are 0.</summary>
    public static unsafe void Add(ReadOnlySpan<short> left, float leftMultiplier, ReadOnlySpan<short> right, float rightMultiplier, in CodeTail tail, Span<short> result)
    {
        var sum = new Sum(leftMultiplier, rightMultiplier, tail);
        left = left[..result.Length];
        right = right[..result.Length];
        fixed (short* a = left, b = right, y = result)
        {
            int i = 0;
            for (; i <= result.Length - Lanes512.Count; i += Lanes512.Count)
            {
                Lanes512.StoreShorts(y + i, sum.Of(Wide(a + i), Wide(b + i)));
            }

            for (; i < result.Length; i++)
            {
                Lanes1.StoreShorts(y + i, sum.Of(Lanes1.CreateInt(a[i]), Lanes1.CreateInt(b[i])));
            }
        }
    }

    /// <summary>codes[i] = <see cref="Requantization.Quantize"/> of values[i].</summary>
    public static void Quantize(ReadOnlySpan<float> values, float scale, in CodeTail tail, Span<int> codes) => LaneMap.Map(new Entry(scale, tail), values, Lanes(codes));

    /// <summary>codes[i] = <see cref="Requantization.Quantize"/> of values[i], in 16 bits.</summary>
    public static unsafe void Quantize(ReadOnlySpan<float> values, float scale, in CodeTail tail, Span<short> codes)
    {
        var entry = new Entry(scale, tail);
        values = values[..codes.Length];
        fixed (float* x = values)
        fixed (short* y = codes)
        {
            int i = 0;
            for (; i <= codes.Length - Lanes512.Count; i += Lanes512.Count)
            {
                Lanes512.StoreShorts(y + i, entry.Of(Lanes512.Load(x + i)));
            }

            for (; i < codes.Length; i++)
            {
                Lanes1.StoreShorts(y + i, entry.Of(Lanes1.Load(x + i)));
            }
        }
    }

    private static unsafe Lanes512 Wide(short* source)
    {
        (Vector256<int> low, Vector256<int> high) = Vector256.Widen(Vector256.Load(source));
        return new Lanes512(Vector512.Create(low, high).AsSingle());
    }

    private static Span<float> Lanes(Span<int> run) => MemoryMarshal.Cast<int, float>(run);

    private readonly struct Shift(int by) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.AddInt(x, T.CreateInt(by));
    }

    private readonly struct Plus : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => T.AddInt(x, g);
    }

    private readonly struct Scaled(float multiplier, float offset, CodeTail tail) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => tail.Of((T.ToFloat(x) * T.Create(multiplier)) + T.Create(offset));
    }

    private readonly struct Sum(float left, float right, CodeTail tail) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => tail.Of((T.ToFloat(x) * T.Create(left)) + (T.ToFloat(g) * T.Create(right)));
    }

    private readonly struct Entry(float scale, CodeTail tail) : ILaneFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => tail.Of(x / T.Create(scale));
    }
}

/// <summary>The tail of every step to codes, as <see cref="Requantization.Finish"/>: clamp, round, add the zero point; NaN gives the zero point.</summary>
/// <param name="ZeroPoint">Zero point of the codes.</param>
/// <param name="Minimum">Lowest code.</param>
/// <param name="Maximum">Highest code.</param>
internal readonly record struct CodeTail(int ZeroPoint, int Minimum, int Maximum)
{
    /// <summary>Floats to codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Of<T>(T t)
        where T : unmanaged, ILanes<T>
    {
        T low = T.Create(Minimum - ZeroPoint);
        T high = T.Create(Maximum - ZeroPoint);
        T clamped = T.Lesser(high, T.Greater(low, t));
        T number = clamped & T.Same(clamped, clamped);
        return T.AddInt(T.ToInt(T.Round(number)), T.CreateInt(ZeroPoint));
    }
}
