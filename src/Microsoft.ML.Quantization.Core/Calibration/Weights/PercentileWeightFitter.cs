using System;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>
/// The range that holds the share p of the weights, exactly. Symmetric: the smallest T with count(|x| ≤ T) ≥ p · n. Asymmetric: the same for each end with
/// (1 − p)/2 left out beyond it.
/// </summary>
public sealed class PercentileWeightFitter : WeightFitter
{
    /// <summary>Creates the fitter.</summary>
    /// <param name="share">p in (0.5, 1].</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    public PercentileWeightFitter(double share = 0.9999)
    {
        RangeSource.Percentile(share).Check("Percentile");
        Share = share;
    }

    /// <inheritdoc/>
    public override RangeMethod Method => RangeMethod.Percentile;

    /// <summary>p.</summary>
    public double Share { get; }

    /// <inheritdoc/>
    protected override GroupFit FitGroup(ReadOnlySpan<float> group, ClippingRange extremes, WeightTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        float[] sorted = group.ToArray();
        if (target.IsSymmetric)
        {
            for (int i = 0; i < sorted.Length; i++)
            {
                sorted[i] = MathF.Abs(sorted[i]);
            }
        }

        Array.Sort(sorted);
        double inside = target.IsSymmetric ? Share : (1 + Share) / 2;
        int last = Index(inside, sorted.Length);
        var range = target.IsSymmetric
            ? new ClippingRange(-sorted[last], sorted[last])
            : new ClippingRange(Math.Min(sorted[sorted.Length - 1 - last], 0), Math.Max(sorted[last], 0));
        return new(target.Parameters(range.Bound > 0 ? range : extremes));
    }

    /// <summary>The index, in ascending order, of the smallest value that at least the share p of n values do not exceed.</summary>
    internal static int Index(double share, int count) => Math.Clamp((int)Math.Ceiling(share * count) - 1, 0, count - 1);
}
