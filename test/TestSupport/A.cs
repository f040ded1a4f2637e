namespace Microsoft.ML.Quantization.TestSupport;

internal static class A { }
