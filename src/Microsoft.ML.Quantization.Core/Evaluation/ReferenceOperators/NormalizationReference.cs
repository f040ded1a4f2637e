using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Normalisations; long sums in 16 lanes (<see cref="LaneSum"/>).</summary>
internal static class NormalizationReference
{
    public static void BatchNormalization(ReferenceCall call)
    {
        var node = (BatchNormalization)call.Node;
        Shape x = call.Shape(0);
        int pixels = x.CountOf(2, x.Rank);
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            int c = i / pixels % x[1];
            float multiplier = node.Multiplier(call.Floats(1)[c], call.Floats(4)[c]);
            float shift = call.Floats(3)[c] * multiplier;
            result[i] = MathF.FusedMultiplyAdd(call.Floats(0)[i], multiplier, call.Floats(2)[c] - shift);
        }
    }

    public static void FoldedWeights(ReferenceCall call)
    {
        int length = call.Shape(0).CountOf(1, call.Shape(0).Rank);
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            float deviation = MathF.Sqrt(call.Floats(2)[i / length] + ((FoldedWeights)call.Node).Epsilon);
            float multiplier = call.Floats(1)[i / length] / deviation;
            call.Output.Writable<float>()[i] = call.Floats(0)[i] * multiplier;
        }
    }

    public static void FoldedNormalization(ReferenceCall call)
    {
        Shape y = call.Shape(0);
        int pixels = y.CountOf(2, y.Rank);
        for (int i = 0; i < y.Count; i++)
        {
            int c = i / pixels % y[1];
            float multiplier = call.Floats(2)[c] / MathF.Sqrt(call.Floats(5)[c] + ((FoldedNormalization)call.Node).Epsilon);
            float shift = call.Floats(4)[c] * multiplier;
            float offset = call.Floats(3)[c] - shift;
            call.Output.Writable<float>()[i] = call.Floats(0)[i] + offset;
        }
    }

    public static void LayerNormalization(ReferenceCall call)
    {
        var node = (LayerNormalization)call.Node;
        Shape x = call.Shape(0);
        int size = x.CountOf(x.Axis(node.Axis), x.Rank);
        for (int begin = 0; begin < x.Count; begin += size)
        {
            (float mean, float inverse) = Statistics(call.Floats(0).Slice(begin, size), node.Epsilon);
            for (int i = 0; i < size; i++)
            {
                float value = (call.Floats(0)[begin + i] - mean) * inverse;
                value *= call.Floats(1)[i];
                call.Output.Writable<float>()[begin + i] = call.Inputs.Length > 2 ? value + call.Floats(2)[i] : value;
            }
        }
    }

    public static void InstanceNormalization(ReferenceCall call)
    {
        Shape x = call.Shape(0);
        int pixels = x.CountOf(2, x.Rank);
        for (int plane = 0; plane < x[0] * x[1]; plane++)
        {
            ReadOnlySpan<float> values = call.Floats(0).Slice(plane * pixels, pixels);
            (float mean, float inverse) = Statistics(values, ((InstanceNormalization)call.Node).Epsilon);
            for (int i = 0; i < pixels; i++)
            {
                float value = (values[i] - mean) * inverse;
                value *= call.Floats(1)[plane % x[1]];
                call.Output.Writable<float>()[(plane * pixels) + i] = value + call.Floats(2)[plane % x[1]];
            }
        }
    }

    public static void LocalResponseNormalization(ReferenceCall call)
    {
        var node = (LocalResponseNormalization)call.Node;
        Shape x = call.Shape(0);
        int pixels = x.CountOf(2, x.Rank);
        Span<float> result = call.Output.Writable<float>();
        float alpha = node.Alpha / node.Size;
        for (int i = 0; i < result.Length; i++)
        {
            int c = i / pixels % x[1];
            int first = Math.Max(c - ((node.Size - 1) / 2), 0);
            int last = (int)Math.Min((long)c + (node.Size / 2), x[1] - 1);
            float sum = 0;
            for (int channel = first; channel <= last; channel++)
            {
                float value = call.Floats(0)[i + ((channel - c) * pixels)];
                sum = MathF.FusedMultiplyAdd(value, value, sum);
            }

            result[i] = call.Floats(0)[i] / FloatMath.Pow(MathF.FusedMultiplyAdd(alpha, sum, node.Bias), node.Beta);
        }
    }

    public static void Softmax(ReferenceCall call)
    {
        var node = (Softmax)call.Node;
        Shape x = call.Shape(0);
        int axis = x.Axis(node.Axis);
        int size = x[axis];
        int inner = x.CountOf(axis + 1, x.Rank);
        var shifted = new float[size];
        var exponentials = new float[size];
        for (int line = 0; line < x.CountOf(0, axis) * inner; line++)
        {
            int begin = (line / inner * size * inner) + (line % inner);
            Exponentials(call.Floats(0), begin, inner, shifted, exponentials);
            float sum = LaneSum.Of(exponentials);
            for (int i = 0; i < size; i++)
            {
                call.Output.Writable<float>()[begin + (i * inner)] = node.Logarithm ? shifted[i] - FloatMath.Log(sum) : exponentials[i] / sum;
            }
        }
    }

    private static void Exponentials(ReadOnlySpan<float> source, int begin, int step, Span<float> shifted, Span<float> exponentials)
    {
        for (int i = 0; i < shifted.Length; i++)
        {
            shifted[i] = source[begin + (i * step)];
        }

        float largest = LaneSum.Fold(shifted, float.NegativeInfinity, (a, v) => v > a ? v : a, (a, b) => b > a ? b : a);
        for (int i = 0; i < shifted.Length; i++)
        {
            shifted[i] -= largest;
            exponentials[i] = FloatMath.Exp(shifted[i]);
        }
    }

    private static (float Mean, float Inverse) Statistics(ReadOnlySpan<float> values, float epsilon)
    {
        float mean = LaneSum.Of(values) / values.Length;
        float variance = LaneSum.Fold(values, 0, (sum, v) => sum + ((v - mean) * (v - mean)), (a, b) => a + b) / values.Length;
        return (mean, 1 / MathF.Sqrt(variance + epsilon));
    }
}
