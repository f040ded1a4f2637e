using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// The learned shifts of ReActNet (Liu et al., 2020, equations 2 and 3) for a network that has none: x − τ in front of each layer whose input becomes signs, so that the sign turns at τ; and in place of each rectifier
/// (x − γ) + ζ above γ, b·(x − γ) + ζ below it. All four are numbers of the channel, trained with the weights; at first τ = γ = ζ = 0 and b = ¼. Layers that read such a difference already keep theirs.
/// </summary>
public static class InsertShifts
{
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
                rewriter.Emit(node, LearnedShifts.Bend(rewriter.Builder, node.Name, rewriter.Map(node.Inputs[0])));
                return true;
            }

            if (!sites.IsQuantizable(node) || sites.Activations(node) is not SignMethod || IsShifted(walk, node) || (scheme.InputBits > 0 && walk.IsInput(node.Inputs[0])))
            {
                return false;
            }

            ValueId moved = LearnedShifts.Shift(rewriter.Builder, node.Name, rewriter.Map(node.Inputs[0]));
            rewriter.Emit(node, node with { Inputs = rewriter.Map(node.Inputs).SetItem(0, moved) });
            return true;
        });
    }

    private static bool IsShifted(PassWalk walk, Node layer)
        => walk.Producer(layer.Inputs[0]) is Binary { Operator: BinaryOperator.Subtract } shift && walk.Graph[shift.Inputs[1]] is { IsTrainable: true };
}
