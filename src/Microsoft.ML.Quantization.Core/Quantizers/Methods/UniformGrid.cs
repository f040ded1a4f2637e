using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>What methods on uniform grids share: y = s·round(clamp(x/s, lo, hi)), its straight-through gradients, and sums.</summary>
internal static class UniformGrid
{
    /// <summary>y = fl(halfToEven(clamp(fl(x/s), lo, hi)) · s); NaN stays NaN.</summary>
    public static void Quantize(ReadOnlySpan<float> x, float step, float low, float high, Span<float> y) => LaneMap.Map(new Snap(step, low, high), x, y);

    /// <summary>dx = g where lo &lt; fl(x/s) &lt; hi, else 0; a NaN of x gives NaN.</summary>
    public static void PassInside(ReadOnlySpan<float> x, float step, float low, float high, ReadOnlySpan<float> g, Span<float> dx)
        => LaneMap.Map(new Inside(step, low, high), x, g, dx);

    /// <summary>Σ g·∂y/∂s with round taken straight through: round(u) − u inside, lo or hi outside (Esser et al., 2020, equation 3).</summary>
    public static float StepSum(ReadOnlySpan<float> x, float step, float low, float high, ReadOnlySpan<float> g) => LaneMap.Sum(new StepGradient(step, low, high), x, g);

    /// <summary>Σ g over the elements with fl(x/s) ≥ hi.</summary>
    public static float AboveSum(ReadOnlySpan<float> x, float step, float high, ReadOnlySpan<float> g) => LaneMap.Sum(new Above(step, high), x, g);

    private readonly struct Snap(float step, float low, float high) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T lo = T.Create(low);
            T hi = T.Create(high);
            T u = x / T.Create(step);
            u = T.Select(T.Less(u, lo), lo, T.Select(T.Less(hi, u), hi, u));

            // + 0 turns −0 into the +0 that a code decodes to.
            return (T.Round(u) + T.Create(0)) * T.Create(step);
        }
    }

    private readonly struct Inside(float step, float low, float high) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = x / T.Create(step);
            T inside = T.Less(T.Create(low), u) & T.Less(u, T.Create(high));
            return T.Select(T.Same(u, u), inside & g, u);
        }
    }

    private readonly struct StepGradient(float step, float low, float high) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T lo = T.Create(low);
            T hi = T.Create(high);
            T u = x / T.Create(step);
            T below = T.Less(lo, u);
            T above = T.Less(u, hi);
            T slope = T.Select(below, T.Select(above, T.Round(u) - u, hi), lo);
            return T.Select(T.Same(u, u), slope, u) * g;
        }
    }

    private readonly struct Above(float step, float high) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = x / T.Create(step);
            return T.Select(T.Less(u, T.Create(high)), T.Create(0), g);
        }
    }
}
