using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>
/// The ends j/100 of the extremes, j = 20 to 100, with the least Σ (x − Decode(Encode(x)))², summed exactly; equal sums prefer the larger j. Symmetric codes of
/// up to 4 bits then get the best scale for the codes found, s = Σ x·q / Σ q², which is kept if, encoded anew, the error falls. Extremes are among the candidates,
/// so the result is never worse than theirs.
/// </summary>
public sealed class MeanSquaredErrorWeightFitter : WeightFitter
{
    private const int Steps = 100;
    private const int SmallestStep = 20;
    private const int FewLevels = 16;

    /// <inheritdoc/>
    public override RangeMethod Method => RangeMethod.MeanSquaredError;

    /// <inheritdoc/>
    protected override GroupFit FitGroup(ReadOnlySpan<float> group, ClippingRange extremes, WeightTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        AffineParameters best = Search(group, extremes, target, out _, out double least);
        if (!target.LeastSquaresRefit || !target.IsSymmetric || target.Range.Count > FewLevels)
        {
            return new GroupFit(best);
        }

        AffineParameters refit = target.Rounded(best with { Scale = WeightError.LeastSquaresScale(group, best, target.Range) });
        bool usable = refit.Scale >= WeightError.SmallestNormal && float.IsFinite(refit.Scale);
        return usable && WeightError.Sum(group, refit, target.Range) < least ? new GroupFit(refit, true) : new GroupFit(best);
    }

    /// <summary>The search without the refit; <paramref name="step"/> is the best j.</summary>
    internal static AffineParameters Search(ReadOnlySpan<float> group, ClippingRange extremes, WeightTarget target, out int step, out double least)
    {
        step = Steps;
        AffineParameters best = target.Parameters(extremes);
        least = WeightError.Sum(group, best, target.Range);
        for (int j = Steps - 1; j >= SmallestStep; j--)
        {
            AffineParameters candidate = target.Parameters(new ClippingRange(extremes.Low * j / Steps, extremes.High * j / Steps));
            double error = WeightError.Sum(group, candidate, target.Range);
            if (error < least)
            {
                (best, least, step) = (candidate, error, j);
            }
        }

        return best;
    }
}
