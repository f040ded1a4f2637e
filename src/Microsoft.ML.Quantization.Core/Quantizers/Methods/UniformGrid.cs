using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>What methods on uniform grids share: y = s·round(clamp(x/s, lo, hi)), its straight-through gradients, and sums.</summary>
internal static class UniformGrid
{
    /// <summary>Random numbers drawn at a time.</summary>
    public const int Noise = 256;

    /// <summary>Scale of a group that is all zero, where zero is no level: all levels are as good as 0.</summary>
    public const float SmallestStep = 1.17549435e-38f;

    /// <summary>y = fl(halfToEven(clamp(fl(x/s), lo, hi)) · s); NaN stays NaN.</summary>
    public static void Quantize(ReadOnlySpan<float> x, float step, float low, float high, Span<float> y) => LaneMap.Map(new Snap(step, low, high), x, y);

    /// <summary>y = fl((2·halfToEven(clamp(fl(fl(x/s) + top)/2, 0, top)) − top) · s), what mid-rise codes of more than one bit decode to; NaN stays NaN.</summary>
    public static void QuantizeMidRise(ReadOnlySpan<float> x, float step, int top, Span<float> y) => LaneMap.Map(new MidSnap(step, top), x, y);

    /// <summary>y = x ≥ 0 ? size : −size, what mid-rise codes of one bit decode to; NaN stays NaN.</summary>
    public static void Sign(ReadOnlySpan<float> x, float size, Span<float> y) => LaneMap.Map(new Signs(size), x, y);

    /// <summary>As <see cref="Quantize"/>, but u goes up with the probability u − floor(u): y = s·clamp(floor(u) + [r &lt; u − floor(u)], lo, hi) (Gupta et al., 2015).</summary>
    /// <param name="x">What is quantized.</param>
    /// <param name="step">s.</param>
    /// <param name="low">Lowest code.</param>
    /// <param name="high">Highest code.</param>
    /// <param name="random">r of element i is its number <paramref name="begin"/> + i.</param>
    /// <param name="begin">First element.</param>
    /// <param name="y">Written.</param>
    public static void QuantizeStochastic(ReadOnlySpan<float> x, float step, float low, float high, CounterRandom random, int begin, Span<float> y)
    {
        Span<float> noise = stackalloc float[Noise];
        for (int from = 0; from < y.Length; from += Noise)
        {
            Span<float> part = y.Slice(from, Math.Min(Noise, y.Length - from));
            Uniform(random, begin + from, noise[..part.Length]);
            LaneMap.Map(new Chance(step, low, high), x[from..], noise, part);
        }
    }

    /// <summary>Random numbers in [0, 1) of consecutive elements.</summary>
    public static void Uniform(CounterRandom random, int begin, Span<float> numbers)
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = random.Uniform(begin + i);
        }
    }

    /// <summary>dx = g where lo &lt; fl(x/s) &lt; hi, else 0; a NaN of x gives NaN.</summary>
    public static void PassInside(ReadOnlySpan<float> x, float step, float low, float high, ReadOnlySpan<float> g, Span<float> dx)
        => LaneMap.Map(new Inside(step, low, high), x, g, dx);

    /// <summary>dx = fl(dx + fl(fl(δ·|dx|)·(u − round(u)))), u = fl(x/s): dx·(1 + δ·sign(dx)·(u − round(u))) (Lee et al., 2021).</summary>
    public static void ScaleByDistance(ReadOnlySpan<float> x, float step, float delta, Span<float> dx) => LaneMap.Map(new ByDistance(step, delta), x, dx, dx);

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

    private readonly struct MidSnap(float step, int top) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T hi = T.Create(top);
            T u = ((x / T.Create(step)) + hi) * T.Create(0.5f);
            u = T.Round(T.Select(T.Less(u, T.Create(0)), T.Create(0), T.Select(T.Less(hi, u), hi, u)));
            return (u + u - hi) * T.Create(step);
        }
    }

    private readonly struct Signs(float size) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T signed = T.Select(T.Less(x, T.Create(0)), T.Create(-size), T.Create(size));
            return T.Select(T.Same(x, x), signed, x);
        }
    }

    private readonly struct Chance(float step, float low, float high) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T lo = T.Create(low);
            T hi = T.Create(high);
            T u = x / T.Create(step);
            T down = T.Floor(u);
            T code = down + (T.Less(g, u - down) & T.Create(1));
            code = T.Select(T.Less(code, lo), lo, T.Select(T.Less(hi, code), hi, code));
            return (code + T.Create(0)) * T.Create(step);
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

    private readonly struct ByDistance(float step, float delta) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = x / T.Create(step);
            T size = g & T.CreateInt(int.MaxValue);

            // Nothing to scale where nothing passes, however far x lies.
            return g + (T.Less(T.Create(0), size) & (T.Create(delta) * size * (u - T.Round(u))));
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
