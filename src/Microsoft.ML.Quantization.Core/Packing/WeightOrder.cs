using System;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>From the graph's order of weights [rows][channels][taps] to the kernels'.</summary>
internal static class WeightOrder
{
    /// <summary>[rows][channels][taps] → [rows][taps][channels].</summary>
    public static T[] TapsFirst<T>(ReadOnlySpan<T> weights, int rows, int channels)
    {
        int taps = weights.Length / rows / channels;
        var result = new T[weights.Length];
        int to = 0;
        for (int row = 0; row < rows; row++)
        {
            for (int tap = 0; tap < taps; tap++)
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    result[to++] = weights[(((row * channels) + channel) * taps) + tap];
                }
            }
        }

        return result;
    }
}
