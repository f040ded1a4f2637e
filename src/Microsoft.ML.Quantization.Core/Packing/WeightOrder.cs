using System;
using Microsoft.ML.Quantization.Allocation;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>From the graph's order of weights [rows][channels][taps] to the kernels'.</summary>
internal static class WeightOrder
{
    /// <summary>[rows][channels][taps] → [rows][taps][channels].</summary>
    public static T[] TapsFirst<T>(ReadOnlySpan<T> weights, int rows, int channels)
        where T : unmanaged
    {
        var result = new T[weights.Length];
        TapsFirst(weights, rows, channels, result);
        return result;
    }

    /// <summary>Hands weights in the kernels' order to whoever packs them.</summary>
    public static PackedWeights Pack<T>(ReadOnlySpan<T> weights, int rows, int channels, Func<ReadOnlySpan<T>, PackedWeights> pack)
        where T : unmanaged
    {
        PackedWeights? packed = null;
        Turn(weights, rows, channels, turned => packed = pack(turned));
        return packed!;
    }

    /// <summary>Lends weights in the kernels' order, [rows][taps][channels]; what is turned round for it lies outside the collected heap and is gone afterwards.</summary>
    public static unsafe void Turn<T>(ReadOnlySpan<T> weights, int rows, int channels, Action<ReadOnlySpan<T>> use)
        where T : unmanaged
    {
        if (weights.Length == rows * channels)
        {
            use(weights);
            return;
        }

        using var scratch = new NativeBlock((long)weights.Length * sizeof(T));
        var turned = new Span<T>(scratch.Pointer, weights.Length);
        TapsFirst(weights, rows, channels, turned);
        use(turned);
    }

    private static void TapsFirst<T>(ReadOnlySpan<T> weights, int rows, int channels, Span<T> result)
        where T : unmanaged
    {
        int depth = weights.Length / rows;
        int taps = depth / channels;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<T> from = weights.Slice(row * depth, depth);
            Span<T> to = result.Slice(row * depth, depth);
            for (int tap = 0; tap < taps; tap++)
            {
                Span<T> line = to.Slice(tap * channels, channels);
                for (int channel = 0, at = tap; channel < line.Length; channel++, at += taps)
                {
                    line[channel] = from[at];
                }
            }
        }
    }
}
