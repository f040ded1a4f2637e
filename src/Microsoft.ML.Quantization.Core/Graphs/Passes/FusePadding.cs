using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Melts a constant padding of the spatial axes into the only reader: zeros into a convolution, −∞ into a maximum pool.</summary>
public static class FusePadding
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return PassWalk.Melt(graph, Match, Emit);
    }

    private static Node? Match(PassWalk walk, Node node)
    {
        if (node is not (Convolution or MaxPool { CeilMode: false }) || walk.SoleProducer(node, 0) is not Pad { Mode: PadMode.Constant } pad)
        {
            return null;
        }

        bool spatial = pad.Before.Take(2).Concat(pad.After.Take(2)).All(p => p == 0) && pad.Before.Concat(pad.After).All(p => p >= 0);
        bool value = node is Convolution ? pad.Value == 0 : float.IsNegativeInfinity(pad.Value);
        return spatial && value && walk.Graph[pad.Inputs[0]].Type.Quantization is null ? pad : null;
    }

    private static void Emit(GraphRewriter rewriter, Node earlier, Node node)
    {
        var pad = (Pad)earlier;
        ImmutableArray<ValueId> inputs = [rewriter.Map(pad.Inputs[0]), .. rewriter.Map(node.Inputs[1..])];
        rewriter.Emit(node, node switch
        {
            Convolution c => c with { Inputs = inputs, Window = Padded(c.Window, pad) },
            _ => (MaxPool)node with { Inputs = inputs, Window = Padded(((MaxPool)node).Window, pad) },
        });
    }

    private static Window Padded(Window window, Pad pad) => window with
    {
        PadsBegin = [.. window.PadsBegin.Select((p, i) => p + pad.Before[i + 2])],
        PadsEnd = [.. window.PadsEnd.Select((p, i) => p + pad.After[i + 2])],
    };
}
