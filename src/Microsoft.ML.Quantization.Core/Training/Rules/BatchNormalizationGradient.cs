using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>
/// Batch normalization (Ioffe and Szegedy, 2015). A node whose mean is marked trainable is trained with the statistics of the batch: μ = Σx/M, σ² = Σ(x − μ)²/M over all
/// rows and pixels of a channel; otherwise it is the fixed affine map that it is in evaluation. By shifts the variance is Σ(x − μ)·p(x − μ)/M, and the way back is the ordinary one
/// with powers of two for γ and 1/√(σ² + ε), which pass gradients as if they were what they stand for.
/// </summary>
internal sealed class BatchNormalizationGradient : GradientRule
{
    /// <summary>Statistics of one batch, [C] each; <paramref name="Count"/> values a channel.</summary>
    internal sealed record Statistics(float[] Mean, float[] Variance, int Count)
    {
        /// <summary>The statistics of a value.</summary>
        public static Statistics Of(WorkerPool pool, Tensor x, bool isChannelsLast, bool isByShifts = false)
        {
            int count = x.Shape[0] * x.Shape.CountOf(2, x.Shape.Rank);
            float[] mean = Divided(ChannelSums.Of(pool, x, isChannelsLast), count);
            float[] squares = isByShifts ? ChannelSums.ShiftedDifferences(pool, x, mean, isChannelsLast) : ChannelSums.SquaredDifferences(pool, x, mean, isChannelsLast);
            return new Statistics(mean, Divided(squares, count), count);
        }
    }

    /// <inheritdoc/>
    public override ValueOrder Order(Graph graph, Node node) => ValueOrder.AsInput;

    /// <inheritdoc/>
    public override bool HasForward(Graph graph, Node node) => graph[node.Inputs[3]].IsTrainable;

    /// <inheritdoc/>
    public override object? Forward(OperatorCall call)
    {
        var statistics = Statistics.Of(call.Pool, call.Inputs[0], call.IsChannelsLast, ((BatchNormalization)call.Node).IsByShifts);
        Normalize(call, statistics.Mean, statistics.Variance);
        return statistics;
    }

    /// <inheritdoc/>
    public override void Evaluate(OperatorCall call) => Normalize(call, call.Inputs[3].Values<float>(), call.Inputs[4].Values<float>());

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Tensor x = call.Inputs[0];
        Tensor dy = call.Gradient;
        var statistics = (Statistics?)call.Saved;
        float[] mean = statistics?.Mean ?? call.Inputs[3].Values<float>().ToArray();
        float[] inverse = Inverse(statistics?.Variance ?? call.Inputs[4].Values<float>().ToArray(), (BatchNormalization)call.Node);
        (float[] shift, float[] scale) = ChannelSums.OfProducts(call.Pool, x, dy, mean, call.IsChannelsLast);
        for (int c = 0; c < scale.Length; c++)
        {
            scale[c] *= inverse[c];
        }

        Tensor?[] result = call.NewResult();
        result[1] = call.Wanted[1] ? Tensor.Create(call.Inputs[1].Shape, scale) : null;
        result[2] = call.Wanted[2] ? Tensor.Create(call.Inputs[2].Shape, shift) : null;
        if (call.Wanted[0])
        {
            result[0] = call.UnsetFor(0);
            ChannelLines.Map(call.Pool, x, dy, Coefficients(call, statistics, mean, inverse, scale, shift), result[0]!, call.IsChannelsLast);
        }

        return result;
    }

    /// <summary>y = fma(x, γ/√(σ² + ε), β − μ·γ/√(σ² + ε)), the steps of the operator.</summary>
    private static void Normalize(OperatorCall call, ReadOnlySpan<float> mean, ReadOnlySpan<float> variance)
    {
        var multipliers = new float[mean.Length];
        var offsets = new float[mean.Length];
        var node = (BatchNormalization)call.Node;
        for (int c = 0; c < multipliers.Length; c++)
        {
            multipliers[c] = node.Multiplier(call.Inputs[1].Values<float>()[c], variance[c]);
            float shift = mean[c] * multipliers[c];
            offsets[c] = call.Inputs[2].Values<float>()[c] - shift;
        }

        ChannelLines.Map(call.Pool, call.Inputs[0], (multipliers, offsets), call.Outputs[0], call.IsChannelsLast);
    }

    /// <summary>dx = a·dy + b·x + c with, for batch statistics, a = γr, b = −a·r·dγ/M, c = −a·dβ/M − b·μ; else b = c = 0.</summary>
    private static (float[] A, float[] B, float[] C) Coefficients(GradientCall call, Statistics? statistics, float[] mean, float[] inverse, float[] scale, float[] shift)
    {
        var (a, b, c) = (new float[mean.Length], new float[mean.Length], new float[mean.Length]);
        ReadOnlySpan<float> gamma = call.Inputs[1].Values<float>();
        bool isByShifts = ((BatchNormalization)call.Node).IsByShifts;
        for (int i = 0; i < a.Length; i++)
        {
            a[i] = (isByShifts ? PowerOfTwo.Nearest(gamma[i]) : gamma[i]) * inverse[i];
            b[i] = statistics is null ? 0 : -(a[i] * inverse[i] * (scale[i] / statistics.Count));
            c[i] = statistics is null ? 0 : -(a[i] * (shift[i] / statistics.Count)) - (b[i] * mean[i]);
        }

        return (a, b, c);
    }

    private static float[] Divided(float[] sums, int count)
    {
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] /= count;
        }

        return sums;
    }

    private static float[] Inverse(float[] variance, BatchNormalization node)
    {
        var result = new float[variance.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = node.Multiplier(1, variance[i]);
        }

        return result;
    }
}
