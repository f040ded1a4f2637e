namespace Microsoft.ML.Quantization.Calibration;

/// <summary>The scalars of a histogram as a file holds them.</summary>
internal readonly record struct HistogramCounters(long Count, long Zero, long Nan, long PositiveInfinity, long NegativeInfinity, float Minimum, float Maximum);
