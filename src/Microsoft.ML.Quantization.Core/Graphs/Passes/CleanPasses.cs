using System;
using System.Collections.Generic;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>A pass and its name.</summary>
/// <param name="Name">The name, as logged.</param>
/// <param name="Run">Graph to graph; same inputs, outputs and results (up to rounding of folded weights).</param>
public sealed record Pass(string Name, Func<Graph, Graph> Run);

/// <summary>The passes that come before calibration, in order.</summary>
public static class CleanPasses
{
    /// <summary>The one list.</summary>
    public static IReadOnlyList<Pass> All(GraphFunction evaluate) =>
    [
        new(nameof(NormalizeQdq), NormalizeQdq.Run),
        new(nameof(FoldConstants), g => FoldConstants.Run(g, evaluate)),
        new(nameof(RemoveIdentities), RemoveIdentities.Run),
        new(nameof(FuseGelu), FuseGelu.Run),
        new(nameof(FuseLayerNormalization), FuseLayerNormalization.Run),
        new(nameof(FuseBias), FuseBias.Run),
        new(nameof(FoldBatchNormalization), FoldBatchNormalization.Run),
        new(nameof(FusePadding), FusePadding.Run),
        new(nameof(FuseSwish), FuseSwish.Run),
        new(nameof(CanonicalizeMeans), CanonicalizeMeans.Run),
        new(nameof(FuseActivation), FuseActivation.Run),
        new(nameof(RemoveDead), RemoveDead.Run),
    ];

    /// <summary>Runs all of them.</summary>
    public static Graph Run(Graph graph, GraphFunction evaluate)
    {
        ArgumentNullException.ThrowIfNull(graph);
        foreach (Pass pass in All(evaluate))
        {
            graph = pass.Run(graph);
        }

        return graph;
    }
}
