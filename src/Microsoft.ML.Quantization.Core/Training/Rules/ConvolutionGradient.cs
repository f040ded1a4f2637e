using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Patches;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>
/// The way back through a convolution. dX is the convolution of dY with the filters turned round; through a stride, one convolution for each lattice of input pixels that the
/// same taps reach, so that no zeros are multiplied. dW is, for each chunk of 32 rows, one chain a weight over (row, output pixel), padding reading as 0; the chunks are added in order.
/// </summary>
internal sealed class ConvolutionGradient : GradientRule
{
    /// <inheritdoc/>
    public override ValueOrder Order(Graph graph, Node node) => IsDepthwise(graph, (Convolution)node) ? ValueOrder.Planar : ValueOrder.ChannelsLast;

    /// <inheritdoc/>
    public override void Evaluate(OperatorCall call)
    {
        var node = (Convolution)call.Node;
        if (!call.IsChannelsLast)
        {
            FastOperators.Run(call);
            return;
        }

        ConvolutionGeometry g = Geometry.Convolution(node.Window, node.Groups, call.Inputs[0].Shape, call.Outputs[0].Shape);
        var order = new PanelOrder(g.Groups, g.GroupOutChannels, g.GroupInChannels, [.. Enumerable.Range(0, g.Taps)], g.GroupOutChannels * g.Depth, g.Depth, g.Taps);
        Tensor? bias = call.Inputs.Length > 2 ? call.Inputs[2] : null;
        if (!Products.TryForward(call, g, new Products.Operands(call.Inputs[0], call.Inputs[1], order, bias, node.Activation, call.Outputs[0])))
        {
            ConvolutionOperators.Convolution(call);
        }
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (Convolution)call.Node;
        Tensor dy = Clamps.Before(call, node.Activation, call.Outputs[0]);
        ConvolutionGeometry geometry = Geometry.Convolution(node.Window, node.Groups, call.Inputs[0].Shape, call.Outputs[0].Shape);
        Tensor?[] result = call.NewResult();
        if (call.Wanted[0])
        {
            result[0] = geometry.IsDepthwise ? DepthwiseGradient.Input(call, geometry, dy) : InputGradient(call, geometry, dy);
        }

        if (call.Wanted[1])
        {
            result[1] = geometry.IsDepthwise ? DepthwiseGradient.Weights(call, geometry, dy) : Products.Weights(call, geometry, dy, BatchSums.Chunk);
        }

        if (call.Wanted.Length > 2 && call.Wanted[2])
        {
            result[2] = Tensor.Create(call.Inputs[2].Shape, ChannelSums.Of(call.Pool, dy, call.IsChannelsLast));
        }

        return result;
    }

    private static bool IsDepthwise(Graph graph, Convolution node)
        => node.Groups > 1 && node.Groups == graph[node.Inputs[0]].Type.Shape[1] && node.Groups == graph[node.Outputs[0]].Type.Shape[1];

    private static Tensor InputGradient(GradientCall call, in ConvolutionGeometry g, Tensor dy)
    {
        Lattice[] depths = Lattice.All(g.InDepth, (g.KernelDepth, g.StrideDepth, g.DilationDepth, g.PadDepth));
        Lattice[] heights = Lattice.All(g.InHeight, (g.KernelHeight, g.StrideHeight, g.DilationHeight, g.PadHeight));
        Lattice[] widths = Lattice.All(g.InWidth, (g.KernelWidth, g.StrideWidth, g.DilationWidth, g.PadWidth));
        bool isWhole = depths.Concat(heights).Concat(widths).All(l => l.Taps.Length > 0);
        Tensor dx = isWhole ? call.UnsetFor(0) : call.NewFor(0);
        foreach (Lattice d in depths)
        {
            foreach (Lattice h in heights)
            {
                foreach (Lattice w in widths.Where(w => d.Taps.Length * h.Taps.Length * w.Taps.Length > 0))
                {
                    var placement = new PatchPlacement(g.InDepth, g.InHeight, g.InWidth, d.First, h.First, w.First, g.StrideDepth, g.StrideHeight, g.StrideWidth);
                    Products.Back(call, Back(g, d, h, w), placement, dy, TurnedRound(g, d, h, w), dx);
                }
            }
        }

        return dx;
    }

    private static ConvolutionGeometry Back(in ConvolutionGeometry g, Lattice d, Lattice h, Lattice w) => g with
    {
        InDepth = g.OutDepth,
        InHeight = g.OutHeight,
        InWidth = g.OutWidth,
        InChannels = g.OutChannels,
        OutDepth = d.Count,
        OutHeight = h.Count,
        OutWidth = w.Count,
        OutChannels = g.InChannels,
        KernelDepth = d.Taps.Length,
        KernelHeight = h.Taps.Length,
        KernelWidth = w.Taps.Length,
        StrideDepth = 1,
        StrideHeight = 1,
        StrideWidth = 1,
        DilationDepth = d.Dilation,
        DilationHeight = h.Dilation,
        DilationWidth = w.Dilation,
        PadDepth = d.Pad,
        PadHeight = h.Pad,
        PadWidth = w.Pad,
    };

    /// <summary>Weights [O, I/g, taps] with inputs as outputs, outputs as channels, and the lattice's taps backwards.</summary>
    private static PanelOrder TurnedRound(in ConvolutionGeometry g, Lattice d, Lattice h, Lattice w)
    {
        var taps = new int[d.Taps.Length * h.Taps.Length * w.Taps.Length];
        int index = 0;
        foreach (int z in d.Taps)
        {
            foreach (int y in h.Taps)
            {
                foreach (int x in w.Taps)
                {
                    taps[index++] = (((z * g.KernelHeight) + y) * g.KernelWidth) + x;
                }
            }
        }

        return new PanelOrder(g.Groups, g.GroupInChannels, g.GroupOutChannels, taps, g.GroupOutChannels * g.Depth, g.Taps, g.Depth);
    }
}
