using System;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>From the smallest to the largest weight: nothing saturates, every error is at most half a step.</summary>
public sealed class MinMaxWeightFitter : WeightFitter
{
    /// <inheritdoc/>
    public override RangeMethod Method => RangeMethod.MinMax;

    /// <inheritdoc/>
    protected override GroupFit FitGroup(ReadOnlySpan<float> group, ClippingRange extremes, WeightTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new(target.Parameters(extremes));
    }
}
