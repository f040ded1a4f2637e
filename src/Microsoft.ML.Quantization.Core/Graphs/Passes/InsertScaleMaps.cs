using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// The scale maps of XNOR-Net (Rastegari et al., 2016, section 3.2) for any network: behind each convolution over signs of x, y = K·s with K = |x| averaged over the channels and places that an output sees, by the strides and pads
/// of the convolution, pads counting as 0: [N, 1, ..]. Convolutions that read one x through one window share a map. Those in groups, with a bias or a clamp, and those whose signs are {0, 1}, get none, nor do dense layers. A map
/// is a convolution called layer.map, in float.
/// </summary>
public static class InsertScaleMaps
{
    /// <summary>Runs the pass.</summary>
    /// <param name="graph">What <see cref="InsertLearnedQuantizers"/> gave.</param>
    /// <param name="scheme">The scheme; without <see cref="QuantizationAwareScheme.ScaleMaps"/> the graph is returned as it is.</param>
    public static Graph Run(Graph graph, QuantizationAwareScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(scheme);
        if (scheme.ScaleMaps == ScaleMaps.None)
        {
            return graph;
        }

        var walk = new PassWalk(graph);
        var maps = new Dictionary<string, ValueId>(StringComparer.Ordinal);
        return PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            bool isPlain = node is Convolution { Groups: 1, Activation.IsNone: true, Inputs.Length: 2 };
            if (!isPlain || InsertOffsets.SignOf(walk, node.Inputs[0]) is not { Method: SignMethod { Signed: true } } sign)
            {
                return false;
            }

            var layer = (Convolution)node;
            Window window = Whole(walk, layer);
            string key = string.Join(' ', [sign.Inputs[0].Index, .. window.Kernel, .. window.Strides, .. window.Dilations, .. window.PadsBegin, .. window.PadsEnd]);
            if (!maps.TryGetValue(key, out ValueId map))
            {
                map = Map(rewriter.Builder, layer.Name + ".map", rewriter.Map(sign.Inputs[0]), window, scheme.ScaleMaps == ScaleMaps.Constant);
                maps[key] = map;
            }

            ValueId sum = rewriter.Builder.Add(layer with { Inputs = rewriter.Map(layer.Inputs) }, graph[layer.Output].Name + ".sum");
            rewriter.Emit(node, new Binary { Name = layer.Name + ".scaled", Operator = BinaryOperator.Multiply, Inputs = [sum, map] });
            return true;
        });
    }

    /// <summary>The window with the pads that stand in a node of their own.</summary>
    private static Window Whole(PassWalk walk, Convolution layer)
        => walk.Producer(layer.Inputs[0]) is Pad pad ? layer.Window with { PadsBegin = pad.Before[2..], PadsEnd = pad.After[2..] } : layer.Window;

    private static ValueId Map(GraphBuilder builder, string name, ValueId x, Window window, bool isConstant)
    {
        ValueId size = builder.Add(new Unary { Name = name + ".size", Operator = UnaryOperator.Abs, StopsGradient = isConstant, Inputs = [x] });
        var shape = new Shape([1, builder[x].Type.Shape[1], .. window.Kernel]);
        ImmutableArray<float> each = [.. Enumerable.Repeat(1f / shape.Count, shape.Count)];
        ValueId weights = builder.AddConstant(name + ".weight", Tensor.Create<float>(shape, each.AsSpan()));
        return builder.Add(new Convolution { Name = name, Window = window, Inputs = [size, weights] });
    }
}
