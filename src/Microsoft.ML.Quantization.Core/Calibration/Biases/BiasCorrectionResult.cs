using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Calibration.Biases;

/// <summary>The corrected graph and a line for each layer with quantized weights, in topological order.</summary>
/// <param name="Graph">The fake-quantized graph with new biases.</param>
/// <param name="Layers">What happened to each layer.</param>
/// <param name="Rows">Rows that the means were taken over.</param>
public sealed record BiasCorrectionResult(Graph Graph, ImmutableArray<LayerBiasCorrection> Layers, long Rows);
