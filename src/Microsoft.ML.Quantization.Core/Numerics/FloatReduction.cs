using System;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>
/// Reductions of many floats in the one fixed order: element i goes into lane i mod 16, ascending; then the tree
/// lane j ∘= lane j + 8, then j + 4, j + 2, j + 1. The same bits on every machine and for every way of splitting the caller's work by rows.
/// </summary>
public static class FloatReduction
{
    /// <summary>Number of lanes.</summary>
    public const int Lanes = 16;

    /// <summary>Σ v, lanes from +0.</summary>
    public static float Sum(ReadOnlySpan<float> values) => Fold<Plus, Value>(values, default, 0);

    /// <summary>Σ |v|, lanes from +0.</summary>
    public static float SumAbsolute(ReadOnlySpan<float> values) => Fold<Plus, Size>(values, default, 0);

    /// <summary>Σ fl(v · v), lanes from +0, no fused operation.</summary>
    public static float SumSquares(ReadOnlySpan<float> values) => Fold<Plus, Square>(values, new Square(0), 0);

    /// <summary>Σ fl(d · d) with d = fl(v − mean), lanes from +0, no fused operation.</summary>
    public static float SumSquaredDifferences(ReadOnlySpan<float> values, float mean) => Fold<Plus, Square>(values, new Square(mean), 0);

    /// <summary>Σ exp(fl(v − shift)), lanes from +0.</summary>
    public static float SumExp(ReadOnlySpan<float> values, float shift) => Fold<Plus, Exponential>(values, new Exponential(shift), 0);

    /// <summary>destination[i] = exp(fl(v − shift)); gives their sum, the one of <see cref="SumExp"/>. Both spans may be the same.</summary>
    public static unsafe float Exp(ReadOnlySpan<float> values, float shift, Span<float> destination)
    {
        if (destination.Length < values.Length)
        {
            throw new ArgumentException("The destination must hold every value.", nameof(destination));
        }

        var map = new Exponential(shift);
        Lanes512 sums = Lanes512.Create(0);
        int whole = values.Length - (values.Length % Lanes);
        fixed (float* x = values, y = destination)
        {
            int i = 0;
            for (; Vector512.IsHardwareAccelerated && i <= whole - Lanes1024.Count; i += Lanes1024.Count)
            {
                Lanes1024 pair = map.Of(Lanes1024.Load(x + i));
                Lanes1024.Store(y + i, pair);
                sums = sums + pair.Low + pair.High;
            }

            for (; i < whole; i += Lanes)
            {
                Lanes512 value = map.Of(Lanes512.Load(x + i));
                Lanes512.Store(y + i, value);
                sums += value;
            }

            float* lanes = stackalloc float[Lanes];
            Lanes512.Store(lanes, sums);
            for (int j = 0; whole + j < values.Length; j++)
            {
                y[whole + j] = map.Of(new Lanes1(x[whole + j])).Value;
                lanes[j] += y[whole + j];
            }

            return Tree<Plus>(lanes);
        }
    }

    /// <summary>Π v, lanes from 1.</summary>
    public static float Product(ReadOnlySpan<float> values) => Fold<Times, Value>(values, default, 1);

    /// <summary>Largest value, lanes from −∞: v &gt; best ? v : best, so a NaN is passed over.</summary>
    public static float Max(ReadOnlySpan<float> values) => Fold<Larger, Value>(values, default, float.NegativeInfinity);

    /// <summary>Smallest value, lanes from +∞: v &lt; best ? v : best, so a NaN is passed over.</summary>
    public static float Min(ReadOnlySpan<float> values) => Fold<Smaller, Value>(values, default, float.PositiveInfinity);

    private static unsafe float Fold<TJoin, TMap>(ReadOnlySpan<float> values, TMap map, float start)
        where TJoin : struct, IJoin
        where TMap : struct, IMap
    {
        Lanes512 sums = Lanes512.Create(start);
        int whole = values.Length - (values.Length % Lanes);
        fixed (float* x = values)
        {
            for (int i = 0; i < whole; i += Lanes)
            {
                sums = TJoin.Join(sums, map.Of(Lanes512.Load(x + i)));
            }

            float* lanes = stackalloc float[Lanes];
            Lanes512.Store(lanes, sums);
            for (int j = 0; whole + j < values.Length; j++)
            {
                lanes[j] = TJoin.Join(new Lanes1(lanes[j]), map.Of(new Lanes1(x[whole + j]))).Value;
            }

            return Tree<TJoin>(lanes);
        }
    }

    private static unsafe float Tree<TJoin>(float* lanes)
        where TJoin : struct, IJoin
    {
        Vector512<float> all = Vector512.Load(lanes);
        Lanes256 eight = TJoin.Join(new Lanes256(all.GetLower()), new Lanes256(all.GetUpper()));
        Lanes128 four = TJoin.Join(new Lanes128(eight.Value.GetLower()), new Lanes128(eight.Value.GetUpper()));
        Lanes1 first = TJoin.Join(new Lanes1(four.Value[0]), new Lanes1(four.Value[2]));
        Lanes1 second = TJoin.Join(new Lanes1(four.Value[1]), new Lanes1(four.Value[3]));
        return TJoin.Join(first, second).Value;
    }

    private interface IJoin
    {
        public static abstract T Join<T>(T best, T value)
            where T : unmanaged, ILanes<T>;
    }

    private interface IMap
    {
        public T Of<T>(T value)
            where T : unmanaged, ILanes<T>;
    }

    private readonly struct Plus : IJoin
    {
        public static T Join<T>(T best, T value)
            where T : unmanaged, ILanes<T> => best + value;
    }

    private readonly struct Times : IJoin
    {
        public static T Join<T>(T best, T value)
            where T : unmanaged, ILanes<T> => best * value;
    }

    private readonly struct Larger : IJoin
    {
        public static T Join<T>(T best, T value)
            where T : unmanaged, ILanes<T> => T.Greater(value, best);
    }

    private readonly struct Smaller : IJoin
    {
        public static T Join<T>(T best, T value)
            where T : unmanaged, ILanes<T> => T.Lesser(value, best);
    }

    private readonly struct Value : IMap
    {
        public T Of<T>(T value)
            where T : unmanaged, ILanes<T> => value;
    }

    private readonly struct Size : IMap
    {
        public T Of<T>(T value)
            where T : unmanaged, ILanes<T> => value & T.CreateInt(int.MaxValue);
    }

    private readonly struct Square(float mean) : IMap
    {
        public T Of<T>(T value)
            where T : unmanaged, ILanes<T>
        {
            T difference = value - T.Create(mean);
            return difference * difference;
        }
    }

    private readonly struct Exponential(float shift) : IMap
    {
        public T Of<T>(T value)
            where T : unmanaged, ILanes<T> => FloatMath.Exp(value - T.Create(shift));
    }
}
