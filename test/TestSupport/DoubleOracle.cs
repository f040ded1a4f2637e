using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>
/// What a float graph with FakeQuantize nodes means, computed in double from integer codes and written apart from the product's operators, to judge integer graphs by.
/// A FakeQuantize output is (code − z)·s with the code rounded half to even in double, so sums of products of codes are exact. Where float and double round a near tie
/// apart, codes differ by one; give the codes that the integer graph really had as <c>known</c>, and each layer is judged on its own.
/// </summary>
public static class DoubleOracle
{
    private static readonly Dictionary<Type, Func<DoubleNode, double[]>> _operators = new()
    {
        [typeof(Convolution)] = Convolve,
        [typeof(Dense)] = Multiply,
        [typeof(Binary)] = Combine,
        [typeof(Unary)] = Apply,
        [typeof(MaxPool)] = n => Pool(n, ((MaxPool)n.Node).Window, v => v.DefaultIfEmpty(double.NegativeInfinity).Max()),
        [typeof(AveragePool)] = Average,
        [typeof(GlobalAveragePool)] = n => [.. n.Inputs[0].Chunk(n.Shapes[0].CountOf(2, n.Shapes[0].Rank)).Select(c => c.Sum() / c.Length)],
        [typeof(BatchNormalization)] = Normalize,
        [typeof(Concat)] = Join,
        [typeof(Reshape)] = n => n.Inputs[0],
    };

    /// <summary>Computes every value.</summary>
    /// <param name="graph">A float graph, nothing free.</param>
    /// <param name="inputs">One tensor an input.</param>
    /// <param name="known">The codes that a FakeQuantize output is taken to have, as reals (code − z)·s; null to compute them.</param>
    public static DoubleOracleResult Run(Graph graph, IReadOnlyList<Tensor> inputs, Func<ValueId, double[]?>? known = null)
    {
        var values = new Dictionary<ValueId, double[]>();
        var unrounded = new Dictionary<ValueId, double[]>();
        for (int i = 0; i < graph.Values.Length; i++)
        {
            if (graph.Values[i].Constant is { Type: ElementType.Float32 } constant)
            {
                values[new ValueId(i)] = Doubles(constant);
            }
        }

        for (int i = 0; i < inputs.Count; i++)
        {
            values[graph.Inputs[i]] = Doubles(inputs[i]);
        }

        foreach (Node node in graph.Nodes)
        {
            if (node is FakeQuantize fake)
            {
                (double[] real, double[] codes) = Round(fake.Quantizer(graph), graph[node.Inputs[0]].Type.Shape, values[node.Inputs[0]]);
                unrounded[node.Output] = codes;
                values[node.Output] = known?.Invoke(node.Output) ?? real;
                continue;
            }

            if (!_operators.TryGetValue(node.GetType(), out Func<DoubleNode, double[]>? function))
            {
                throw new NotSupportedException($"The double oracle has no {node.Kind} ('{node.Name}').");
            }

            Shape[] shapes = [.. node.Inputs.Select(v => graph[v].Type.Shape)];
            values[node.Output] = function(new DoubleNode(node, [.. node.Inputs.Select(v => values[v])], shapes, graph[node.Output].Type.Shape));
        }

        return new DoubleOracleResult(values, unrounded);
    }

    private static double[] Doubles(Tensor tensor) => Array.ConvertAll(tensor.Values<float>().ToArray(), v => (double)v);

    private static (double[] Real, double[] Codes) Round(AffineQuantization quantizer, Shape shape, double[] values)
    {
        var real = new double[values.Length];
        var codes = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int group = quantizer.GroupOf(shape, i);
            double scale = quantizer.Scales[group];
            int zero = quantizer.ZeroPoints[group];
            codes[i] = Math.Clamp((values[i] / scale) + zero, quantizer.Range.Min, quantizer.Range.Max);
            double level = Math.Clamp(Math.Round(values[i] / scale, MidpointRounding.ToEven) + zero, quantizer.Range.Min, quantizer.Range.Max);
            real[i] = (level - zero) * scale;
        }

        return (real, codes);
    }

    private static double[] Convolve(DoubleNode n)
    {
        var node = (Convolution)n.Node;
        Shape w = n.Shapes[1];
        var result = new double[n.Output.Count];
        int taps = w.CountOf(2, w.Rank);
        for (int i = 0; i < result.Length; i++)
        {
            (int image, int o, int pixel) = n.Place(i);
            int first = o / (w[0] / node.Groups) * w[1];
            foreach ((int tap, int source) in n.Taps(node.Window, pixel))
            {
                for (int c = 0; c < w[1]; c++)
                {
                    result[i] += n.At(image, first + c, source) * n.Inputs[1][(((o * w[1]) + c) * taps) + tap];
                }
            }

            result[i] = Clamp(result[i] + n.Bias(o), node.Activation);
        }

        return result;
    }

    private static double[] Multiply(DoubleNode n)
    {
        Shape w = n.Shapes[1];
        var result = new double[n.Output.Count];
        for (int i = 0; i < result.Length; i++)
        {
            for (int k = 0; k < w[1]; k++)
            {
                result[i] += n.Inputs[0][(i / w[0] * w[1]) + k] * n.Inputs[1][(i % w[0] * w[1]) + k];
            }

            result[i] = Clamp(result[i] + n.Bias(i % w[0]), ((Dense)n.Node).Activation);
        }

        return result;
    }

    private static double[] Combine(DoubleNode n)
    {
        var node = (Binary)n.Node;
        var result = new double[n.Output.Count];
        for (int i = 0; i < result.Length; i++)
        {
            double a = n.Broadcast(0, i);
            double b = n.Broadcast(1, i);
            double value = node.Operator switch
            {
                BinaryOperator.Add => a + b,
                BinaryOperator.Subtract => a - b,
                BinaryOperator.Multiply => a * b,
                BinaryOperator.Divide => a / b,
                BinaryOperator.Minimum => Math.Min(a, b),
                BinaryOperator.Maximum => Math.Max(a, b),
                _ => throw new NotSupportedException($"The double oracle has no {node.Operator}."),
            };
            result[i] = Clamp(value, node.Activation);
        }

        return result;
    }

    private static double[] Apply(DoubleNode n)
    {
        var node = (Unary)n.Node;
        Func<double, double> function = node.Operator switch
        {
            UnaryOperator.Clip => x => Clamp(x, new Activation(node.Alpha, node.Beta)),
            UnaryOperator.LeakyRelu => x => x < 0 ? node.Alpha * x : x,
            UnaryOperator.Sigmoid => x => 1 / (1 + Math.Exp(-x)),
            UnaryOperator.HardSigmoid => x => Math.Clamp((node.Alpha * x) + node.Beta, 0, 1),
            UnaryOperator.HardSwish => x => x * Math.Clamp((x / 6) + 0.5, 0, 1),
            UnaryOperator.Tanh => Math.Tanh,
            UnaryOperator.Swish => x => x / (1 + Math.Exp(-node.Alpha * x)),
            _ => throw new NotSupportedException($"The double oracle has no {node.Operator}."),
        };
        return Array.ConvertAll(n.Inputs[0], x => function(x));
    }

    private static double[] Pool(DoubleNode n, Window window, Func<IEnumerable<double>, double> function)
    {
        var result = new double[n.Output.Count];
        for (int i = 0; i < result.Length; i++)
        {
            (int image, int channel, int pixel) = n.Place(i);
            result[i] = function(n.Taps(window, pixel).Select(t => n.At(image, channel, t.Source)));
        }

        return result;
    }

    /// <summary>Windows that rounding up pushes over the edge are not met here: with counted padding n is the kernel's size.</summary>
    private static double[] Average(DoubleNode n)
    {
        var node = (AveragePool)n.Node;
        if (node.CeilMode && node.CountPadding)
        {
            throw new NotSupportedException("The double oracle has no average pool that rounds up and counts padding.");
        }

        int all = node.Window.Kernel.Aggregate(1, (a, b) => a * b);
        return Pool(n, node.Window, v => v.Sum() / (node.CountPadding ? all : v.Count()));
    }

    private static double[] Normalize(DoubleNode n)
    {
        double epsilon = ((BatchNormalization)n.Node).Epsilon;
        var result = new double[n.Output.Count];
        for (int i = 0; i < result.Length; i++)
        {
            int c = n.Place(i).Channel;
            result[i] = ((n.Inputs[0][i] - n.Inputs[3][c]) / Math.Sqrt(n.Inputs[4][c] + epsilon) * n.Inputs[1][c]) + n.Inputs[2][c];
        }

        return result;
    }

    private static double[] Join(DoubleNode n)
    {
        int axis = n.Output.Axis(((Concat)n.Node).Axis);
        var result = new List<double>();
        for (int outer = 0; outer < n.Output.CountOf(0, axis); outer++)
        {
            for (int i = 0; i < n.Inputs.Length; i++)
            {
                int length = n.Shapes[i].CountOf(axis, n.Shapes[i].Rank);
                result.AddRange(n.Inputs[i].AsSpan(outer * length, length).ToArray());
            }
        }

        return [.. result];
    }

    private static double Clamp(double value, Activation activation)
        => value < activation.Low ? activation.Low : value > activation.High ? activation.High : value;

    private sealed record DoubleNode(Node Node, double[][] Inputs, Shape[] Shapes, Shape Output)
    {
        public double Bias(int channel) => Inputs.Length > 2 ? Inputs[2][channel] : 0;

        public (int Image, int Channel, int Pixel) Place(int index)
        {
            int pixels = Output.CountOf(2, Output.Rank);
            return (index / pixels / Output[1], index / pixels % Output[1], index % pixels);
        }

        public double At(int image, int channel, int pixel)
        {
            Shape x = Shapes[0];
            return Inputs[0][(((image * x[1]) + channel) * x.CountOf(2, x.Rank)) + pixel];
        }

        public double Broadcast(int input, int index)
        {
            Shape shape = Shapes[input];
            int place = 0;
            int stride = 1;
            for (int axis = 1; axis <= shape.Rank; axis++)
            {
                place += shape[-axis] == 1 ? 0 : index % Output[-axis] * stride;
                stride *= shape[-axis];
                index /= Output[-axis];
            }

            return Inputs[input][place];
        }

        /// <summary>The taps of an output pixel that lie inside the image, with their input pixels.</summary>
        public IEnumerable<(int Tap, int Source)> Taps(Window window, int pixel)
        {
            ImmutableArray<int> image = Shapes[0].Dimensions[2..];
            int count = window.Kernel.Aggregate(1, (a, b) => a * b);
            for (int tap = 0; tap < count; tap++)
            {
                (int source, int stride, int restOfTap, int restOfPixel) = (0, 1, tap, pixel);
                bool inside = true;
                for (int axis = window.Rank - 1; axis >= 0; axis--)
                {
                    int place = (restOfPixel % Output[axis + 2] * window.Strides[axis]) + (restOfTap % window.Kernel[axis] * window.Dilations[axis]) - window.PadsBegin[axis];
                    inside &= place >= 0 && place < image[axis];
                    source += place * stride;
                    stride *= image[axis];
                    restOfPixel /= Output[axis + 2];
                    restOfTap /= window.Kernel[axis];
                }

                if (inside)
                {
                    yield return (tap, source);
                }
            }
        }
    }
}
