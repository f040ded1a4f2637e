using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>An edge of the graph: a graph input, a constant or the output of one node.</summary>
/// <param name="Name">Unique, never empty.</param>
/// <param name="Type">What it holds.</param>
/// <param name="Constant">The values of a constant, otherwise null.</param>
/// <param name="IsTrainable">Whether training may replace the constant.</param>
public sealed record Value(string Name, ValueType Type, Tensor? Constant = null, bool IsTrainable = false);
