using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>The averaged extremes of batches, see <see cref="MovingAverage"/>. Depends on order and size of the batches.</summary>
public sealed class MovingAverageSolver : RangeSolver
{
    /// <inheritdoc/>
    public override RangeMethod Method => RangeMethod.MovingAverage;

    /// <inheritdoc/>
    protected override bool NeedsManyRows => false;

    /// <inheritdoc/>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.StatisticsMismatch"/>: the statistics hold no moving average.</exception>
    protected override ClippingRange Solve(ValueStatistics statistics, RangeTarget target, ImmutableArray<string>.Builder notes)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        return statistics.Average is MovingAverage average
            ? new ClippingRange(average.Low, average.High)
            : throw new QuantizationException(
                QuantizationErrorCode.StatisticsMismatch,
                "Moving average: expected statistics that hold one, found none. Set it in the calibration options and calibrate again.");
    }
}
