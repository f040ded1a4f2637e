namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The constants of a local response normalisation.</summary>
internal readonly record struct LocalResponseWindow(int Size, float Alpha, float Beta, float Bias);
