using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>
/// The way back through a convolution, on the convolution kernels. dX is the convolution of dY, zeros put between its pixels for the stride, with the filters turned round.
/// dW is, for each chunk of 32 rows and each group, the convolution of x with dY as filter, rows in the place of channels (stride and dilation change places); the chunks are added in order.
/// </summary>
internal sealed class ConvolutionGradient : GradientRule
{
    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (Convolution)call.Node;
        Tensor dy = Clamps.Before(call.Pool, node.Activation, call.Outputs[0], call.Gradient);
        ConvolutionGeometry geometry = Geometry.Convolution(node.Window, node.Groups, call.Inputs[0].Shape, call.Outputs[0].Shape);
        Tensor?[] result = call.NewResult();
        if (call.Wanted[0])
        {
            result[0] = InputGradient(call, node, geometry, dy);
        }

        if (call.Wanted[1])
        {
            result[1] = geometry.IsDepthwise ? DepthwiseWeights.Gradient(call, geometry, dy) : WeightGradient(call, geometry, dy);
        }

        if (call.Wanted.Length > 2 && call.Wanted[2])
        {
            result[2] = Tensor.Create(call.Inputs[2].Shape, BatchSums.Channels(call.Pool, dy));
        }

        return result;
    }

    private static Tensor InputGradient(GradientCall call, Convolution node, in ConvolutionGeometry forward, Tensor dy)
    {
        Tensor dx = call.NewFor(0);
        ConvolutionGeometry back = Back(forward);
        if (back.PadDepth < 0 || back.PadHeight < 0 || back.PadWidth < 0)
        {
            var transposed = new ConvolutionTranspose { Window = node.Window, OutputPadding = [.. node.Window.Kernel.Select(_ => 0)], Groups = node.Groups };
            TransposedConvolutionOperator.Run(new OperatorCall(null!, transposed, [dy, call.Inputs[1]], [dx], call.Kernels, call.Pool));
            return dx;
        }

        using Rented source = Spread(call, forward, back, dy);
        using Rented result = ChannelLayout.ForResult(dx);
        float[] weights = TurnedRound(call.Inputs[1].Values<float>(), forward);
        if (back.IsDepthwise)
        {
            float[] taps = ConvolutionOperators.TapsFirst<float>(weights, back);
            var work = (call.Kernels, back, source: source.Tensor, taps, bias: new float[back.OutChannels], result: result.Tensor);
            Shares.Run(call.Pool, back.Batch * back.OutDepth * back.OutHeight, 1, work, static (w, begin, end) => w.Kernels.DepthwiseFloat(
                w.back, w.source.Values<float>(), w.taps, w.bias, float.NegativeInfinity, float.PositiveInfinity, w.result.Writable<float>(), begin, end));
        }
        else
        {
            Products.Run(call, back, source.Tensor, weights, result.Tensor);
        }

        ChannelLayout.Deliver(call.Pool, result, dx);
        return dx;
    }

    private static ConvolutionGeometry Back(in ConvolutionGeometry g) => g with
    {
        InDepth = ((g.OutDepth - 1) * g.StrideDepth) + 1,
        InHeight = ((g.OutHeight - 1) * g.StrideHeight) + 1,
        InWidth = ((g.OutWidth - 1) * g.StrideWidth) + 1,
        InChannels = g.OutChannels,
        OutDepth = g.InDepth,
        OutHeight = g.InHeight,
        OutWidth = g.InWidth,
        OutChannels = g.InChannels,
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

    /// <summary>[O, I/g, taps] as [I][taps backwards][O/g].</summary>
    private static float[] TurnedRound(ReadOnlySpan<float> weights, in ConvolutionGeometry g)
    {
        var result = new float[weights.Length];
        int index = 0;
        for (int i = 0; i < g.InChannels; i++)
        {
            int first = i / g.GroupInChannels * g.GroupOutChannels;
            for (int tap = g.Taps - 1; tap >= 0; tap--)
            {
                for (int o = first; o < first + g.GroupOutChannels; o++)
                {
                    result[index++] = weights[(((o * g.GroupInChannels) + (i % g.GroupInChannels)) * g.Taps) + tap];
                }
            }
        }

        return result;
    }

    private static Tensor WeightGradient(GradientCall call, in ConvolutionGeometry g, Tensor dy)
    {
        Tensor dw = call.NewFor(1);
        for (int first = 0; first < g.Batch; first += BatchSums.Chunk)
        {
            int rows = Math.Min(BatchSums.Chunk, g.Batch - first);
            for (int group = 0; group < g.Groups; group++)
            {
                AddChunk(call, g, dy, (first, rows, group), dw);
            }
        }

        return dw;
    }

    private static void AddChunk(GradientCall call, in ConvolutionGeometry g, Tensor dy, (int First, int Rows, int Group) part, Tensor dw)
    {
        ConvolutionGeometry turned = Turned(g, part.Rows);
        int inPixels = g.InDepth * g.InHeight * g.InWidth;
        int outPixels = g.OutDepth * g.OutHeight * g.OutWidth;
        using Rented x = Rented.New(ElementType.Float32, Shape.Of(g.GroupInChannels * inPixels, part.Rows));
        using Rented filter = Rented.New(ElementType.Float32, Shape.Of(g.GroupOutChannels * outPixels, part.Rows));
        using Rented result = Rented.New(ElementType.Float32, Shape.Of(g.GroupInChannels * g.Taps, g.GroupOutChannels));
        BatchSums.Turn(call.Pool, call.Inputs[0], ((part.First * g.InChannels) + (part.Group * g.GroupInChannels)) * inPixels, g.InChannels * inPixels, (part.Rows, g.GroupInChannels * inPixels), x.Tensor);
        BatchSums.Turn(call.Pool, dy, ((part.First * g.OutChannels) + (part.Group * g.GroupOutChannels)) * outPixels, g.OutChannels * outPixels, (part.Rows, g.GroupOutChannels * outPixels), filter.Tensor);
        Products.Run(call, turned, x.Tensor, filter.Tensor.Values<float>(), result.Tensor);
        Span<float> total = dw.Writable<float>()[(part.Group * g.GroupOutChannels * g.Depth)..];
        ReadOnlySpan<float> sums = result.Tensor.Values<float>();
        for (int o = 0; o < g.GroupOutChannels; o++)
        {
            for (int k = 0; k < g.Depth; k++)
            {
                total[(o * g.Depth) + k] += sums[(k * g.GroupOutChannels) + o];
            }
        }
    }

    /// <summary>Channels are the images, rows the channels, dY's pixels the filter taps, filter taps the pixels.</summary>
    private static ConvolutionGeometry Turned(in ConvolutionGeometry g, int rows) => g with
    {
        Batch = g.GroupInChannels,
        InChannels = rows,
        OutDepth = g.KernelDepth,
        OutHeight = g.KernelHeight,
        OutWidth = g.KernelWidth,
        OutChannels = g.GroupOutChannels,
        KernelDepth = g.OutDepth,
        KernelHeight = g.OutHeight,
        KernelWidth = g.OutWidth,
        StrideDepth = g.DilationDepth,
        StrideHeight = g.DilationHeight,
        StrideWidth = g.DilationWidth,
        DilationDepth = g.StrideDepth,
        DilationHeight = g.StrideHeight,
        DilationWidth = g.StrideWidth,
        Groups = 1,
    };
}
