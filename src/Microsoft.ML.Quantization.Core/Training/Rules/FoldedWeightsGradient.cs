using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>Weights with a normalization's factor: dw = g·m, dγ = Σ g·w / √(σ² + ε) over an output channel, in double. The running variance has no gradient.</summary>
internal sealed class FoldedWeightsGradient : GradientRule
{
    private const int Smallest = 16384;

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Tensor?[] result = call.NewResult();
        result[0] = call.UnsetFor(0);
        result[1] = call.UnsetFor(1);
        int length = call.Inputs[0].Shape.CountOf(1, call.Inputs[0].Shape.Rank);
        Shares.Run(call.Pool, call.Inputs[1].Shape[0], Math.Max(1, Smallest / Math.Max(1, length)), (call, result, length), static (t, begin, end) =>
        {
            for (int channel = begin; channel < end; channel++)
            {
                Channel(t.call, t.result, channel, t.length);
            }
        });
        return result;
    }

    private static void Channel(GradientCall call, Tensor?[] result, int channel, int length)
    {
        var node = (FoldedWeights)call.Node;
        float variance = call.Inputs[2].Values<float>()[channel];
        float multiplier = node.Multiplier(call.Inputs[1].Values<float>()[channel], variance);
        ReadOnlySpan<float> w = call.Inputs[0].Values<float>().Slice(channel * length, length);
        ReadOnlySpan<float> g = call.Gradient.Values<float>().Slice(channel * length, length);
        Span<float> dw = result[0]!.Writable<float>().Slice(channel * length, length);
        double sum = 0;
        for (int i = 0; i < dw.Length; i++)
        {
            dw[i] = g[i] * multiplier;
            sum += (double)g[i] * w[i];
        }

        result[1]!.Writable<float>()[channel] = (float)(sum / Math.Sqrt((double)variance + node.Epsilon));
    }
}
