using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>Surrogate derivatives φ′ of a sign: dx = factor · g · φ′(x). A NaN of x gives NaN where the formula has x as a factor, and 0 outside windows.</summary>
internal static class Slopes
{
    /// <summary>1 where |x| ≤ c (Courbariaux et al., 2016).</summary>
    public static void Clip(ReadOnlySpan<float> x, float c, float factor, ReadOnlySpan<float> g, Span<float> dx) => LaneMap.Map(new Window(-c, c, factor), x, g, dx);

    /// <summary>1 where low ≤ x ≤ high.</summary>
    public static void Inside(ReadOnlySpan<float> x, float low, float high, float factor, ReadOnlySpan<float> g, Span<float> dx) => LaneMap.Map(new Window(low, high, factor), x, g, dx);

    /// <summary>2 − 2|x| where |x| ≤ 1 (Liu et al., 2018).</summary>
    public static void ApproxSign(ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx) => LaneMap.Map(default(Tent), x, g, dx);

    /// <summary>β·(2 − βx·tanh(βx/2)) / (1 + cosh βx) (Darabi et al., 2018).</summary>
    public static void SwishSign(ReadOnlySpan<float> x, float beta, ReadOnlySpan<float> g, Span<float> dx) => LaneMap.Map(new Swish(beta), x, g, dx);

    /// <summary>k·t·(1 − tanh²(t·x)).</summary>
    public static void Sech2(ReadOnlySpan<float> x, float t, float k, ReadOnlySpan<float> g, Span<float> dx) => LaneMap.Map(new Bell(t, k), x, g, dx);

    /// <summary>2·| ((x/Δ + 3) mod 2) − 1 | where |x| ≤ 2Δ: 0 at 0 and ±2Δ, 2 at ±Δ (Wan et al., 2018, second version).</summary>
    public static void TwoTents(ReadOnlySpan<float> x, float delta, ReadOnlySpan<float> g, Span<float> dx) => LaneMap.Map(new Tents(delta), x, g, dx);

    private static T Abs<T>(T x)
        where T : unmanaged, ILanes<T> => x & T.CreateInt(0x7FFFFFFF);

    private readonly struct Window(float low, float high, float factor) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T outside = T.Less(x, T.Create(low)) | T.Less(T.Create(high), x);
            return T.Select(outside, T.Create(0), T.Create(factor) * g);
        }
    }

    private readonly struct Tent : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T slope = T.Create(2) - (T.Create(2) * Abs(x));
            return g * T.Select(T.Less(slope, T.Create(0)), T.Create(0), slope);
        }
    }

    private readonly struct Swish(float beta) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            // 1 + cosh u = 2·cosh²(u/2), and 1/cosh² = 1 − tanh².
            T u = T.Create(beta) * x;
            T tanh = FloatMath.Tanh(u * T.Create(0.5f));
            return g * T.Create(0.5f * beta) * (T.Create(2) - (u * tanh)) * (T.Create(1) - (tanh * tanh));
        }
    }

    private readonly struct Bell(float t, float k) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T tanh = FloatMath.Tanh(T.Create(t) * x);
            return g * T.Create(k * t) * (T.Create(1) - (tanh * tanh));
        }
    }

    private readonly struct Tents(float delta) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = Abs(x) / T.Create(delta);
            T slope = T.Create(1) - Abs(u - T.Create(1));
            return g * T.Create(2) * T.Select(T.Less(slope, T.Create(0)), T.Create(0), slope);
        }
    }
}
