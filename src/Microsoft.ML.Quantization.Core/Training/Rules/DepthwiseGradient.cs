using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The way back through a depthwise convolution, values in the graph's order.</summary>
internal static class DepthwiseGradient
{
    /// <summary>dX: the depthwise convolution of dY, zeros put between its pixels for the stride, with the filters turned round.</summary>
    public static Tensor Input(GradientCall call, ConvolutionGeometry g, Tensor dy)
    {
        Tensor dx = call.NewFor(0);
        var node = (Convolution)call.Node;
        ConvolutionGeometry back = Back(g);
        if (back.PadDepth < 0 || back.PadHeight < 0 || back.PadWidth < 0)
        {
            var transposed = new ConvolutionTranspose { Window = node.Window, OutputPadding = [.. node.Window.Kernel.Select(_ => 0)], Groups = node.Groups };
            TransposedConvolutionOperator.Run(new OperatorCall(null!, transposed, [dy, call.Inputs[1]], [dx], call.Kernels, call.Pool));
            return dx;
        }

        using Rented source = Spread(call, g, back, dy);
        using Rented result = ChannelLayout.ForResult(dx);
        float[] taps = TapsFirstTurnedRound(call.Inputs[1].Values<float>(), g);
        var work = (call.Kernels, back, source: source.Tensor, taps, bias: new float[back.OutChannels], result: result.Tensor);
        Shares.Run(call.Pool, back.Batch * back.OutDepth * back.OutHeight, 1, work, static (w, begin, end) => w.Kernels.DepthwiseFloat(
            w.back, w.source.Values<float>(), w.taps, w.bias, float.NegativeInfinity, float.PositiveInfinity, w.result.Writable<float>(), begin, end));
        ChannelLayout.Deliver(call.Pool, result, dx);
        return dx;
    }

    /// <summary>dW by plain loops: one number a row, channel and tap, then the rows in chunks.</summary>
    public static Tensor Weights(GradientCall call, ConvolutionGeometry g, Tensor dy)
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

    private static ConvolutionGeometry Back(in ConvolutionGeometry g) => g with
    {
        InDepth = ((g.OutDepth - 1) * g.StrideDepth) + 1,
        InHeight = ((g.OutHeight - 1) * g.StrideHeight) + 1,
        InWidth = ((g.OutWidth - 1) * g.StrideWidth) + 1,
        OutDepth = g.InDepth,
        OutHeight = g.InHeight,
        OutWidth = g.InWidth,
        StrideDepth = 1,
        StrideHeight = 1,
        StrideWidth = 1,
        PadDepth = (g.DilationDepth * (g.KernelDepth - 1)) - g.PadDepth,
        PadHeight = (g.DilationHeight * (g.KernelHeight - 1)) - g.PadHeight,
        PadWidth = (g.DilationWidth * (g.KernelWidth - 1)) - g.PadWidth,
    };

    /// <summary>dY channels-last, with stride − 1 zeros between its pixels.</summary>
    private static Rented Spread(GradientCall call, in ConvolutionGeometry g, in ConvolutionGeometry back, Tensor dy)
    {
        Rented dense = ChannelLayout.ToChannelsLast(call.Pool, dy);
        if (g.StrideDepth == 1 && g.StrideHeight == 1 && g.StrideWidth == 1)
        {
            return dense;
        }

        Rented wide = Rented.New(ElementType.Float32, Shape.Of(back.Batch, back.InDepth, back.InHeight, back.InWidth, back.InChannels));
        Shares.Run(call.Pool, g.Batch, 1, (g, back, dense: dense.Tensor, wide: wide.Tensor), static (w, begin, end) =>
        {
            ConvolutionGeometry g = w.g;
            int image = w.back.InDepth * w.back.InHeight * w.back.InWidth * g.OutChannels;
            w.wide.Writable<float>()[(begin * image)..(end * image)].Clear();
            for (int row = begin * g.OutDepth * g.OutHeight; row < end * g.OutDepth * g.OutHeight; row++)
            {
                int plane = (row / (g.OutDepth * g.OutHeight) * w.back.InDepth) + (row / g.OutHeight % g.OutDepth * g.StrideDepth);
                int line = ((plane * w.back.InHeight) + (row % g.OutHeight * g.StrideHeight)) * w.back.InWidth;
                for (int x = 0; x < g.OutWidth; x++)
                {
                    w.dense.Values<float>().Slice(((row * g.OutWidth) + x) * g.OutChannels, g.OutChannels)
                        .CopyTo(w.wide.Writable<float>()[((line + (x * g.StrideWidth)) * g.OutChannels)..]);
                }
            }
        });
        dense.Dispose();
        return wide;
    }

    /// <summary>[C, 1, taps] as [taps backwards][C].</summary>
    private static float[] TapsFirstTurnedRound(ReadOnlySpan<float> weights, in ConvolutionGeometry g)
    {
        var result = new float[weights.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[((g.Taps - 1 - (i % g.Taps)) * g.OutChannels) + (i / g.Taps)] = weights[i];
        }

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
