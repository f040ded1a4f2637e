using BenchmarkDotNet.Running;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Kernels alone, by BenchmarkDotNet, or a table of those over bit planes; one thread.</summary>
internal static class KernelsCommand
{
    public static int Run(string[] args)
    {
        if (args is ["planes"])
        {
            return PlanesTable.Run();
        }

        BenchmarkSwitcher.FromTypes([typeof(ConvolutionBenchmarks)]).Run(args.Length > 0 ? args : ["--filter", "*"]);
        return 0;
    }
}
