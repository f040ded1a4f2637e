using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Dense layers with weights in groups; inputs are quantized row by row.</summary>
internal static class GroupedReference
{
    private const int Largest = 127;

    public static void Dense(ReferenceCall call)
    {
        if (((GroupedDense)call.Node).FloatInputs)
        {
            Floats(call);
            return;
        }

        Shape w = call.Shape(1);
        AffineQuantization quantizer = call.Quantizer(1);
        ReadOnlySpan<sbyte> weights = call.Inputs[1].Values<sbyte>();
        ReadOnlySpan<float> values = call.Floats(0);
        Span<float> result = call.Output.Writable<float>();
        Activation activation = ((GroupedDense)call.Node).Activation;
        int groups = (w[1] + quantizer.GroupSize - 1) / quantizer.GroupSize;
        var codes = new int[w[1]];
        for (int row = 0; row < result.Length / w[0]; row++)
        {
            float scale = Quantize(values.Slice(row * w[1], w[1]), codes);
            for (int o = 0; o < w[0]; o++)
            {
                float acc = 0;
                for (int g = 0; g < groups; g++)
                {
                    long dot = 0;
                    for (int k = g * quantizer.GroupSize; k < Math.Min((g + 1) * (long)quantizer.GroupSize, w[1]); k++)
                    {
                        dot += codes[k] * weights[(o * w[1]) + k];
                    }

                    acc = MathF.FusedMultiplyAdd(call.Accumulator(dot), quantizer.Scales[(o * groups) + g], acc);
                }

                float scaled = acc * scale;
                float bias = call.Inputs.Length > 2 ? call.Floats(2)[o] : 0;
                result[(row * w[0]) + o] = ReferenceCall.Clamp(scaled + bias, activation);
            }
        }
    }

    /// <summary>One chain over the inputs, weights decoded.</summary>
    private static void Floats(ReferenceCall call)
    {
        Shape w = call.Shape(1);
        AffineQuantization quantizer = call.Quantizer(1);
        ReadOnlySpan<sbyte> weights = call.Inputs[1].Values<sbyte>();
        Span<float> result = call.Output.Writable<float>();
        Activation activation = ((GroupedDense)call.Node).Activation;
        int groups = (w[1] + quantizer.GroupSize - 1) / quantizer.GroupSize;
        for (int i = 0; i < result.Length; i++)
        {
            (int row, int o) = (i / w[0], i % w[0]);
            float acc = 0;
            for (int k = 0; k < w[1]; k++)
            {
                float weight = quantizer.Scales[(o * groups) + (k / quantizer.GroupSize)] * weights[(o * w[1]) + k];
                acc = MathF.FusedMultiplyAdd(call.Floats(0)[(row * w[1]) + k], weight, acc);
            }

            float bias = call.Inputs.Length > 2 ? call.Floats(2)[o] : 0;
            result[i] = ReferenceCall.Clamp(acc + bias, activation);
        }
    }

    /// <summary>One row to codes; gives its scale, NaN for a row with a value that is not finite.</summary>
    private static float Quantize(ReadOnlySpan<float> row, int[] codes)
    {
        float largest = 0;
        foreach (float value in row)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        Array.Clear(codes);
        if (!float.IsFinite(largest))
        {
            return float.NaN;
        }

        float scale = largest / Largest;
        scale = scale == 0 ? 1 : scale;
        for (int k = 0; k < row.Length; k++)
        {
            codes[k] = Requantization.Quantize(row[k], scale, 0, -Largest, Largest);
        }

        return scale;
    }
}
