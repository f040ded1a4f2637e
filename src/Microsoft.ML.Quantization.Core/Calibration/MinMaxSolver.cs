using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>The exact smallest and largest value. Nothing that was seen saturates; every error is at most half a step.</summary>
public sealed class MinMaxSolver : RangeSolver
{
    /// <inheritdoc/>
    public override RangeMethod Method => RangeMethod.MinMax;

    /// <inheritdoc/>
    protected override bool NeedsManyRows => false;

    /// <inheritdoc/>
    protected override ClippingRange Solve(ValueStatistics statistics, RangeTarget target, ImmutableArray<string>.Builder notes)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        return Extremes(statistics.Histogram);
    }
}
