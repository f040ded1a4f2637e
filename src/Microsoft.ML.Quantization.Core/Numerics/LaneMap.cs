using System;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>A function of one value, written once for every width.</summary>
internal interface ILaneFunction
{
    /// <summary>f(x), lane by lane.</summary>
    public T Of<T>(T x)
        where T : unmanaged, ILanes<T>;
}

/// <summary>A function of two values, written once for every width.</summary>
internal interface ILaneFunction2
{
    /// <summary>f(x, g), lane by lane.</summary>
    public T Of<T>(T x, T g)
        where T : unmanaged, ILanes<T>;
}

/// <summary>A function of two values that gives a value and two addends, written once for every width.</summary>
internal interface ILaneGradient
{
    /// <summary>f(x, g), lane by lane.</summary>
    public T Of<T>(T x, T g, out T first, out T second)
        where T : unmanaged, ILanes<T>;
}

/// <summary>Applies functions element by element and adds their values up in the one fixed order; the same bits on every machine.</summary>
internal static unsafe class LaneMap
{
    /// <summary>y[i] = f(x[i]).</summary>
    public static void Map<TFunction>(TFunction f, ReadOnlySpan<float> x, Span<float> y)
        where TFunction : struct, ILaneFunction
    {
        x = x[..y.Length];
        fixed (float* from = x, to = y)
        {
            int i = 0;
            for (; i <= y.Length - Lanes512.Count; i += Lanes512.Count)
            {
                Lanes512.Store(to + i, f.Of(Lanes512.Load(from + i)));
            }

            for (; i < y.Length; i++)
            {
                to[i] = f.Of(new Lanes1(from[i])).Value;
            }
        }
    }

    /// <summary>y[i] = f(x[i], g[i]).</summary>
    public static void Map<TFunction>(TFunction f, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> y)
        where TFunction : struct, ILaneFunction2
    {
        x = x[..y.Length];
        g = g[..y.Length];
        fixed (float* from = x, with = g, to = y)
        {
            int i = 0;
            for (; i <= y.Length - Lanes512.Count; i += Lanes512.Count)
            {
                Lanes512.Store(to + i, f.Of(Lanes512.Load(from + i), Lanes512.Load(with + i)));
            }

            for (; i < y.Length; i++)
            {
                to[i] = f.Of(new Lanes1(from[i]), new Lanes1(with[i])).Value;
            }
        }
    }

    /// <summary>Σ f(x[i]) in 16 strided lanes and the tree 8-4-2-1.</summary>
    public static float Sum<TFunction>(TFunction f, ReadOnlySpan<float> x)
        where TFunction : struct, ILaneFunction
        => Sum(new First<TFunction>(f), x, x);

    /// <summary>Σ f(x[i], g[i]) in 16 strided lanes and the tree 8-4-2-1.</summary>
    public static float Sum<TFunction>(TFunction f, ReadOnlySpan<float> x, ReadOnlySpan<float> g)
        where TFunction : struct, ILaneFunction2
    {
        g = g[..x.Length];
        fixed (float* from = x, with = g)
        {
            Lanes512 sums = Lanes512.Create(0);
            int i = 0;
            for (; i <= x.Length - Lanes512.Count; i += Lanes512.Count)
            {
                sums += f.Of(Lanes512.Load(from + i), Lanes512.Load(with + i));
            }

            float* lanes = stackalloc float[FloatReduction.Lanes];
            Lanes512.Store(lanes, sums);
            for (int lane = 0; i < x.Length; i++, lane++)
            {
                lanes[lane] += f.Of(new Lanes1(from[i]), new Lanes1(with[i])).Value;
            }

            return FloatReduction.Sum(new ReadOnlySpan<float>(lanes, FloatReduction.Lanes));
        }
    }

    /// <summary>y[i] = f(x[i], g[i]); gives the sums of both addends, each in 16 strided lanes and the tree 8-4-2-1.</summary>
    public static (float First, float Second) MapAndSum<TFunction>(TFunction f, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> y)
        where TFunction : struct, ILaneGradient
    {
        x = x[..y.Length];
        g = g[..y.Length];
        fixed (float* from = x, with = g, to = y)
        {
            (Lanes512 a, Lanes512 b) = (Lanes512.Create(0), Lanes512.Create(0));
            int i = 0;
            for (; i <= y.Length - Lanes512.Count; i += Lanes512.Count)
            {
                Lanes512.Store(to + i, f.Of(Lanes512.Load(from + i), Lanes512.Load(with + i), out Lanes512 first, out Lanes512 second));
                a += first;
                b += second;
            }

            float* lanes = stackalloc float[2 * FloatReduction.Lanes];
            Lanes512.Store(lanes, a);
            Lanes512.Store(lanes + FloatReduction.Lanes, b);
            for (int lane = 0; i < y.Length; i++, lane++)
            {
                to[i] = f.Of(new Lanes1(from[i]), new Lanes1(with[i]), out Lanes1 first, out Lanes1 second).Value;
                lanes[lane] += first.Value;
                lanes[FloatReduction.Lanes + lane] += second.Value;
            }

            return (FloatReduction.Sum(new ReadOnlySpan<float>(lanes, FloatReduction.Lanes)), FloatReduction.Sum(new ReadOnlySpan<float>(lanes + FloatReduction.Lanes, FloatReduction.Lanes)));
        }
    }

    private readonly struct First<TFunction>(TFunction f) : ILaneFunction2
        where TFunction : struct, ILaneFunction
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => f.Of(x);
    }
}
