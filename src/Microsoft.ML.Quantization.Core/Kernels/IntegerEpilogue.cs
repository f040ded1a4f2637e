using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// What follows the integer products of each output channel c: accumulator += Bias[c] (the packer has folded the zero
/// point's correction −z·Σw into it), then <see cref="Output"/> by the rule of <see cref="Numerics.Requantization"/>.
/// </summary>
public readonly ref struct IntegerEpilogue
{
    /// <summary>int32 for each output channel.</summary>
    public ReadOnlySpan<int> Bias { get; init; }

    /// <summary>float for each output channel (not read for <see cref="AccumulatorOutput.Int32"/>).</summary>
    public ReadOnlySpan<float> Multipliers { get; init; }

    /// <summary>float for each output channel (not read for <see cref="AccumulatorOutput.Int32"/>).</summary>
    public ReadOnlySpan<float> Offsets { get; init; }

    /// <summary>What is written.</summary>
    public AccumulatorOutput Output { get; init; }

    /// <summary>Zero point of the output codes.</summary>
    public int ZeroPoint { get; init; }

    /// <summary>Lowest code written.</summary>
    public int Minimum { get; init; }

    /// <summary>Highest code written.</summary>
    public int Maximum { get; init; }

    /// <summary>Lowest float written (<see cref="AccumulatorOutput.Float32"/>).</summary>
    public float Low { get; init; }

    /// <summary>Highest float written (<see cref="AccumulatorOutput.Float32"/>).</summary>
    public float High { get; init; }

    /// <summary>What follows the codes; nothing by default.</summary>
    public JoinEpilogue Join { get; init; }
}
