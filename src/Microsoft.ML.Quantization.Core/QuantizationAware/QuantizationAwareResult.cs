using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>A network trained with quantizers.</summary>
/// <param name="Training">What training gave; its graph still has the quantizers of training.</param>
/// <param name="Hardened">The same graph with hard quantizers, in float: what evaluation in float means.</param>
/// <param name="Quantized">The verified integer network.</param>
public sealed record QuantizationAwareResult(TrainingResult Training, Graph Hardened, QuantizationResult Quantized);
