using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The gradient goes to the first of the largest values of a window. Windows side by side without padding run channels-last, others plane by plane.</summary>
internal sealed class MaxPoolGradient : PoolGradient
{
    /// <inheritdoc/>
    public override ValueOrder Order(Graph graph, Node node)
        => AreSideBySide(((MaxPool)node).Window, graph[node.Inputs[0]].Type, graph[node.Outputs[0]].Type.Shape) ? ValueOrder.ChannelsLast : ValueOrder.Planar;

    /// <inheritdoc/>
    public override void Evaluate(OperatorCall call)
    {
        if (!call.IsChannelsLast)
        {
            FastOperators.Run(call);
            return;
        }

        ConvolutionGeometry g = Geometry.Pool(((MaxPool)call.Node).Window, call.Inputs[0].Shape, call.Outputs[0].Shape);
        Shares.Run(call.Pool, g.Batch * g.OutDepth * g.OutHeight, 2, (g, call), static (w, begin, end) =>
            SideBySide.Forward(w.g, w.call.Inputs[0].Values<float>(), w.call.Outputs[0].Writable<float>(), begin, end));
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (MaxPool)call.Node;
        if (!call.IsChannelsLast)
        {
            return Run(call, node.Window);
        }

        ConvolutionGeometry g = Geometry.Pool(node.Window, call.Inputs[0].Shape, call.Outputs[0].Shape);
        bool covers = (g.OutDepth * g.KernelDepth, g.OutHeight * g.KernelHeight, g.OutWidth * g.KernelWidth) == (g.InDepth, g.InHeight, g.InWidth);
        Tensor?[] result = call.NewResult();
        result[0] = covers ? call.UnsetFor(0) : call.NewFor(0);
        Shares.Run(call.Pool, g.Batch * g.OutDepth * g.OutHeight, 2, (g, call, dx: result[0]!), static (w, begin, end) =>
            SideBySide.Backward(w.g, w.call.Inputs[0].Values<float>(), w.call.Gradient.Values<float>(), w.dx.Writable<float>(), begin, end));
        return result;
    }

    /// <inheritdoc/>
    protected override void Window(GradientCall call, in ConvolutionGeometry g, ReadOnlySpan<float> x, Span<float> dx, float dy, (Reach D, Reach H, Reach W) reach, int index)
    {
        int best = -1;
        for (int i = 0, d = reach.D.First; i < reach.D.Count; i++, d += reach.D.Step)
        {
            int line = (((d * g.InHeight) + reach.H.First) * g.InWidth) + reach.W.First;
            for (int j = 0; j < reach.H.Count; j++, line += reach.H.Step * g.InWidth)
            {
                int at = line;
                for (int k = 0; k < reach.W.Count; k++, at += reach.W.Step)
                {
                    best = best < 0 || x[at] > x[best] ? at : best;
                }
            }
        }

        if (best >= 0)
        {
            dx[best] += dy;
        }
    }

    private static bool AreSideBySide(Graphs.Nodes.Window window, Graphs.ValueType input, Shape output)
    {
        bool result = input.Element == ElementType.Float32;
        for (int i = 0; i < window.Rank; i++)
        {
            result &= window.Strides[i] == window.Kernel[i] && window.Dilations[i] == 1 && window.PadsBegin[i] == 0
                && output[i + 2] * window.Strides[i] <= input.Shape[i + 2];
        }

        return result;
    }
}
