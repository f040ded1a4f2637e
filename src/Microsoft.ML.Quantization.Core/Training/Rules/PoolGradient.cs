using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The way back through a sliding window, plane by plane: windows in order, taps in order, so that an input's gradient is one sum in one order.</summary>
internal abstract class PoolGradient : GradientRule
{
    /// <summary>The part of one axis that a window covers: input positions First, First + Step, .., Count of them.</summary>
    protected readonly record struct Reach(int First, int Step, int Count);

    /// <summary>The way back through a pool with the given window.</summary>
    protected Tensor?[] Run(GradientCall call, Graphs.Nodes.Window window)
    {
        Tensor?[] result = call.NewResult();
        result[0] = call.NewFor(0);
        ConvolutionGeometry g = Geometry.Pool(window, call.Inputs[0].Shape, call.Outputs[0].Shape);
        Shares.Run(call.Pool, g.Batch * g.InChannels, 4, (rule: this, call, g, dx: result[0]!), static (w, begin, end) =>
        {
            for (int plane = begin; plane < end; plane++)
            {
                w.rule.Plane(w.call, w.g, plane, w.dx);
            }
        });
        return result;
    }

    /// <summary>One window: x and dx are its input plane, dy its gradient.</summary>
    protected abstract void Window(GradientCall call, in ConvolutionGeometry g, ReadOnlySpan<float> x, Span<float> dx, float dy, (Reach D, Reach H, Reach W) reach, int index);

    private void Plane(GradientCall call, in ConvolutionGeometry g, int plane, Tensor gradient)
    {
        int inPixels = g.InDepth * g.InHeight * g.InWidth;
        int outPixels = g.OutDepth * g.OutHeight * g.OutWidth;
        ReadOnlySpan<float> x = call.Inputs[0].Values<float>().Slice(plane * inPixels, inPixels);
        ReadOnlySpan<float> dy = call.Gradient.Values<float>().Slice(plane * outPixels, outPixels);
        Span<float> dx = gradient.Writable<float>().Slice(plane * inPixels, inPixels);
        Reach[] rows = All(g.OutHeight, (g.KernelHeight, g.StrideHeight, g.DilationHeight, g.PadHeight), g.InHeight);
        Reach[] columns = All(g.OutWidth, (g.KernelWidth, g.StrideWidth, g.DilationWidth, g.PadWidth), g.InWidth);
        int index = 0;
        foreach (Reach d in All(g.OutDepth, (g.KernelDepth, g.StrideDepth, g.DilationDepth, g.PadDepth), g.InDepth))
        {
            foreach (Reach h in rows)
            {
                foreach (Reach w in columns)
                {
                    Window(call, g, x, dx, dy[index], (d, h, w), index);
                    index++;
                }
            }
        }
    }

    private static Reach[] All(int count, (int Kernel, int Stride, int Dilation, int Pad) axis, int size)
    {
        var result = new Reach[count];
        for (int i = 0; i < count; i++)
        {
            result[i] = Of(i, axis, size);
        }

        return result;
    }

    private static Reach Of(int place, (int Kernel, int Stride, int Dilation, int Pad) axis, int size)
    {
        int start = (place * axis.Stride) - axis.Pad;
        int first = start < 0 ? (-start + axis.Dilation - 1) / axis.Dilation : 0;
        int behind = size <= start ? 0 : Math.Min(axis.Kernel, ((size - 1 - start) / axis.Dilation) + 1);
        return new Reach(start + (first * axis.Dilation), axis.Dilation, Math.Max(0, behind - first));
    }
}

/// <summary>Each value of a window gets fl(dy / n), n counted as on the way forward.</summary>
internal sealed class AveragePoolGradient : PoolGradient
{
    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call) => Run(call, ((AveragePool)call.Node).Window);

    /// <inheritdoc/>
    protected override void Window(GradientCall call, in ConvolutionGeometry g, ReadOnlySpan<float> x, Span<float> dx, float dy, (Reach D, Reach H, Reach W) reach, int index)
    {
        var node = (AveragePool)call.Node;
        int count = node.CountPadding ? Counted(node.Window, call.Inputs[0].Shape, call.Outputs[0].Shape, index) : reach.D.Count * reach.H.Count * reach.W.Count;
        float share = count == 0 ? 0 : dy / count;
        for (int i = 0; i < reach.D.Count * reach.H.Count; i++)
        {
            int d = reach.D.First + (i / reach.H.Count * reach.D.Step);
            int h = reach.H.First + (i % reach.H.Count * reach.H.Step);
            int at = (((d * g.InHeight) + h) * g.InWidth) + reach.W.First;
            for (int j = 0; j < reach.W.Count; j++, at += reach.W.Step)
            {
                dx[at] += share;
            }
        }
    }

    /// <summary>Taps inside image and padding.</summary>
    private static int Counted(Graphs.Nodes.Window window, Shape input, Shape output, int index)
    {
        int count = 1;
        for (int axis = window.Rank - 1; axis >= 0; axis--)
        {
            int start = index % output[axis + 2] * window.Strides[axis];
            int size = input[axis + 2] + window.PadsBegin[axis] + window.PadsEnd[axis];
            count *= start >= size ? 0 : Math.Min(window.Kernel[axis], ((size - 1 - start) / window.Dilations[axis]) + 1);
            index /= output[axis + 2];
        }

        return count;
    }
}

/// <summary>Every pixel gets fl(dy / pixels).</summary>
internal sealed class GlobalAveragePoolGradient : GradientRule
{
    /// <inheritdoc/>
    public override ValueOrder Order(Graph graph, Node node) => ValueOrder.AsInput;

    /// <inheritdoc/>
    public override void Evaluate(OperatorCall call)
    {
        if (!call.IsChannelsLast)
        {
            FastOperators.Run(call);
            return;
        }

        Shape x = call.Inputs[0].Shape;
        call.Kernels.GlobalAverageFloat(x[0], x.CountOf(2, x.Rank), x[1], call.Inputs[0].Values<float>(), call.Outputs[0].Writable<float>());
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Tensor dx = call.UnsetFor(0);
        int channels = dx.Shape[1];
        int pixels = dx.Shape.CountOf(2, dx.Shape.Rank);
        float[] shares = call.Gradient.Values<float>().ToArray();
        for (int i = 0; i < shares.Length; i++)
        {
            shares[i] /= pixels;
        }

        for (int i = 0; i < (call.IsChannelsLast ? dx.Shape[0] * pixels : shares.Length); i++)
        {
            if (call.IsChannelsLast)
            {
                shares.AsSpan(i / pixels * channels, channels).CopyTo(dx.Writable<float>()[(i * channels)..]);
            }
            else
            {
                dx.Writable<float>().Slice(i * pixels, pixels).Fill(shares[i]);
            }
        }

        return [dx];
    }
}
