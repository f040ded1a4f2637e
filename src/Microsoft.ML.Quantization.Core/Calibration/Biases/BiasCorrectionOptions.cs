namespace Microsoft.ML.Quantization.Calibration.Biases;

/// <summary>Limits of <see cref="BiasCorrection"/>.</summary>
public sealed record BiasCorrectionOptions
{
    /// <summary>
    /// A layer is left alone when, in any channel, |shift| exceeds this many times the larger of |bias| and the mean magnitude of the channel's float output:
    /// such a shift comes from a broken layer and would hide it.
    /// </summary>
    public double MaximumRelativeShift { get; init; } = 2;

    /// <summary>With fewer rows nothing is corrected.</summary>
    public int MinimumRows { get; init; } = RangeSolver.EnoughRows;
}
