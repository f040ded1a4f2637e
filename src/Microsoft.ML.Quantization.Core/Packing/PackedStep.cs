using System;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>One step of a packed program, its batch still free.</summary>
/// <param name="Layer">Name of the node it comes from.</param>
/// <param name="Operation">What it does, for people.</param>
/// <param name="Reads">Slots read.</param>
/// <param name="Writes">Slots written.</param>
/// <param name="Bind">Makes the step for a batch.</param>
internal sealed record PackedStep(string Layer, string Operation, int[] Reads, int[] Writes, Func<BindContext, BoundStep> Bind)
{
    /// <summary>What to tell about a layer with weights.</summary>
    public LayerFacts Facts { get; init; } = LayerFacts.None;

    /// <summary>A slot written that may lie where one that is read does, element by element; the latter is null for none.</summary>
    public (int Written, int? Read) InPlace { get; init; }

    /// <summary>The set that does it; null until it is chosen by the step's work.</summary>
    public KernelSet? Kernels { get; init; }

    /// <summary>Why this set: forced, measured or modelled.</summary>
    public string Choice { get; init; } = string.Empty;
}

/// <summary>Facts of one layer for <c>Explain</c>.</summary>
/// <param name="Bits">Bits of weights and activations, for example W8A8, or f32.</param>
/// <param name="Reason">Why it runs this way.</param>
/// <param name="Bound">Largest magnitude the accumulator can reach; 0 where there is none.</param>
/// <param name="WeightBytes">Bytes of packed weights.</param>
internal sealed record LayerFacts(string Bits, string Reason, long Bound, long WeightBytes)
{
    public static LayerFacts None { get; } = new(string.Empty, string.Empty, 0, 0);
}
