namespace Microsoft.ML.Quantization;

internal static class A { }
