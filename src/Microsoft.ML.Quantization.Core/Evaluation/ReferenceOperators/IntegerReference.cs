using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Integer nodes. Sums are exact: kept in 64 bits, and refused when one leaves int32.</summary>
internal static class IntegerReference
{
    public static void Convolution(ReferenceCall call)
    {
        var node = (IntegerConvolution)call.Node;
        Shape x = call.Shape(0);
        Shape y = call.Output.Shape;
        var taps = new Taps(node.Window, x, y);
        int[] sources = taps.Sources();
        int[] values = Values(call);
        int[] weights = Weights(call);
        Span<int> result = call.Output.Writable<int>();
        int channels = call.Shape(1)[1];
        for (int i = 0; i < result.Length; i++)
        {
            int o = i / taps.OutPixels % y[1];
            int n = i / taps.OutPixels / y[1];
            int plane = (n * x[1]) + (o / (y[1] / node.Groups) * channels);
            long sum = Bias(call, o);
            for (int tap = 0; tap < taps.Count; tap++)
            {
                int source = sources[(i % taps.OutPixels * taps.Count) + tap];
                for (int c = 0; c < channels && source >= 0; c++)
                {
                    sum += (long)values[((plane + c) * taps.InPixels) + source] * weights[(((o * channels) + c) * taps.Count) + tap];
                }
            }

            result[i] = call.Accumulator(sum);
        }
    }

    public static void Dense(ReferenceCall call)
    {
        Shape w = call.Shape(1);
        int[] values = Values(call);
        int[] weights = Weights(call);
        Span<int> result = call.Output.Writable<int>();
        for (int i = 0; i < result.Length; i++)
        {
            int o = i % w[0];
            long sum = Bias(call, o);
            for (int k = 0; k < w[1]; k++)
            {
                sum += (long)values[(i / w[0] * w[1]) + k] * weights[(o * w[1]) + k];
            }

            result[i] = call.Accumulator(sum);
        }
    }

    public static void MatMul(ReferenceCall call)
    {
        var places = new MatrixPlaces(call.Shape(0), call.Shape(1), call.Output.Shape);
        Span<int> result = call.Output.Writable<int>();
        for (int i = 0; i < result.Length; i++)
        {
            (int left, int right) = places.Of(i);
            long sum = 0;
            for (int k = 0; k < places.Depth; k++)
            {
                long a = CodeAccess.Read(call.Inputs[0], left + k) - call.Quantizer(0).Single.ZeroPoint;
                sum += a * (CodeAccess.Read(call.Inputs[1], right + (k * places.Columns)) - call.Quantizer(1).Single.ZeroPoint);
            }

            result[i] = call.Accumulator(sum);
        }
    }

    public static void Requantize(ReferenceCall call)
    {
        var node = (Requantize)call.Node;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int c = Channel(call.Shape(0), node.Axis, i, node.Multipliers.Length);
            int acc = call.Value(0, i);
            int zero = node.Result.Single.ZeroPoint;
            CodeAccess.Write(call.Output, i, Requantization.Apply(acc, node.Multipliers[c], node.Offsets[c], zero, node.Minimum, node.Maximum));
        }
    }

    public static void DequantizeAccumulator(ReferenceCall call)
    {
        var node = (DequantizeAccumulator)call.Node;
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            int c = Channel(call.Shape(0), node.Axis, i, node.Multipliers.Length);
            float product = (float)call.Value(0, i) * node.Multipliers[c];
            result[i] = ReferenceCall.Clamp(product + node.Offsets[c], node.Activation);
        }
    }

    public static void Add(ReferenceCall call)
    {
        var node = (IntegerAdd)call.Node;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            (int a, int b) = Pair(call, i);
            int zero = node.Result.Single.ZeroPoint;
            CodeAccess.Write(call.Output, i, Requantization.Add(a, node.LeftMultiplier, b, node.RightMultiplier, zero, node.Minimum, node.Maximum));
        }
    }

    public static void Multiply(ReferenceCall call)
    {
        var node = (IntegerMultiply)call.Node;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            (int a, int b) = Pair(call, i);
            float product = (float)(a * b) * node.Multiplier;
            CodeAccess.Write(call.Output, i, ReferenceCall.Tail(product, node.Result, node.Minimum, node.Maximum));
        }
    }

    public static void AveragePool(ReferenceCall call)
    {
        var node = (IntegerAveragePool)call.Node;
        Shape x = call.Shape(0);
        Shape y = call.Output.Shape;
        var taps = new Taps(node.IsGlobal ? PoolingReference.GlobalWindow(x) : node.Window, x, y);
        bool countPadding = node.CountPadding && !node.IsGlobal;
        for (int i = 0; i < y.Count; i++)
        {
            long sum = 0;
            int count = 0;
            for (int tap = 0; tap < taps.Count; tap++)
            {
                int source = taps.Source(i % taps.OutPixels, tap);
                count += source >= 0 || (source == -1 && countPadding) ? 1 : 0;
                sum += source >= 0 ? call.Value(0, (i / taps.OutPixels * taps.InPixels) + source) : 0;
            }

            float multiplier = node.Multiplier / count;
            float mean = (float)call.Accumulator(sum) * multiplier;
            CodeAccess.Write(call.Output, i, ReferenceCall.Tail(mean, node.Result, node.Result.Range.Min, node.Result.Range.Max));
        }
    }

    public static void LookupTable(ReferenceCall call)
    {
        var node = (LookupTable)call.Node;
        int lowest = call.Quantizer(0).Code.Range.Min;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            byte entry = node.Table[CodeAccess.Read(call.Inputs[0], i) - lowest];
            CodeAccess.Write(call.Output, i, node.Result.Code.Signed ? (sbyte)entry : entry);
        }
    }

    /// <summary>The index of an element along an axis, or 0 when one number serves all.</summary>
    public static int Channel(Shape shape, int axis, int index, int count)
        => count == 1 ? 0 : index / shape.CountOf(shape.Axis(axis) + 1, shape.Rank) % shape[axis];

    /// <summary>The values of the input's codes.</summary>
    private static int[] Values(ReferenceCall call)
    {
        var values = new int[call.Shape(0).Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = call.Value(0, i);
        }

        return values;
    }

    /// <summary>The values of the weights' codes, each by its output channel's zero point or codebook.</summary>
    private static int[] Weights(ReferenceCall call)
    {
        AffineQuantization quantizer = call.Quantizer(1);
        var weights = new int[call.Shape(1).Count];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = quantizer.ValueOf(call.Shape(1), i, CodeAccess.Read(call.Inputs[1], i));
        }

        return weights;
    }

    private static int Bias(ReferenceCall call, int channel) => call.Inputs.Length > 2 ? call.Inputs[2].Values<int>()[channel] : 0;

    private static (int Left, int Right) Pair(ReferenceCall call, int index)
    {
        int[] place = Coordinates.Of(call.Output.Shape, index);
        return (call.Value(0, Coordinates.Broadcast(call.Shape(0), place)), call.Value(1, Coordinates.Broadcast(call.Shape(1), place)));
    }
}
