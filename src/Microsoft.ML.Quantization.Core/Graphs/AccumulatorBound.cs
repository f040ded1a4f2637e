using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>
/// The largest magnitude that an int32 accumulator of a layer can reach, from its real weights. For each output channel, with the values w' of its weights and reachable
/// input codes [lo, hi], zero point z, in the unsigned representation (codes and z shifted so that lo ≥ 0; mid-rise codes doubled, z = 2^bits − 1):
/// <code>
/// products = max(Σ max(lo·w', hi·w'), −Σ min(lo·w', hi·w'))      every order of summation stays inside
/// bound    = products + |bias| + z·max(Σ max(w', 0), −Σ min(w', 0))   whichever taps the padding takes out of the zero point's correction
/// </code>
/// </summary>
/// <param name="Worst">The largest of all channels.</param>
/// <param name="Channel">The output channel that reaches it.</param>
public readonly record struct AccumulatorBound(long Worst, int Channel)
{
    /// <summary>Whether 32 bits hold it.</summary>
    public bool IsProved => Worst <= int.MaxValue;

    /// <summary>The bound of a layer with weights [O, ..] of codes.</summary>
    /// <param name="weights">Codes; axis 0 is the output channel.</param>
    /// <param name="weightQuantizer">Their quantizer, per tensor or along axis 0.</param>
    /// <param name="input">The input's quantizer, per tensor.</param>
    /// <param name="bias">int32 [O], or null.</param>
    public static AccumulatorBound Of(Tensor weights, AffineQuantization weightQuantizer, AffineQuantization input, Tensor? bias)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(weightQuantizer);
        ArgumentNullException.ThrowIfNull(input);
        int channels = weights.Shape[0];
        int length = weights.Shape.CountOf(1, weights.Shape.Rank);
        (IntegerRange range, int inputZero) = Unsigned(input);
        var worst = new AccumulatorBound(0, 0);
        for (int c = 0; c < channels; c++)
        {
            int own = bias is null ? 0 : bias.Values<int>()[c];
            long bound = OfChannel(weights, c * length, length, weightQuantizer, range, inputZero, own);
            worst = bound > worst.Worst ? new AccumulatorBound(bound, c) : worst;
        }

        return worst;
    }

    /// <summary>The least and the greatest sum of each output channel, padding and bias included: what thresholds are compared with.</summary>
    /// <param name="weights">Codes; axis 0 is the output channel.</param>
    /// <param name="weightQuantizer">Their quantizer, per tensor or along axis 0.</param>
    /// <param name="input">The input's quantizer, per tensor.</param>
    /// <param name="bias">int32 [O], or null.</param>
    internal static (long Low, long High)[] ReachOf(Tensor weights, AffineQuantization weightQuantizer, AffineQuantization input, Tensor? bias)
    {
        int length = weights.Shape.CountOf(1, weights.Shape.Rank);
        (IntegerRange range, int zero) = Unsigned(input);
        (long low, long high) = (Math.Min(0, range.Min - zero), Math.Max(0, range.Max - zero));
        var reach = new (long, long)[weights.Shape[0]];
        for (int c = 0; c < reach.Length; c++)
        {
            CodeSums w = Sums(weights, c * length, length, weightQuantizer);
            int own = bias is null ? 0 : bias.Values<int>()[c];
            reach[c] = (own + (low * w.Positive) - (high * w.Negative), own + (high * w.Positive) - (low * w.Negative));
        }

        return reach;
    }

    private static (IntegerRange Range, int Zero) Unsigned(AffineQuantization input)
    {
        if (input.IsMidRise)
        {
            return (new IntegerRange(2 * input.Range.Min, 2 * input.Range.Max), input.Code.MidRiseTop);
        }

        int shift = input.Code.Signed ? -input.Code.Range.Min : 0;
        return (new IntegerRange(input.Range.Min + shift, input.Range.Max + shift), input.Single.ZeroPoint + shift);
    }

    // Whatever the signs of lo ≤ hi: the larger of lo·w and hi·w is hi·w for a positive w and lo·w for a negative one.
    private static long OfChannel(Tensor weights, int start, int length, AffineQuantization quantizer, IntegerRange range, int inputZero, int bias)
    {
        CodeSums w = Sums(weights, start, length, quantizer);
        long high = (range.Max * w.Positive) - (range.Min * w.Negative);
        long low = (range.Min * w.Positive) - (range.Max * w.Negative);
        return Math.Max(high, -low) + Math.Abs((long)bias) + (inputZero * Math.Max(w.Positive, w.Negative));
    }

    private static CodeSums Sums(Tensor weights, int start, int length, AffineQuantization quantizer)
    {
        bool isPlain = quantizer.Codebook is null && (quantizer.Granularity == Granularity.PerTensor || (quantizer.Granularity == Granularity.PerAxis && quantizer.Axis == 0));
        if (isPlain && weights.Type is (ElementType.Int8 or ElementType.UInt8))
        {
            (int factor, int zero) = quantizer[quantizer.GroupOf(weights.Shape, start)].Line;
            return weights.Type == ElementType.Int8
                ? CodeSums.Of(weights.Values<sbyte>().Slice(start, length), factor, zero)
                : CodeSums.Of(weights.Values<byte>().Slice(start, length), factor, zero);
        }

        CodeSums sums = default;
        for (int i = start; i < start + length; i++)
        {
            sums = sums.With(quantizer.ValueOf(weights.Shape, i, CodeAccess.Read(weights, i)));
        }

        return sums;
    }
}
