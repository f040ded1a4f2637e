using System;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>Collects the statistics of one value. Its memory does not depend on the number of rows. Not for several threads at once.</summary>
public sealed class Observer
{
    private readonly Histogram _histogram;
    private MovingAverage? _average;
    private long _rows;

    /// <summary>Creates an observer that saw nothing.</summary>
    /// <param name="binCount">Bins of the histogram: a power of two from 8 to 65536.</param>
    /// <param name="movingAverage">The coefficient of a moving average of the batches' extremes, 0 for their plain mean; null for none.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    public Observer(int binCount = Histogram.DefaultBinCount, double? movingAverage = null)
    {
        _histogram = new Histogram(binCount);
        _average = movingAverage is double c ? new MovingAverage(c, 0, 0, 0) : null;
        if (movingAverage is not (null or (>= 0 and <= 1)))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Moving average: expected a coefficient from 0 to 1, found {movingAverage}.");
        }
    }

    /// <summary>Whether what was collected can be merged with another observer's statistics.</summary>
    public bool IsMergeable => _average is null;

    /// <summary>Bytes that the statistics take.</summary>
    public long ByteCount => _histogram.BinCount * (long)sizeof(long);

    /// <summary>Takes in one batch.</summary>
    /// <param name="values">All elements of the batch's rows, in any order.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="implicitZeros">Zeros that sparse rows do not store; they count like stored ones.</param>
    public void Observe(ReadOnlySpan<float> values, long rows, long implicitZeros = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        _rows += rows;
        if (_average is null)
        {
            _histogram.Add(values);
            _histogram.AddZeros(implicitZeros);
        }
        else
        {
            ObserveAveraged(_average, values, implicitZeros);
        }
    }

    /// <summary>What was seen so far, as a copy.</summary>
    public ValueStatistics ToStatistics() => new(_rows, _histogram.Clone(), _average);

    /// <summary>Starts from saved statistics.</summary>
    internal static Observer Resume(ValueStatistics statistics)
    {
        var observer = new Observer(statistics.Histogram.BinCount, statistics.Average?.Coefficient)
        {
            _rows = statistics.Rows,
            _average = statistics.Average,
        };
        observer._histogram.MergeFrom(statistics.Histogram);
        return observer;
    }

    private void ObserveAveraged(MovingAverage average, ReadOnlySpan<float> values, long implicitZeros)
    {
        // A histogram of 8 bins is the plain way to the finite extremes of the batch.
        var batch = new Histogram(Histogram.MinimumBinCount);
        batch.Add(values);
        batch.AddZeros(implicitZeros);
        _average = batch.Count > 0 ? average.Next(batch.Minimum, batch.Maximum) : average;
        _histogram.Add(values);
        _histogram.AddZeros(implicitZeros);
    }
}
