using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>A row of a column as the network's input: floats, planar, fl(fl(v · scale) + offset).</summary>
internal static class InputNormalization
{
    /// <summary>Writes one row.</summary>
    public static void Apply<T>(ReadOnlySpan<T> values, InputSignature input, Span<float> result)
        where T : unmanaged
    {
        int channels = input.Shape.Rank > 2 ? input.Shape[1] : 1;
        int pixels = values.Length / channels;
        for (int c = 0; c < channels; c++)
        {
            float scale = Of(input.Scale, c, 1);
            float offset = Of(input.Offset, c, 0);
            for (int p = 0; p < pixels; p++)
            {
                int from = input.Layout == RowLayout.Interleaved ? (p * channels) + c : (c * pixels) + p;
                float product = ToFloat(values[from]) * scale;
                result[(c * pixels) + p] = product + offset;
            }
        }
    }

    private static float ToFloat<T>(T value)
        where T : unmanaged => value is byte small ? small : value is float real ? real : throw new InvalidOperationException($"Inputs of {typeof(T).Name} are not normalised.");

    private static float Of(ImmutableArray<float> numbers, int channel, float none)
        => numbers.IsDefaultOrEmpty ? none : numbers[numbers.Length == 1 ? 0 : channel];
}
