namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// The extremes of batches, averaged: m ← m + c · (extreme of the batch − m); the first batch initialises. It depends on the order and the size of the
/// batches by definition, so it cannot be merged; it is here for parity with other tools.
/// </summary>
/// <param name="Coefficient">c in (0, 1]; 0 stands for the plain mean, c = 1 / t.</param>
/// <param name="Batches">Batches with a finite value.</param>
/// <param name="Low">The averaged minimum.</param>
/// <param name="High">The averaged maximum.</param>
public sealed record MovingAverage(double Coefficient, long Batches, double Low, double High)
{
    /// <summary>The state after one more batch with finite extremes.</summary>
    public MovingAverage Next(double low, double high)
    {
        if (Batches == 0)
        {
            return this with { Batches = 1, Low = low, High = high };
        }

        double c = Coefficient == 0 ? 1.0 / (Batches + 1) : Coefficient;
        return this with { Batches = Batches + 1, Low = Low + (c * (low - Low)), High = High + (c * (high - High)) };
    }
}
