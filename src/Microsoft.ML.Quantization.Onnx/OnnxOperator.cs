namespace Microsoft.ML.Quantization.Onnx;

/// <summary>An ONNX operator that <see cref="OnnxModel"/> reads.</summary>
/// <param name="Name">Its name in the default domain.</param>
/// <param name="Since">The oldest version of the operator set in which it means what is implemented.</param>
/// <param name="Note">What is left out, or how it is done; may be empty.</param>
public sealed record OnnxOperator(string Name, int Since, string Note);
