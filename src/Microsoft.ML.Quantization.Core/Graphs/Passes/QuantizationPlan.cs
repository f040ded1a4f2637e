using System.Collections.Generic;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>One read of a value by a node.</summary>
/// <param name="Node">The reader's name.</param>
/// <param name="Input">Which of its inputs.</param>
public readonly record struct Operand(string Node, int Input);

/// <summary>Where a scheme puts quantizers into a graph: the answer to "which values, in which codes", before any range is known.</summary>
/// <param name="Layers">The plan of every layer.</param>
/// <param name="Produced">Values that become codes where they are written.</param>
/// <param name="Operands">Reads that need given codes; where they are not the value's own, an explicit step stands between.</param>
public sealed record QuantizationPlan(
    ImmutableArray<LayerPlan> Layers,
    IReadOnlyDictionary<ValueId, ActivationSite> Produced,
    IReadOnlyDictionary<Operand, ActivationSite> Operands)
{
    /// <summary>Every distinct site that needs a range from calibration, in order of the values.</summary>
    public required ImmutableArray<ActivationSite> Sites { get; init; }

    /// <summary>The plan for a clean float graph.</summary>
    /// <exception cref="QuantizationException">The scheme is not valid, or a pattern of it matches nothing.</exception>
    public static QuantizationPlan Create(Graph graph, QuantizationScheme scheme)
        => ActivationPlanner.Plan(graph, scheme, LayerSelection.Run(graph, scheme));
}
