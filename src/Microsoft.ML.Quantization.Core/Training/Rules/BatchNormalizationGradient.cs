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
/// rows and pixels of a channel; otherwise it is the fixed affine map that it is in evaluation.
/// </summary>
internal sealed class BatchNormalizationGradient : GradientRule
{
    /// <summary>Statistics of one batch, [C] each; <paramref name="Count"/> values a channel.</summary>
    internal sealed record Statistics(float[] Mean, float[] Variance, int Count);

    /// <inheritdoc/>
    public override bool HasForward(Graph graph, Node node) => graph[node.Inputs[3]].IsTrainable;

    /// <inheritdoc/>
    public override object? Forward(OperatorCall call)
    {
        Tensor x = call.Inputs[0];
        int count = x.Shape[0] * x.Shape.CountOf(2, x.Shape.Rank);
        float[] mean = Divided(BatchSums.Channels(call.Pool, x), count);
        float[] variance = Divided(
            BatchSums.Channels(call.Pool, x.Shape, (x, mean), static (s, at, length, c) => FloatReduction.SumSquaredDifferences(s.x.Values<float>().Slice(at, length), s.mean[c])), count);
        Shape channels = Shape.Of(mean.Length);
        Tensor[] inputs = [x, call.Inputs[1], call.Inputs[2], Tensor.Create(channels, mean), Tensor.Create(channels, variance)];
        FastOperators.Run(call with { Inputs = inputs });
        return new Statistics(mean, variance, count);
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Tensor x = call.Inputs[0];
        Tensor dy = call.Gradient;
        var statistics = (Statistics?)call.Saved;
        float[] mean = statistics?.Mean ?? call.Inputs[3].Values<float>().ToArray();
        float[] inverse = Inverse(statistics?.Variance ?? call.Inputs[4].Values<float>().ToArray(), ((BatchNormalization)call.Node).Epsilon);
        float[] shift = BatchSums.Channels(call.Pool, dy);
        float[] scale = BatchSums.Channels(call.Pool, x.Shape, (x, dy, mean), static (s, at, length, c)
            => Centered(s.x.Values<float>().Slice(at, length), s.dy.Values<float>().Slice(at, length), s.mean[c]));
        for (int c = 0; c < scale.Length; c++)
        {
            scale[c] *= inverse[c];
        }

        Tensor?[] result = call.NewResult();
        result[1] = call.Wanted[1] ? Tensor.Create(call.Inputs[1].Shape, scale) : null;
        result[2] = call.Wanted[2] ? Tensor.Create(call.Inputs[2].Shape, shift) : null;
        if (call.Wanted[0])
        {
            result[0] = call.NewFor(0);
            InputGradient(call.Pool, new Lines(x, dy, result[0]!, Coefficients(call, statistics, mean, inverse, scale, shift)));
        }

        return result;
    }

    /// <summary>dx = a·dy + b·x + c with, for batch statistics, a = γr, b = −a·r·dγ/M, c = −a·dβ/M − b·μ; else b = c = 0.</summary>
    private static (float A, float B, float C)[] Coefficients(GradientCall call, Statistics? statistics, float[] mean, float[] inverse, float[] scale, float[] shift)
    {
        var result = new (float, float, float)[mean.Length];
        ReadOnlySpan<float> gamma = call.Inputs[1].Values<float>();
        for (int c = 0; c < result.Length; c++)
        {
            float a = gamma[c] * inverse[c];
            float b = statistics is null ? 0 : -(a * inverse[c] * (scale[c] / statistics.Count));
            result[c] = (a, b, statistics is null ? 0 : -(a * (shift[c] / statistics.Count)) - (b * mean[c]));
        }

        return result;
    }

    private static void InputGradient(WorkerPool pool, Lines lines)
    {
        int pixels = lines.X.Shape.CountOf(2, lines.X.Shape.Rank);
        Shares.Run(pool, lines.X.Shape[0] * lines.X.Shape[1], Math.Max(1, 8192 / Math.Max(pixels, 1)), (lines, pixels), static (w, begin, end) =>
        {
            for (int plane = begin; plane < end; plane++)
            {
                (float a, float b, float c) = w.lines.Coefficients[plane % w.lines.Coefficients.Length];
                int at = plane * w.pixels;
                Line(w.lines.X.Values<float>().Slice(at, w.pixels), w.lines.Dy.Values<float>().Slice(at, w.pixels), (a, b, c), w.lines.Dx.Writable<float>().Slice(at, w.pixels));
            }
        });
    }

    private static void Line(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float A, float B, float C) line, Span<float> dx)
    {
        for (int i = 0; i < dx.Length; i++)
        {
            dx[i] = MathF.FusedMultiplyAdd(line.A, dy[i], MathF.FusedMultiplyAdd(line.B, x[i], line.C));
        }
    }

    /// <summary>Σ dy·(x − μ) in 16 strided lanes and the tree 8-4-2-1.</summary>
    private static float Centered(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, float mean)
    {
        Span<float> lanes = stackalloc float[FloatReduction.Lanes];
        lanes.Clear();
        for (int i = 0; i < x.Length; i++)
        {
            lanes[i % FloatReduction.Lanes] += dy[i] * (x[i] - mean);
        }

        return FloatReduction.Sum(lanes);
    }

    private static float[] Divided(float[] sums, int count)
    {
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] /= count;
        }

        return sums;
    }

    private static float[] Inverse(float[] variance, float epsilon)
    {
        var result = new float[variance.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = 1 / MathF.Sqrt(variance[i] + epsilon);
        }

        return result;
    }

    private sealed record Lines(Tensor X, Tensor Dy, Tensor Dx, (float A, float B, float C)[] Coefficients);
}
