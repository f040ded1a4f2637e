using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The way back through a clamp: the gradient passes strictly between the bounds and is 0 on and outside them.</summary>
internal static class Clamps
{
    /// <summary>The gradient before the clamp; <paramref name="values"/> may be what stood before or behind it, both tell the same.</summary>
    public static Tensor Before(GradientCall call, Activation activation, Tensor values)
    {
        if (activation.IsNone)
        {
            return call.Gradient;
        }

        Tensor result = call.Memory.Rent(ElementType.Float32, values.Shape);
        Shares.Run(call.Pool, values.Shape.Count, BatchSums.Smallest, (activation, values, call.Gradient, result), static (w, begin, end) => FloatLoops.Map(
            new Pass(w.activation.Low, w.activation.High), w.values.Values<float>()[begin..end], w.Gradient.Values<float>()[begin..end], w.result.Writable<float>()[begin..end]));
        return result;
    }

    private readonly struct Pass(float low, float high) : IBinaryFunction
    {
        public T Of<T>(T value, T gradient)
            where T : unmanaged, ILanes<T> => T.Less(T.Create(low), value) & T.Less(value, T.Create(high)) & gradient;
    }
}
