using System.Globalization;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>
/// The part of a scheme that makes weights sums of ternary terms without retraining (ternary residual networks, Kundu et al., 2017): in each block b, an output channel's weights on
/// <see cref="BlockChannels"/> neighbouring input channels, ŵ = Σ_{k = 0..r} α[b,k]·T[b,k], T in {−1, 0, 1}, each term the exact ternary form of what the terms before it leave. Terms are
/// ordered: later ones never change earlier ones. Layers of 2 bits (the bits of a term) get them; those of other widths (edges, overrides) keep uniform codes.
/// </summary>
/// <remarks>
/// What runs how: each term of each run of input channels is an integer layer of 2-bit weights with an int32 accumulator, reading the layer's codes; one step multiplies each
/// accumulator by α and the input's scale and adds them and the bias in float; the next codes are made from that float, not from the accumulator (scales of blocks forbid integer
/// requantization and thresholds). A layer of one term whose input channels are one block is an ordinary integer layer. A term that one output channel has is computed for all of them, so that a
/// layer costs as many times a ternary one as its richest block has terms.
/// </remarks>
public sealed record TernaryTerms
{
    /// <summary>The most terms a block may have.</summary>
    public const int LargestMostTerms = 8;

    /// <summary>Input channels of a block, with their whole kernels; 0 for all of them. A convolution of several groups has one block an output channel.</summary>
    public int BlockChannels { get; init; } = 64;

    /// <summary>How many terms a block gets.</summary>
    public TernaryTermRule Rule { get; init; }

    /// <summary>
    /// The budget of <see cref="TernaryTermRule.Greedy"/>: extra terms (beyond the first) a block, the mean over all blocks of the network, from 0; ⌊this · blocks⌋ terms are added, fewer only where
    /// no block can take one more. The gain of a term with k nonzero codes is h·S²/k: S = Σ|residual| over them, h the mean square of the layer's inputs in calibration (1 without rows).
    /// </summary>
    public double ExtraTerms { get; init; } = 1;

    /// <summary>τ of the last such layer for <see cref="TernaryTermRule.Tolerance"/>: the relative error ‖w − ŵ‖/‖w‖ up to which a block needs no further term; from 0, below 1.</summary>
    public double Tolerance { get; init; } = 0.2;

    /// <summary>τ of the first such layer, layers between evenly spaced in order; what follows a layer amplifies its error, so that early ones want less. From 0, below 1; null for half of <see cref="Tolerance"/>.</summary>
    public double? FirstTolerance { get; init; }

    /// <summary>The most terms of a block, the first one included: 1 to <see cref="LargestMostTerms"/>.</summary>
    public int MostTerms { get; init; } = LargestMostTerms;

    /// <inheritdoc/>
    public override string ToString() => Rule == TernaryTermRule.Tolerance
        ? string.Create(CultureInfo.InvariantCulture, $"{Rule}/{BlockChannels}/{FirstTolerance ?? (Tolerance / 2)}..{Tolerance}/{MostTerms}")
        : string.Create(CultureInfo.InvariantCulture, $"{Rule}/{BlockChannels}/+{ExtraTerms}/{MostTerms}");

    /// <summary>τ of a layer.</summary>
    /// <param name="layer">Its place among those with terms, from 0.</param>
    /// <param name="count">How many of them there are.</param>
    internal double ToleranceOf(int layer, int count)
    {
        double first = FirstTolerance ?? (Tolerance / 2);
        return count == 1 ? Tolerance : first + ((Tolerance - first) * layer / (count - 1));
    }

    /// <summary>What is wrong with it, or null.</summary>
    internal string? Fault() => this switch
    {
        { BlockChannels: < 0 } => "a number of channels from 0",
        { Rule: not (TernaryTermRule.Greedy or TernaryTermRule.Tolerance) } => "a known rule",
        { ExtraTerms: not (>= 0 and < LargestMostTerms) } => "extra terms from 0, below 8",
        { Tolerance: not (>= 0 and < 1) } or { FirstTolerance: not (null or (>= 0 and < 1)) } => "tolerances from 0, below 1",
        { MostTerms: not (>= 1 and <= LargestMostTerms) } => "1 to 8 terms",
        _ => null,
    };
}
