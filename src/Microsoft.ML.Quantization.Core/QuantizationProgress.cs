namespace Microsoft.ML.Quantization;

/// <summary>How far a long operation is.</summary>
/// <param name="Stage">What is being done, one word or two; stable for one kind of operation.</param>
/// <param name="Done">Units done (rows, layers, steps).</param>
/// <param name="Total">Units in all; 0 when unknown.</param>
public sealed record QuantizationProgress(string Stage, long Done, long Total);
