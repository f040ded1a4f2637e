using System;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// The relaxed sample of <see cref="RelaxedQuantization"/> and its slopes over rows of lanes. Point i of the window has the code Gᵢ = G₀ + i and the edges aᵢ = ((Gᵢ − ½)·α − x)/σ
/// and aᵢ₊₁. With bins of one width the probabilities are qᵢ = S(aᵢ₊₁)·S(−aᵢ) up to a common factor, which the sample does not see: zᵢ ∝ (qᵢ/Eᵢ)^(1/λ), Eᵢ = −log Uᵢ.
/// Far outside the grid the law no longer depends on x, so x is taken at most 16·σ beyond it; edges beyond ±80 have no weight in float.
/// </summary>
/// <remarks>
/// Edges are α/σ apart, so e^−aᵢ₊₁ is e^−aᵢ times a constant of the tensor: one exponential serves as many edges as 40 holds α/σ. The way forward leaves the three slopes of each element, so
/// that the way back is a few products.
/// </remarks>
internal sealed unsafe class RelaxedGrid
{
    private const float FarthestEdge = 80;
    private const float FarthestValue = 16;
    private const float ChainedEdges = 40;
    private const int Line = 64;

    private readonly bool _isLocal;
    private readonly float _low;
    private readonly float _high;
    private readonly int _reach;
    private readonly float _noise;
    private readonly float _temperature;
    private readonly float _width;
    private readonly float _ratio;
    private readonly int _chain;

    /// <summary>A grid.</summary>
    /// <param name="step">α.</param>
    /// <param name="noise">σ.</param>
    /// <param name="low">Lowest code.</param>
    /// <param name="high">Highest code.</param>
    /// <param name="reach">Codes on each side of the nearest one that take part; as many as the grid has for all.</param>
    /// <param name="temperature">λ.</param>
    public RelaxedGrid(float step, float noise, int low, int high, int reach, float temperature)
    {
        int all = high - low + 1;
        _isLocal = (2 * reach) + 1 < all;
        Width = _isLocal ? (2 * reach) + 1 : all;
        (Step, _noise, _low, _high, _reach, _temperature) = (step, noise, low, high, reach, temperature);
        _width = step / noise;
        _ratio = FloatMath.Exp(-_width);
        _chain = 1 + (int)Math.Min(ChainedEdges / _width, Width);
    }

    /// <summary>α.</summary>
    public float Step { get; }

    /// <summary>Points of a window.</summary>
    public int Width { get; }

    /// <summary>x̂, or with <paramref name="straight"/> the point with the largest qᵢ/Eᵢ, and the slopes of x̂.</summary>
    /// <param name="x">The values.</param>
    /// <param name="noise">Where the noise comes from.</param>
    /// <param name="first">Index of the first value in its tensor.</param>
    /// <param name="y">Written.</param>
    /// <param name="straight">Whether to give points of the grid.</param>
    /// <param name="slopes">Written; empty for none.</param>
    public void Forward(ReadOnlySpan<float> x, RelaxedNoise noise, int first, Span<float> y, bool straight, RelaxedSlopes slopes)
    {
        // Rows of lanes that cross lines of the cache cost twice.
        byte* memory = stackalloc byte[(((2 * Width) + 1) * Line) + Line];
        float* scratch = (float*)(((nuint)memory + Line - 1) & ~(nuint)(Line - 1));
        fixed (float* from = x, to = y, dx = slopes.Dx, step = slopes.Step, spread = slopes.Noise)
        {
            bool isSloped = dx is not null;
            int i = 0;
            for (; i <= y.Length - Lanes512.Count; i += Lanes512.Count)
            {
                noise.Fill(first + i, (Lanes512*)scratch, Width);
                Sample(from + i, to + i, (Lanes512*)scratch, straight, isSloped ? dx + i : null, step + i, spread + i);
            }

            for (; i < y.Length; i++)
            {
                noise.Fill(first + i, (Lanes1*)scratch, Width);
                Sample(from + i, to + i, (Lanes1*)scratch, straight, isSloped ? dx + i : null, step + i, spread + i);
            }
        }
    }

    /// <summary>One row of lanes.</summary>
    /// <param name="from">x.</param>
    /// <param name="to">x̂ or the point, written.</param>
    /// <param name="scratch">2·<see cref="Width"/> + 1 rows: uniform numbers in (0, 1), one a point; the rest is written.</param>
    /// <param name="straight">Whether to give points of the grid.</param>
    /// <param name="dx">∂x̂/∂x, written; null for no slopes.</param>
    /// <param name="step">∂x̂/∂log α with σ/α held, written.</param>
    /// <param name="spread">∂x̂/∂log σ, written.</param>
    public void Sample<T>(float* from, float* to, T* scratch, bool straight, float* dx, float* step, float* spread)
        where T : unmanaged, ILanes<T>
    {
        T x = T.Load(from);
        T low = T.Create(((_low - 0.5f) * Step) - (FarthestValue * _noise));
        T high = T.Create(((_high + 0.5f) * Step) + (FarthestValue * _noise));
        T near = T.Select(T.Less(x, low), low, T.Select(T.Less(high, x), high, x));
        T start = Start(near);
        T edge = (((start - T.Create(0.5f)) * T.Create(Step)) - near) * T.Create(1 / _noise);
        T sum = Weigh(edge, start, scratch);
        T point = straight ? Largest(scratch) : sum;
        sum = _temperature == 1 ? sum : Sharpen(scratch);
        T mean = Relax(scratch, sum);

        // + 0 turns −0 into the +0 that a code decodes to.
        T code = start + (straight ? point : mean) + T.Create(0);
        T.Store(to, T.Select(T.Same(x, x), code * T.Create(Step), x));
        if (dx is not null)
        {
            T slope = Slope(edge, mean, scratch, out T noise);
            T.Store(dx, T.Select(T.Same(x, x), slope, x));
            T.Store(step, ((start + mean) * T.Create(Step)) - (near * slope));
            T.Store(spread, noise);
        }
    }

    /// <summary>∂x̂/∂x, and ∂x̂/∂log σ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Slope<T>(T edge, T mean, T* scratch, out T noise)
        where T : unmanaged, ILanes<T>
    {
        int count = Width;
        T* up = scratch + count;
        (T slope, T spread) = (T.Create(0), T.Create(0));
        T last = up[0];
        T before = last * edge;
        T at = edge;
        T index = T.Create(0) - mean;
        for (int i = 0; i < count; i++)
        {
            // In codes: zᵢ·(Gᵢ − x̂/α)/λ, times ∂ log qᵢ/∂x and ∂ log qᵢ/∂ log σ.
            T weight = scratch[i] * index;
            T next = up[i + 1];
            T below = T.Create(1) - next;
            at += T.Create(_width);
            slope = T.Fma(weight, last - below, slope);
            spread = T.Fma(weight, before - (below * at), spread);
            last = next;
            before = next * at;
            index += T.Create(1);
        }

        noise = spread * T.Create(Step / _temperature);
        return slope * T.Create(Step / _temperature) * T.Create(1 / _noise);
    }

    /// <summary>G₀.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Start<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T low = T.Create(_low);
        if (!_isLocal)
        {
            return low;
        }

        T high = T.Create(_high);
        T nearest = T.Round(x / T.Create(Step));
        return T.Select(T.Less(nearest, low), low, T.Select(T.Less(high, nearest), high, nearest)) - T.Create(_reach);
    }

    /// <summary>Writes qᵢ/Eᵢ over the uniform numbers, then S at the edges, in the order of the edges; gives the sum of the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Weigh<T>(T edge, T start, T* scratch)
        where T : unmanaged, ILanes<T>
    {
        int count = Width;
        T* up = scratch + count;
        T one = T.Create(1);
        T e = Decay(edge);
        up[0] = one / (one + e);
        T beyond = e * up[0];
        e *= T.Create(_ratio);
        T sum = T.Create(0);
        int i = 1;
        for (int end = _chain; i <= count; end += _chain)
        {
            for (; i < Math.Min(end, count + 1); i++)
            {
                // One division for 1/(1 + e) and for 1/E.
                T size = one + e;
                T exponential = T.Create(0) - FloatMath.LogOfNormal(scratch[i - 1]);
                T both = one / (size * exponential);
                T s = both * exponential;
                T q = s * beyond * (both * size);
                q = _isLocal ? Inside(start + T.Create(i - 1), q) : q;
                up[i] = s;
                scratch[i - 1] = q;
                sum += q;
                beyond = e * s;
                e *= T.Create(_ratio);
            }

            e = i <= count ? Decay(T.Fma(T.Create(i), T.Create(_width), edge)) : e;
        }

        return sum;
    }

    /// <summary>e^−a, a within ±80.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Decay<T>(T a)
        where T : unmanaged, ILanes<T>
    {
        T limited = T.Select(T.Less(a, T.Create(-FarthestEdge)), T.Create(-FarthestEdge), T.Select(T.Less(T.Create(FarthestEdge), a), T.Create(FarthestEdge), a));
        return FloatMath.ExpOfNear(T.Create(0) - limited);
    }

    /// <summary>q, and 0 for codes outside the grid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Inside<T>(T code, T q)
        where T : unmanaged, ILanes<T> => T.Select(T.Less(code, T.Create(_low)) | T.Less(T.Create(_high), code), T.Create(0), q);

    /// <summary>Turns the weights into z; gives x̂/α − G₀.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Relax<T>(T* weights, T sum)
        where T : unmanaged, ILanes<T>
    {
        (T mean, T index) = (T.Create(0), T.Create(0));
        T inverse = T.Create(1) / sum;
        for (int i = 0; i < Width; i++)
        {
            T z = weights[i] * inverse;
            weights[i] = z;
            mean = T.Fma(z, index, mean);
            index += T.Create(1);
        }

        return mean;
    }

    /// <summary>w ← (w / max w)^(1/λ); gives their sum.</summary>
    private T Sharpen<T>(T* weights)
        where T : unmanaged, ILanes<T>
    {
        T largest = weights[0];
        for (int i = 1; i < Width; i++)
        {
            largest = T.Select(T.Less(largest, weights[i]), weights[i], largest);
        }

        T sum = T.Create(0);
        for (int i = 0; i < Width; i++)
        {
            weights[i] = FloatMath.Exp(FloatMath.Log(weights[i] / largest) / T.Create(_temperature));
            sum += weights[i];
        }

        return sum;
    }

    /// <summary>Index of the largest weight; the first of equals.</summary>
    private T Largest<T>(T* weights)
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

        return at;
    }
}
