using System.Collections.Immutable;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// A quantizer with levels of any spacing, in float: y = levels[#{ i : x ≥ thresholds[i] }]; NaN stays NaN. Inputs: x, thresholds (float [n], ascending), levels
/// (float [n + 1], finite), the last two constants, so that training can treat them like weights. n is 1 to 255. A strict step x &gt; t is the threshold
/// <see cref="float.BitIncrement"/>(t).
/// </summary>
public sealed record Staircase : Node
{
    /// <summary>The most thresholds.</summary>
    public const int MostThresholds = 255;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        // Thresholds and levels are inputs.
    }
}

/// <summary>
/// The step to new codes by comparison: code = #{ i : x ≥ T[c][i] } where channel c has direction 1, #{ i : x ≤ T[c][i] } where it has −1. x is an int32 accumulator, the values of
/// codes, or floats (NaN gives 0). There are as many thresholds as the new codes have steps; int.MaxValue at direction 1 and int.MinValue at −1 are "never".
/// </summary>
public sealed record Thresholds : Node
{
    /// <summary>T for accumulators and codes: [n], or [C · n], a channel's thresholds side by side; empty for floats.</summary>
    public ImmutableArray<int> Integers { get; init; } = [];

    /// <summary>T for floats, no NaN; empty otherwise.</summary>
    public ImmutableArray<float> Reals { get; init; } = [];

    /// <summary>1 or −1: one number for all channels, or one each.</summary>
    public ImmutableArray<int> Directions { get; init; } = [1];

    /// <summary>The channel axis.</summary>
    public int Axis { get; init; } = 1;

    /// <summary>The codes written: unsigned from 0.</summary>
    public required AffineQuantization Result { get; init; }

    /// <summary>Thresholds of one channel.</summary>
    public int Count => Result.Range.Max;

    /// <summary>Channels told apart; 1 when all share their thresholds and direction.</summary>
    public int Channels => System.Math.Max(Directions.Length, (Integers.Length + Reals.Length) / Count);

    /// <summary>Where the thresholds of a channel begin.</summary>
    public int Start(int channel) => Integers.Length + Reals.Length == Count ? 0 : channel * Count;

    /// <summary>The direction of a channel.</summary>
    public int Direction(int channel) => Directions[Directions.Length == 1 ? 0 : channel];

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
        => attributes.Set("integers", Integers).Set("reals", Reals).Set("directions", Directions).Set("axis", Axis).Set("result", Result);

    internal static Thresholds Read(NodeAttributes a) => new()
    {
        Integers = a.Ints("integers"),
        Reals = a.Floats("reals"),
        Directions = a.Ints("directions"),
        Axis = a.Int("axis"),
        Result = a.Affine("result"),
    };
}

/// <summary>
/// Several accumulators to one float: y = fma(float(d[g]), s[g][c], y) from +0, g ascending, then fl(y + b[c]), then the activation. Inputs: G int32 accumulators of one
/// shape. It closes layers whose weights or inputs are sums of scaled codes, one integer layer an addend.
/// </summary>
public sealed record CombineAccumulators : Node
{
    /// <summary>s: [G] where one offset serves all channels, [G · C] where each has its own, the channels of one accumulator side by side.</summary>
    public required ImmutableArray<float> Multipliers { get; init; }

    /// <summary>b: 1 number, or one a channel.</summary>
    public required ImmutableArray<float> Offsets { get; init; }

    /// <summary>The channel axis.</summary>
    public int Axis { get; init; } = 1;

    /// <summary>Clamp behind it.</summary>
    public Activation Activation { get; init; } = Activation.None;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        attributes.Set("multipliers", Multipliers).Set("offsets", Offsets).Set("axis", Axis);
        Activation.Describe(attributes);
    }

    internal static CombineAccumulators Read(NodeAttributes a)
        => new() { Multipliers = a.Floats("multipliers"), Offsets = a.Floats("offsets"), Axis = a.Int("axis"), Activation = Activation.Read(a) };
}
