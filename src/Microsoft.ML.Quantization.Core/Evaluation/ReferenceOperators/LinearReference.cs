using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Convolutions and matrix products: each output is one chain acc = fma(x, w, acc) from +0, then + bias, then the clamp.</summary>
internal static class LinearReference
{
    public static void Convolution(ReferenceCall call)
    {
        var node = (Convolution)call.Node;
        Shape x = call.Shape(0);
        Shape y = call.Output.Shape;
        var taps = new Taps(node.Window, x, y);
        int[] sources = taps.Sources();
        ReadOnlySpan<float> values = call.Floats(0);
        ReadOnlySpan<float> weights = call.Floats(1);
        Span<float> result = call.Output.Writable<float>();
        int channels = call.Shape(1)[1];
        for (int i = 0; i < result.Length; i++)
        {
            int o = i / taps.OutPixels % y[1];
            int n = i / taps.OutPixels / y[1];
            int plane = (n * x[1]) + (o / (y[1] / node.Groups) * channels);
            float acc = 0;
            for (int tap = 0; tap < taps.Count; tap++)
            {
                int source = sources[(i % taps.OutPixels * taps.Count) + tap];
                for (int c = 0; c < channels && source >= 0; c++)
                {
                    acc = MathF.FusedMultiplyAdd(values[((plane + c) * taps.InPixels) + source], weights[(((o * channels) + c) * taps.Count) + tap], acc);
                }
            }

            result[i] = ReferenceCall.Clamp(acc + Bias(call, o), node.Activation);
        }
    }

    public static void ConvolutionTranspose(ReferenceCall call)
    {
        var node = (ConvolutionTranspose)call.Node;
        Shape x = call.Shape(0);
        Shape y = call.Output.Shape;
        var taps = new Taps(node.Window, x, y);
        int[] sources = taps.TransposedSources();
        ReadOnlySpan<float> values = call.Floats(0);
        ReadOnlySpan<float> weights = call.Floats(1);
        Span<float> result = call.Output.Writable<float>();
        int outputs = call.Shape(1)[1];
        int channels = x[1] / node.Groups;
        for (int i = 0; i < result.Length; i++)
        {
            int o = i / taps.OutPixels % y[1];
            int n = i / taps.OutPixels / y[1];
            int first = o / outputs * channels;
            float acc = 0;
            for (int tap = 0; tap < taps.Count; tap++)
            {
                int source = sources[(i % taps.OutPixels * taps.Count) + tap];
                for (int c = first; c < first + channels && source >= 0; c++)
                {
                    float weight = weights[(((c * outputs) + (o % outputs)) * taps.Count) + tap];
                    acc = MathF.FusedMultiplyAdd(values[(((n * x[1]) + c) * taps.InPixels) + source], weight, acc);
                }
            }

            result[i] = acc + Bias(call, o);
        }
    }

    public static void Dense(ReferenceCall call)
    {
        Shape w = call.Shape(1);
        ReadOnlySpan<float> values = call.Floats(0);
        ReadOnlySpan<float> weights = call.Floats(1);
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            int o = i % w[0];
            int row = i / w[0];
            float acc = 0;
            for (int k = 0; k < w[1]; k++)
            {
                acc = MathF.FusedMultiplyAdd(values[(row * w[1]) + k], weights[(o * w[1]) + k], acc);
            }

            result[i] = ReferenceCall.Clamp(acc + Bias(call, o), ((Dense)call.Node).Activation);
        }
    }

    public static void MatMul(ReferenceCall call)
    {
        var places = new MatrixPlaces(call.Shape(0), call.Shape(1), call.Output.Shape);
        ReadOnlySpan<float> first = call.Floats(0);
        ReadOnlySpan<float> second = call.Floats(1);
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            (int left, int right) = places.Of(i);
            float acc = 0;
            for (int k = 0; k < places.Depth; k++)
            {
                acc = MathF.FusedMultiplyAdd(first[left + k], second[right + (k * places.Columns)], acc);
            }

            result[i] = acc;
        }
    }

    /// <summary>The bias of a channel; +0 where the layer has none, and it is added all the same (−0 + 0 = +0).</summary>
    private static float Bias(ReferenceCall call, int channel) => call.Inputs.Length > 2 ? call.Floats(2)[channel] : 0;
}
