using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>
/// The largest magnitude that an int32 accumulator of a layer can reach, from its real weights. For each output channel, with offsets w' = w − zw and reachable
/// input codes [lo, hi], zero point z, in the unsigned representation (codes and z shifted so that lo ≥ 0):
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
        int shift = input.Code.Signed ? -input.Code.Range.Min : 0;
        var range = new IntegerRange(input.Range.Min + shift, input.Range.Max + shift);
        var worst = new AccumulatorBound(0, 0);
        for (int c = 0; c < channels; c++)
        {
            int zero = weightQuantizer.ZeroPoints[weightQuantizer.ZeroPoints.Length == 1 ? 0 : c];
            int own = bias is null ? 0 : bias.Values<int>()[c];
            long bound = OfChannel(weights, c * length, length, zero, range, input.Single.ZeroPoint + shift, own);
            worst = bound > worst.Worst ? new AccumulatorBound(bound, c) : worst;
        }

        return worst;
    }

    private static long OfChannel(Tensor weights, int start, int length, int zero, IntegerRange range, int inputZero, int bias)
    {
        long high = 0;
        long low = 0;
        long positive = 0;
        long negative = 0;
        for (int i = start; i < start + length; i++)
        {
            long w = CodeAccess.Read(weights, i) - zero;
            high += Math.Max(range.Min * w, range.Max * w);
            low += Math.Min(range.Min * w, range.Max * w);
            positive += Math.Max(w, 0);
            negative -= Math.Min(w, 0);
        }

        return Math.Max(high, -low) + Math.Abs((long)bias) + (inputZero * Math.Max(positive, negative));
    }
}
