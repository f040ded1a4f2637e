namespace Microsoft.ML.Quantization.Scoring;

/// <summary>Which column a model output fills.</summary>
/// <param name="ModelOutput">The graph output's name.</param>
/// <param name="Column">The column's name.</param>
public sealed record ScoringOutput(string ModelOutput, string Column);
