using System;
using System.Numerics;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The way back through a clamp: the gradient passes strictly between the bounds and is 0 on and outside them.</summary>
internal static class Clamps
{
    /// <summary>The gradient before the clamp; <paramref name="values"/> may be what stood before or behind it, both tell the same.</summary>
    public static Tensor Before(WorkerPool pool, Activation activation, Tensor values, Tensor gradient)
    {
        if (activation.IsNone)
        {
            return gradient;
        }

        Tensor result = Tensor.Allocate(ElementType.Float32, gradient.Shape);
        Shares.Run(pool, gradient.Shape.Count, 16384, (activation, values, gradient, result), static (w, begin, end) => Mask(
            w.activation, w.values.Values<float>()[begin..end], w.gradient.Values<float>()[begin..end], w.result.Writable<float>()[begin..end]));
        return result;
    }

    private static void Mask(Activation activation, ReadOnlySpan<float> values, ReadOnlySpan<float> gradient, Span<float> result)
    {
        var low = new Vector<float>(activation.Low);
        var high = new Vector<float>(activation.High);
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var v = new Vector<float>(values[i..]);
            Vector<int> inside = Vector.GreaterThan(v, low) & Vector.LessThan(v, high);
            Vector.ConditionalSelect(inside, new Vector<float>(gradient[i..]), Vector<float>.Zero).CopyTo(result[i..]);
        }

        for (; i < values.Length; i++)
        {
            result[i] = values[i] > activation.Low && values[i] < activation.High ? gradient[i] : 0;
        }
    }
}
