using BenchmarkDotNet.Running;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Kernels alone, by BenchmarkDotNet; one thread.</summary>
internal static class KernelsCommand
{
    public static int Run(string[] args)
    {
        BenchmarkSwitcher.FromTypes([typeof(ConvolutionBenchmarks)]).Run(args.Length > 0 ? args : ["--filter", "*"]);
        return 0;
    }
}
