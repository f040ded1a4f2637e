using System;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Long reductions: element i into lane i mod 16, ascending; then lane j += lane j + 8, then j + 4, j + 2, j + 1.</summary>
internal static class LaneSum
{
    private const int Lanes = 16;

    /// <summary>Σ values from +0.</summary>
    public static float Of(ReadOnlySpan<float> values) => Fold(values, 0, static (a, v) => a + v, static (a, b) => a + b);

    /// <summary>A fold from <paramref name="start"/> in every lane, lanes joined by <paramref name="combine"/>.</summary>
    public static float Fold(ReadOnlySpan<float> values, float start, Func<float, float, float> step, Func<float, float, float> combine)
    {
        Span<float> lanes = stackalloc float[Lanes];
        lanes.Fill(start);
        for (int i = 0; i < values.Length; i++)
        {
            lanes[i % Lanes] = step(lanes[i % Lanes], values[i]);
        }

        for (int distance = Lanes / 2; distance > 0; distance /= 2)
        {
            for (int j = 0; j < distance; j++)
            {
                lanes[j] = combine(lanes[j], lanes[j + distance]);
            }
        }

        return lanes[0];
    }
}
