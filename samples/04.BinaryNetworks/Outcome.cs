using Microsoft.ML.Quantization;

namespace BinaryNetworksSample;

/// <summary>One row of the table.</summary>
/// <param name="Name">What was made.</param>
/// <param name="Accuracy">Accuracy on the test images.</param>
/// <param name="FileBytes">Length of the model's file.</param>
/// <param name="Milliseconds">Median time of one image.</param>
/// <param name="Model">The model.</param>
public sealed record Outcome(string Name, double Accuracy, long FileBytes, double Milliseconds, QuantizedModel Model);
