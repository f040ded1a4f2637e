namespace Microsoft.ML.Quantization.Scoring;

/// <summary>Which column feeds a model input.</summary>
/// <param name="ModelInput">The graph input's name.</param>
/// <param name="Column">The column's name.</param>
public sealed record ScoringInput(string ModelInput, string Column);
