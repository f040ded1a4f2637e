using System.Collections.Immutable;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>A quantized network that was verified.</summary>
/// <param name="Integer">The integer graph.</param>
/// <param name="FakeQuantized">The float graph with quantizers that it was lowered from.</param>
/// <param name="Document">The integer graph with signature and metadata, ready to be saved.</param>
/// <param name="Layers">What became of each convolution and dense layer, in order.</param>
/// <param name="Calibration">The statistics; null when the scheme needed none.</param>
/// <param name="Notes">Warnings: too few rows, outliers, layers that stayed float.</param>
public sealed record QuantizationResult(
    Graph Integer,
    Graph FakeQuantized,
    ModelDocument Document,
    ImmutableArray<LayerOutcome> Layers,
    CalibrationResult? Calibration,
    ImmutableArray<string> Notes);
