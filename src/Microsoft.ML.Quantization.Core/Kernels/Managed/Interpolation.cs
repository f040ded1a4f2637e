using System;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Interpolation along one axis of row-major data [outer][size][inner] → [outer][new size][inner]; the caller makes indices and weights.</summary>
internal static class Interpolation
{
    /// <summary>y = fma(w, x[upper], fl(fl(1 − w) · x[lower])) for each new position.</summary>
    public static void Linear(
        ReadOnlySpan<float> source, int size, int inner, ReadOnlySpan<int> lower, ReadOnlySpan<int> upper, ReadOnlySpan<float> weights, Span<float> destination)
    {
        int outer = source.Length / Math.Max(1, size * inner);
        for (int o = 0; o < outer; o++)
        {
            ReadOnlySpan<float> plane = source.Slice(o * size * inner, size * inner);
            for (int i = 0; i < weights.Length; i++)
            {
                Elementwise.Combine(
                    plane.Slice(lower[i] * inner, inner),
                    plane.Slice(upper[i] * inner, inner),
                    new Blend(weights[i]),
                    destination.Slice(((o * weights.Length) + i) * inner, inner));
            }
        }
    }

    /// <summary>acc = fma(w[4·i + k], x[index[4·i + k]], acc) from +0, k = 0 … 3, for each new position i.</summary>
    public static void FourTaps(
        ReadOnlySpan<float> source, int size, int inner, ReadOnlySpan<int> indices, ReadOnlySpan<float> weights, Span<float> destination)
    {
        int outer = source.Length / Math.Max(1, size * inner);
        int count = weights.Length / 4;
        for (int o = 0; o < outer; o++)
        {
            ReadOnlySpan<float> plane = source.Slice(o * size * inner, size * inner);
            for (int i = 0; i < count; i++)
            {
                Span<float> target = destination.Slice(((o * count) + i) * inner, inner);
                target.Clear();
                for (int k = 4 * i; k < (4 * i) + 4; k++)
                {
                    Elementwise.Combine(plane.Slice(indices[k] * inner, inner), target, new Chain(weights[k]), target);
                }
            }
        }
    }

    private readonly struct Blend(float weight) : IBinaryFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Fma(T.Create(weight), b, T.Create(1 - weight) * a);
    }

    private readonly struct Chain(float weight) : IBinaryFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Fma(T.Create(weight), a, b);
    }
}
