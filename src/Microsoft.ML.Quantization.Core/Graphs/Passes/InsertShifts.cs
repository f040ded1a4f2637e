using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// The learned shifts of ReActNet (Liu et al., 2020, equations 2 and 3) for a network that has none: x − τ in front of each layer whose input becomes signs, so that the sign turns at τ; and in place of each rectifier
/// (x − γ) + ζ above γ, b·(x − γ) + ζ below it. All four are numbers of the channel, trained with the weights; at first τ = γ = ζ = 0 and b = ¼. Layers that read such a difference already keep theirs.
/// </summary>
public static class InsertShifts
{
    private const float Slope = 0.25f;

    /// <summary>Runs the pass, to be followed by <see cref="InsertLearnedQuantizers"/>.</summary>
    /// <param name="graph">The float graph to be trained.</param>
    /// <param name="scheme">The scheme that says which inputs become signs; without <see cref="QuantizationAwareScheme.HasShifts"/> the graph is returned as it is.</param>
    public static Graph Run(Graph graph, QuantizationAwareScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(scheme);
        if (!scheme.HasShifts)
        {
            return graph;
        }

        var sites = new SchemeSites(graph, scheme);
        var walk = new PassWalk(graph);
        return PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (OperatorClasses.IsRectifier(node))
            {
                Soften(rewriter, node);
                return true;
            }

            if (!sites.IsQuantizable(node) || sites.Activations(node) is not SignMethod || IsShifted(walk, node))
            {
                return false;
            }

            ValueId moved = rewriter.Builder.Add(EachChannel(rewriter, node.Name + ".shift", rewriter.Map(node.Inputs[0]), BinaryOperator.Subtract, 0));
            rewriter.Emit(node, node with { Inputs = rewriter.Map(node.Inputs).SetItem(0, moved) });
            return true;
        });
    }

    private static bool IsShifted(PassWalk walk, Node layer)
        => walk.Producer(layer.Inputs[0]) is Binary { Operator: BinaryOperator.Subtract } shift && walk.Graph[shift.Inputs[1]] is { IsTrainable: true };

    private static void Soften(GraphRewriter rewriter, Node rectifier)
    {
        ValueId before = rewriter.Builder.Add(EachChannel(rewriter, rectifier.Name + ".before", rewriter.Map(rectifier.Inputs[0]), BinaryOperator.Subtract, 0));
        ValueId bent = rewriter.Builder.Add(EachChannel(rewriter, rectifier.Name + ".prelu", before, BinaryOperator.PRelu, Slope));
        rewriter.Emit(rectifier, EachChannel(rewriter, rectifier.Name + ".behind", bent, BinaryOperator.Add, 0));
    }

    private static Binary EachChannel(GraphRewriter rewriter, string name, ValueId x, BinaryOperator how, float start)
    {
        Shape own = rewriter.Builder[x].Type.Shape;
        var shape = new Shape([own[1], .. Enumerable.Repeat(1, own.Rank - 2)]);
        float[] values = [.. Enumerable.Repeat(start, own[1])];
        return new Binary { Name = name, Operator = how, Inputs = [x, rewriter.Builder.AddConstant(name + ".value", Tensor.Create<float>(shape, values), isTrainable: true)] };
    }
}
