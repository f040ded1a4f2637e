using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>Each joined value gets its part of the gradient.</summary>
internal sealed class ConcatGradient : GradientRule
{
    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Shape y = call.Outputs[0].Shape;
        int axis = y.Axis(((Concat)call.Node).Axis);
        int inner = y.CountOf(axis + 1, y.Rank);
        int line = y[axis] * inner;
        Tensor?[] result = call.NewResult();
        int begin = 0;
        for (int i = 0; i < result.Length; i++)
        {
            int part = call.Inputs[i].Shape[axis] * inner;
            if (call.Wanted[i])
            {
                result[i] = call.NewFor(i);
                for (int row = 0; row < y.CountOf(0, axis); row++)
                {
                    call.Gradient.Values<float>().Slice((row * line) + begin, part).CopyTo(result[i]!.Writable<float>()[(row * part)..]);
                }
            }

            begin += part;
        }

        return result;
    }
}

/// <summary>Each element gets the sum of the gradients of its copies, in their order, in double. Only along the first axis.</summary>
internal sealed class GatherGradient : GradientRule
{
    /// <inheritdoc/>
    public override bool Covers(Node node) => ((Gather)node).Axis == 0;

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Tensor?[] result = call.NewResult();
        Shape x = call.Inputs[0].Shape;
        int length = x.CountOf(1, x.Rank);
        double[] sums = new double[x.Count];
        ReadOnlySpan<long> indices = call.Inputs[1].Values<long>();
        for (int i = 0; i < indices.Length; i++)
        {
            int row = (int)(indices[i] < 0 ? indices[i] + x[0] : indices[i]);
            for (int j = 0; j < length; j++)
            {
                sums[(row * length) + j] += call.Gradient.Values<float>()[(i * length) + j];
            }
        }

        result[0] = call.UnsetFor(0);
        for (int i = 0; i < sums.Length; i++)
        {
            result[0]!.Writable<float>()[i] = (float)sums[i];
        }

        return result;
    }
}

/// <summary>The gradient under the input's shape.</summary>
internal sealed class ReshapeGradient : GradientRule
{
    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call) => [call.Gradient.Reshape(call.Inputs[0].Shape)];
}

/// <summary>The gradient under the inverse permutation.</summary>
internal sealed class TransposeGradient : GradientRule
{
    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (Transpose)call.Node;
        Tensor dx = call.NewFor(0);
        var inverse = new Transpose { Permutation = [.. Enumerable.Range(0, node.Permutation.Length).Select(i => node.Permutation.IndexOf(i))] };
        FastOperators.Run(new OperatorCall(null!, inverse, [call.Gradient], [dx], call.Kernels, call.Pool));
        return [dx];
    }
}

/// <summary>Along the axis: dx = y·(dy − Σ dy·y), or dx = dy − exp(y)·Σ dy for the logarithm; Σ in order.</summary>
internal sealed class SoftmaxGradient : GradientRule
{
    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (Softmax)call.Node;
        Tensor dx = call.NewFor(0);
        int axis = dx.Shape.Axis(node.Axis);
        int inner = dx.Shape.CountOf(axis + 1, dx.Shape.Rank);
        int size = dx.Shape[axis];
        Shares.Run(call.Pool, dx.Shape.CountOf(0, axis) * inner, 64, (call, dx, inner, size, node.Logarithm), static (w, begin, end) =>
        {
            for (int line = begin; line < end; line++)
            {
                Line(w.call, w.dx.Writable<float>(), ((line / w.inner * w.size * w.inner) + (line % w.inner), w.inner, w.size), w.Logarithm);
            }
        });
        return [dx];
    }

    private static void Line(GradientCall call, Span<float> dx, (int First, int Step, int Size) line, bool logarithm)
    {
        ReadOnlySpan<float> y = call.Outputs[0].Values<float>();
        ReadOnlySpan<float> dy = call.Gradient.Values<float>();
        float sum = 0;
        for (int i = 0, at = line.First; i < line.Size; i++, at += line.Step)
        {
            sum = logarithm ? sum + dy[at] : MathF.FusedMultiplyAdd(dy[at], y[at], sum);
        }

        for (int i = 0, at = line.First; i < line.Size; i++, at += line.Step)
        {
            dx[at] = logarithm ? dy[at] - (Numerics.FloatMath.Exp(y[at]) * sum) : y[at] * (dy[at] - sum);
        }
    }
}
