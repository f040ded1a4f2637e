using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>What training makes small.</summary>
public enum TrainingLoss
{
    /// <summary>−log softmax(output)[class], mean over rows; a row's target is the number of its class, its output one logit a class.</summary>
    SoftmaxCrossEntropy = 1,

    /// <summary>Mean over rows and outputs of (output − target)²; a row's target has as many values as its output.</summary>
    MeanSquaredError = 2,

    /// <summary>Mean over rows and outputs of max(0, 1 − t·output)², t = 1 for the row's class and −1 for the others, as in BinaryConnect and BNN; a row's target is the number of its class.</summary>
    SquaredHinge = 3,
}

/// <summary>The loss of a batch.</summary>
/// <param name="Sum">Σ over rows (chunks of 32 in order).</param>
/// <param name="Correct">Rows whose first largest output is their class; 0 for the mean squared error.</param>
/// <param name="Gradient">∂(mean over rows)/∂output.</param>
internal sealed record LossValue(float Sum, int Correct, Tensor Gradient);

/// <summary>Losses and their gradients.</summary>
internal static class Losses
{
    /// <summary>The loss of outputs [rows, ..] against targets [rows][values].</summary>
    /// <param name="loss">Which.</param>
    /// <param name="output">The outputs.</param>
    /// <param name="targets">Classes or values.</param>
    /// <param name="smoothing">ε of <see cref="TrainingOptions.LabelSmoothing"/>, looked at by the cross entropy alone.</param>
    public static LossValue Of(TrainingLoss loss, Tensor output, ReadOnlySpan<float> targets, float smoothing = 0)
    {
        int rows = output.Shape[0];
        int width = output.Shape.Count / rows;
        Tensor gradient = Tensor.Allocate(ElementType.Float32, output.Shape);
        var losses = new float[rows];
        int correct = 0;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> values = output.Values<float>().Slice(row * width, width);
            Span<float> back = gradient.Writable<float>().Slice(row * width, width);
            if (loss == TrainingLoss.MeanSquaredError)
            {
                losses[row] = SquaredError(values, targets.Slice(row * width, width), rows, back);
                continue;
            }

            int label = (int)targets[row];
            losses[row] = loss == TrainingLoss.SquaredHinge ? SquaredHinge(values, label, rows, back) : smoothing > 0 ? Smoothed(values, label, rows, smoothing, back) : CrossEntropy(values, label, rows, back);
            correct += Largest(values) == label ? 1 : 0;
        }

        Span<float> sum = stackalloc float[1];
        BatchSums.Rows(losses, 1, sum);
        return new LossValue(sum[0], correct, gradient);
    }

    /// <summary>The first place of the largest value.</summary>
    public static int Largest(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }

        return best;
    }

    private static float CrossEntropy(ReadOnlySpan<float> logits, int label, int rows, Span<float> gradient)
    {
        float largest = FloatReduction.Max(logits);
        float sum = FloatReduction.SumExp(logits, largest);
        for (int i = 0; i < logits.Length; i++)
        {
            float share = FloatMath.Exp(logits[i] - largest) / sum;
            gradient[i] = (i == label ? share - 1 : share) / rows;
        }

        return FloatMath.Log(sum) - (logits[label] - largest);
    }

    /// <summary>−Σ t·log p with t = (1 − ε)·onehot + ε/K and p = softmax(z): log Σ exp z − (1 − ε)·z[label] − ε·mean z, all z less their largest; its gradient is p − t.</summary>
    private static float Smoothed(ReadOnlySpan<float> logits, int label, int rows, float smoothing, Span<float> gradient)
    {
        float largest = FloatReduction.Max(logits);
        float sum = FloatReduction.SumExp(logits, largest);
        float each = smoothing / logits.Length;
        float own = 1 - smoothing + each;
        for (int i = 0; i < logits.Length; i++)
        {
            gradient[i] = logits[i] - largest;
        }

        float rest = FloatReduction.Sum(gradient);
        float loss = FloatMath.Log(sum) - ((1 - smoothing) * gradient[label]) - (each * rest);
        for (int i = 0; i < logits.Length; i++)
        {
            gradient[i] = ((FloatMath.Exp(gradient[i]) / sum) - (i == label ? own : each)) / rows;
        }

        return loss;
    }

    private static float SquaredHinge(ReadOnlySpan<float> values, int label, int rows, Span<float> gradient)
    {
        for (int i = 0; i < values.Length; i++)
        {
            float target = i == label ? 1 : -1;
            float missing = 1 - (target * values[i]);
            gradient[i] = missing > 0 ? -target * missing : 0;
        }

        float loss = FloatReduction.SumSquares(gradient) / values.Length;
        for (int i = 0; i < values.Length; i++)
        {
            gradient[i] *= 2f / ((float)rows * values.Length);
        }

        return loss;
    }

    private static float SquaredError(ReadOnlySpan<float> values, ReadOnlySpan<float> targets, int rows, Span<float> gradient)
    {
        for (int i = 0; i < values.Length; i++)
        {
            gradient[i] = values[i] - targets[i];
        }

        float loss = FloatReduction.SumSquares(gradient) / values.Length;
        for (int i = 0; i < values.Length; i++)
        {
            gradient[i] *= 2f / ((float)rows * values.Length);
        }

        return loss;
    }
}
