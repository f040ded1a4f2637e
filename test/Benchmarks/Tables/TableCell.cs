using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>One network to train.</summary>
/// <param name="Name">Unique in its table; letters, digits, hyphens and points.</param>
/// <param name="Method">The method or recipe, for the table.</param>
/// <param name="Bits">Weights and activations, for the table.</param>
/// <param name="Start">The network to begin with, trainable constants marked.</param>
/// <param name="Scheme">The quantizers; null trains the float network.</param>
/// <param name="Training">The run; the cell's runner adds the checkpoint.</param>
internal sealed record TableCell(string Name, string Method, string Bits, Graph Start, QuantizationAwareScheme? Scheme, TrainingOptions Training);
