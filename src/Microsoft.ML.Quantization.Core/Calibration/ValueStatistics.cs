using System.Globalization;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>What was seen of one value of a graph. Nobody changes it once it is handed out.</summary>
/// <param name="Rows">Rows (samples) that were observed.</param>
/// <param name="Histogram">Counts and extremes of all elements.</param>
/// <param name="Average">The moving average, when it was asked for.</param>
public sealed record ValueStatistics(long Rows, Histogram Histogram, MovingAverage? Average = null)
{
    /// <summary>The statistics of all rows of both.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.StatisticsMismatch"/>: a moving average, or different numbers of bins.</exception>
    internal ValueStatistics MergedWith(ValueStatistics other, string place)
    {
        if (Average is not null || other.Average is not null)
        {
            throw new QuantizationException(
                QuantizationErrorCode.StatisticsMismatch,
                $"Statistics of '{place}': expected statistics that can be merged, found a moving average, which depends on the order of its batches. Collect it in one run, or use another range method.");
        }

        return new ValueStatistics(Rows + other.Rows, Histogram.Merge(Histogram, other.Histogram));
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"rows={Rows} values={Histogram.Count} zeros={Histogram.ZeroCount} range=[{Histogram.Minimum:R}, {Histogram.Maximum:R}]");
}
