using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The weight gradient of a depthwise convolution, by plain loops: one number a row, channel and tap, then the rows in chunks.</summary>
internal static class DepthwiseWeights
{
    public static Tensor Gradient(GradientCall call, ConvolutionGeometry g, Tensor dy)
    {
        int weights = g.OutChannels * g.Taps;
        var numbers = new float[g.Batch * weights];
        Shares.Run(call.Pool, g.Batch * g.OutChannels, 1, (g, x: call.Inputs[0], dy, numbers), static (w, begin, end) =>
        {
            int inPixels = w.g.InDepth * w.g.InHeight * w.g.InWidth;
            int outPixels = w.g.OutDepth * w.g.OutHeight * w.g.OutWidth;
            for (int plane = begin; plane < end; plane++)
            {
                Plane(w.g, w.x.Values<float>().Slice(plane * inPixels, inPixels), w.dy.Values<float>().Slice(plane * outPixels, outPixels), w.numbers.AsSpan(plane * w.g.Taps, w.g.Taps));
            }
        });
        Tensor result = call.NewFor(1);
        BatchSums.Rows(numbers, weights, result.Writable<float>());
        return result;
    }

    private static void Plane(in ConvolutionGeometry g, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> result)
    {
        for (int tap = 0; tap < g.Taps; tap++)
        {
            int d = (tap / (g.KernelHeight * g.KernelWidth) * g.DilationDepth) - g.PadDepth;
            int h = (tap / g.KernelWidth % g.KernelHeight * g.DilationHeight) - g.PadHeight;
            int w = (tap % g.KernelWidth * g.DilationWidth) - g.PadWidth;
            float acc = 0;
            for (int row = 0; row < g.OutDepth * g.OutHeight; row++)
            {
                int z = (row / g.OutHeight * g.StrideDepth) + d;
                int y = (row % g.OutHeight * g.StrideHeight) + h;
                if ((uint)z < (uint)g.InDepth && (uint)y < (uint)g.InHeight)
                {
                    acc = Line(g, x.Slice(((z * g.InHeight) + y) * g.InWidth, g.InWidth), dy.Slice(row * g.OutWidth, g.OutWidth), w, acc);
                }
            }

            result[tap] = acc;
        }
    }

    private static float Line(in ConvolutionGeometry g, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int offset, float acc)
    {
        for (int i = 0; i < dy.Length; i++)
        {
            int at = (i * g.StrideWidth) + offset;
            if ((uint)at < (uint)x.Length)
            {
                acc = MathF.FusedMultiplyAdd(x[at], dy[i], acc);
            }
        }

        return acc;
    }
}
