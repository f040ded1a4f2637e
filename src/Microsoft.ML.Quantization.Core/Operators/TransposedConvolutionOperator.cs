using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Transposed convolution by plain loops, shared out by output planes; the pairs of tap and input pixel are found once.</summary>
internal static class TransposedConvolutionOperator
{
    public static void Run(OperatorCall call)
    {
        var work = new Work(call, (ConvolutionTranspose)call.Node, Pairs((ConvolutionTranspose)call.Node, call.Inputs[0].Shape, call.Outputs[0].Shape));
        Shares.Run(call.Pool, call.Outputs[0].Shape[0] * call.Outputs[0].Shape[1], 1, work, static (w, begin, end) => w.Run(begin, end));
    }

    /// <summary>For each output pixel, the taps that reach it, in order, each with its input pixel.</summary>
    private static (int Tap, int Source)[][] Pairs(ConvolutionTranspose node, Shape x, Shape y)
    {
        var kernel = new Shape(node.Window.Kernel);
        var image = new Shape(y.Dimensions[2..]);
        var result = new (int, int)[image.Count][];
        for (int pixel = 0; pixel < result.Length; pixel++)
        {
            var pairs = new System.Collections.Generic.List<(int, int)>();
            for (int tap = 0; tap < kernel.Count; tap++)
            {
                int source = Source(node.Window, x, (image, pixel), (kernel, tap));
                if (source >= 0)
                {
                    pairs.Add((tap, source));
                }
            }

            result[pixel] = [.. pairs];
        }

        return result;
    }

    private static int Source(Window window, Shape x, (Shape Shape, int Index) pixel, (Shape Shape, int Index) tap)
    {
        int source = 0;
        int stride = 1;
        for (int axis = window.Rank - 1; axis >= 0; axis--)
        {
            int place = pixel.Index % pixel.Shape[axis];
            int step = tap.Index % tap.Shape[axis];
            pixel.Index /= pixel.Shape[axis];
            tap.Index /= tap.Shape[axis];
            long position = (long)place + window.PadsBegin[axis] - ((long)step * window.Dilations[axis]);
            if (position < 0 || position % window.Strides[axis] != 0 || position / window.Strides[axis] >= x[axis + 2])
            {
                return -1;
            }

            source += (int)(position / window.Strides[axis]) * stride;
            stride *= x[axis + 2];
        }

        return source;
    }

    private sealed record Work(OperatorCall Call, ConvolutionTranspose Node, (int Tap, int Source)[][] Pairs)
    {
        public void Run(int begin, int end)
        {
            Shape x = Call.Inputs[0].Shape;
            int outputs = Call.Inputs[1].Shape[1];
            int channels = x[1] / Node.Groups;
            Span<float> result = Call.Outputs[0].Writable<float>();
            for (int plane = begin; plane < end; plane++)
            {
                int o = plane % (outputs * Node.Groups);
                int n = plane / (outputs * Node.Groups);
                int first = o / outputs * channels;
                float bias = Call.Inputs.Length > 2 ? Call.Inputs[2].Values<float>()[o] : 0;
                for (int pixel = 0; pixel < Pairs.Length; pixel++)
                {
                    result[(plane * Pairs.Length) + pixel] = Chain(pixel, (n * x[1]) + first, (first * outputs) + (o % outputs), channels, outputs) + bias;
                }
            }
        }

        /// <summary>One output's chain over (tap, c).</summary>
        private float Chain(int pixel, int plane, int filter, int channels, int outputs)
        {
            ReadOnlySpan<float> values = Call.Inputs[0].Values<float>();
            ReadOnlySpan<float> weights = Call.Inputs[1].Values<float>();
            int pixels = values.Length / (Call.Inputs[0].Shape[0] * Call.Inputs[0].Shape[1]);
            int taps = weights.Length / (Call.Inputs[1].Shape[0] * outputs);
            float acc = 0;
            foreach ((int tap, int source) in Pairs[pixel])
            {
                for (int c = 0; c < channels; c++)
                {
                    acc = MathF.FusedMultiplyAdd(values[((plane + c) * pixels) + source], weights[((filter + (c * outputs)) * taps) + tap], acc);
                }
            }

            return acc;
        }
    }
}
