using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// The relaxed sample of <see cref="RelaxedQuantization"/> and its gradients over rows of lanes. Point i of the window has the code Gᵢ = G₀ + i and the edges aᵢ = ((Gᵢ − ½)·α − x)/σ
/// and aᵢ₊₁. With bins of one width the probabilities are qᵢ = S(aᵢ₊₁)·S(−aᵢ) up to a common factor, which the sample does not see: zᵢ ∝ (qᵢ/Eᵢ)^(1/λ), Eᵢ = −log Uᵢ.
/// Far outside the grid the law no longer depends on x, so x is taken at most 16·σ beyond it; edges beyond ±80 have no weight in float.
/// </summary>
/// <param name="Step">α.</param>
/// <param name="Noise">σ.</param>
/// <param name="Low">Lowest code.</param>
/// <param name="High">Highest code.</param>
/// <param name="Reach">Codes on each side of the nearest one that take part; as many as the grid has for all.</param>
/// <param name="Temperature">λ.</param>
internal readonly unsafe record struct RelaxedGrid(float Step, float Noise, int Low, int High, int Reach, float Temperature)
{
    private const float FarthestEdge = 80;
    private const float FarthestValue = 16;
    private const int CounterStep = unchecked((int)0x9E3779B9);

    /// <summary>Points of a window.</summary>
    public int Width => IsLocal ? (2 * Reach) + 1 : High - Low + 1;

    private bool IsLocal => (2 * Reach) + 1 < High - Low + 1;

    /// <summary>x̂, or with <paramref name="straight"/> the point with the largest qᵢ/Eᵢ.</summary>
    /// <param name="x">The values.</param>
    /// <param name="random">Its numbers make the noise.</param>
    /// <param name="first">Index of the first value in its tensor.</param>
    /// <param name="y">Written.</param>
    /// <param name="straight">Whether to give points of the grid.</param>
    public void Forward(ReadOnlySpan<float> x, CounterRandom random, long first, Span<float> y, bool straight)
    {
        float* uniform = stackalloc float[Width * Lanes512.Count];
        Lanes512* scratch = stackalloc Lanes512[Scratch];
        fixed (float* from = x, to = y)
        {
            int i = 0;
            for (; i <= y.Length - Lanes512.Count; i += Lanes512.Count)
            {
                Fill(random, first + i, (Lanes512*)uniform);
                Lanes512.Store(to + i, Value(Lanes512.Load(from + i), (Lanes512*)uniform, scratch, straight));
            }

            for (; i < y.Length; i++)
            {
                Fill(random, first + i, (Lanes1*)uniform);
                to[i] = Value(new Lanes1(from[i]), (Lanes1*)uniform, (Lanes1*)scratch, straight).Value;
            }
        }
    }

    /// <summary>dx = g·∂x̂/∂x; added to the sums: Σ g·∂x̂/∂log α with σ/α held, which is Σ g·(x̂ − x·∂x̂/∂x), and Σ g·∂x̂/∂log σ.</summary>
    public void Backward(ReadOnlySpan<float> x, CounterRandom random, long first, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        float* uniform = stackalloc float[Width * Lanes512.Count];
        float* lanes = stackalloc float[2 * FloatReduction.Lanes];
        Lanes512* scratch = stackalloc Lanes512[Scratch];
        fixed (float* from = x, with = g, to = dx)
        {
            (Lanes512 step, Lanes512 noise) = (Lanes512.Create(0), Lanes512.Create(0));
            int i = 0;
            for (; i <= dx.Length - Lanes512.Count; i += Lanes512.Count)
            {
                Fill(random, first + i, (Lanes512*)uniform);
                Lanes512.Store(to + i, Slope(Lanes512.Load(from + i), Lanes512.Load(with + i), (Lanes512*)uniform, scratch, ref step, ref noise));
            }

            Lanes512.Store(lanes, step);
            Lanes512.Store(lanes + FloatReduction.Lanes, noise);
            for (int lane = 0; i < dx.Length; i++, lane++)
            {
                (Lanes1 a, Lanes1 b) = (new Lanes1(lanes[lane]), new Lanes1(lanes[FloatReduction.Lanes + lane]));
                Fill(random, first + i, (Lanes1*)uniform);
                to[i] = Slope(new Lanes1(from[i]), new Lanes1(with[i]), (Lanes1*)uniform, (Lanes1*)scratch, ref a, ref b).Value;
                (lanes[lane], lanes[FloatReduction.Lanes + lane]) = (a.Value, b.Value);
            }
        }

        sums[0] += FloatReduction.Sum(new ReadOnlySpan<float>(lanes, FloatReduction.Lanes));
        sums[1] += FloatReduction.Sum(new ReadOnlySpan<float>(lanes + FloatReduction.Lanes, FloatReduction.Lanes));
    }

    /// <summary>x̂ of lanes with given uniform numbers, one a point.</summary>
    public T Value<T>(T x, T* uniform, T* scratch, bool straight)
        where T : unmanaged, ILanes<T>
    {
        T start = Weigh(Near(x), uniform, scratch);
        T code = straight ? Largest(scratch, start) : Relax(scratch, start);

        // + 0 turns −0 into the +0 that a code decodes to.
        return T.Select(T.Same(x, x), (code + T.Create(0)) * T.Create(Step), x);
    }

    /// <summary>g·∂x̂/∂x of lanes; adds to the two sums.</summary>
    public T Slope<T>(T x, T g, T* uniform, T* scratch, ref T step, ref T noise)
        where T : unmanaged, ILanes<T>
    {
        T near = Near(x);
        T start = Weigh(near, uniform, scratch);
        T mean = Relax(scratch, start);
        T* up = scratch + Width;
        T* edge = up + Width + 1;
        (T slope, T spread) = (T.Create(0), T.Create(0));
        for (int i = 0; i < Width; i++)
        {
            // In codes: zᵢ·(Gᵢ − x̂/α)/λ, times ∂ log qᵢ/∂x and ∂ log qᵢ/∂ log σ.
            T weight = scratch[i] * (start + T.Create(i) - mean);
            T below = T.Create(1) - up[i + 1];
            slope += weight * (up[i] - below);
            spread += weight * ((up[i] * edge[i]) - (below * edge[i + 1]));
        }

        T factor = T.Create(Step / Temperature);
        slope = slope * factor / T.Create(Noise);
        step += g * ((mean * T.Create(Step)) - (near * slope));
        noise += g * (spread * factor);
        return T.Select(T.Same(x, x), g * slope, x);
    }

    private int Scratch => (3 * Width) + 2;

    /// <summary>
    /// One uniform number a point: odd multiples of 2^−24, never 0 or 1. The 64 bits of an element's index start a counter that is mixed for each point (xor-shift and multiply, twice).
    /// </summary>
    private void Fill<T>(CounterRandom random, long first, T* uniform)
        where T : unmanaged, ILanes<T>
    {
        int* starts = stackalloc int[2 * T.Count];
        for (int lane = 0; lane < T.Count; lane++)
        {
            ulong bits = random.Bits(first + lane);
            (starts[lane], starts[T.Count + lane]) = ((int)bits, (int)(bits >> 32));
        }

        (T low, T high) = (T.Load((float*)starts), T.Load((float*)(starts + T.Count)));
        for (int i = 0; i < Width; i++)
        {
            T mixed = Mix(T.AddInt(low, T.CreateInt(unchecked(i * CounterStep)))) ^ high;
            T share = ShiftedDown(Mix(mixed), 9);
            uniform[i] = (T.ToFloat(share) + T.Create(0.5f)) * T.Create(1f / (1 << 23));
        }
    }

    private static T Mix<T>(T bits)
        where T : unmanaged, ILanes<T>
    {
        bits ^= ShiftedDown(bits, 16);
        bits = T.MultiplyInt(bits, T.CreateInt(0x7FEB352D));
        bits ^= ShiftedDown(bits, 15);
        bits = T.MultiplyInt(bits, T.CreateInt(unchecked((int)0x846CA68B)));
        return bits ^ ShiftedDown(bits, 16);
    }

    private static T ShiftedDown<T>(T bits, int count)
        where T : unmanaged, ILanes<T> => T.ShiftRight(bits, count) & T.CreateInt(int.MaxValue >> (count - 1));

    private T Near<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T low = T.Create(((Low - 0.5f) * Step) - (FarthestValue * Noise));
        T high = T.Create(((High + 0.5f) * Step) + (FarthestValue * Noise));
        return T.Select(T.Less(x, low), low, T.Select(T.Less(high, x), high, x));
    }

    /// <summary>Writes qᵢ/Eᵢ, then S at the edges (in the order of the edges), then the edges; gives G₀.</summary>
    private T Weigh<T>(T x, T* uniform, T* scratch)
        where T : unmanaged, ILanes<T>
    {
        T low = T.Create(Low);
        T high = T.Create(High);
        T start = low;
        if (IsLocal)
        {
            T nearest = T.Round(x / T.Create(Step));
            start = T.Select(T.Less(nearest, low), low, T.Select(T.Less(high, nearest), high, nearest)) - T.Create(Reach);
        }

        T* up = scratch + Width;
        T* edge = up + Width + 1;
        T beyond = T.Create(0);
        T inverse = T.Create(1 / Noise);
        for (int i = 0; i <= Width; i++)
        {
            T a = (((start + T.Create(i - 0.5f)) * T.Create(Step)) - x) * inverse;
            a = T.Select(T.Less(a, T.Create(-FarthestEdge)), T.Create(-FarthestEdge), T.Select(T.Less(T.Create(FarthestEdge), a), T.Create(FarthestEdge), a));
            T e = FloatMath.Exp(T.Create(0) - a);
            edge[i] = a;
            up[i] = T.Create(1) / (T.Create(1) + e);
            if (i > 0)
            {
                T code = start + T.Create(i - 1);
                T outside = T.Less(code, low) | T.Less(high, code);
                T q = up[i] * beyond / (T.Create(0) - FloatMath.Log(uniform[i - 1]));
                scratch[i - 1] = T.Select(outside, T.Create(0), q);
            }

            beyond = e * up[i];
        }

        return start;
    }

    /// <summary>Turns the weights into z; gives x̂/α.</summary>
    private T Relax<T>(T* weights, T start)
        where T : unmanaged, ILanes<T>
    {
        if (Temperature != 1)
        {
            Sharpen(weights);
        }

        T sum = T.Create(0);
        for (int i = 0; i < Width; i++)
        {
            sum += weights[i];
        }

        T mean = T.Create(0);
        T inverse = T.Create(1) / sum;
        for (int i = 0; i < Width; i++)
        {
            weights[i] = weights[i] * inverse;
            mean += weights[i] * T.Create(i);
        }

        return start + mean;
    }

    /// <summary>w ← (w / max w)^(1/λ).</summary>
    private void Sharpen<T>(T* weights)
        where T : unmanaged, ILanes<T>
    {
        T largest = weights[0];
        for (int i = 1; i < Width; i++)
        {
            largest = T.Select(T.Less(largest, weights[i]), weights[i], largest);
        }

        for (int i = 0; i < Width; i++)
        {
            weights[i] = FloatMath.Exp(FloatMath.Log(weights[i] / largest) / T.Create(Temperature));
        }
    }

    private T Largest<T>(T* weights, T start)
        where T : unmanaged, ILanes<T>
    {
        T best = weights[0];
        T at = T.Create(0);
        for (int i = 1; i < Width; i++)
        {
            T more = T.Less(best, weights[i]);
            best = T.Select(more, weights[i], best);
            at = T.Select(more, T.Create(i), at);
        }

        return start + at;
    }
}
