using System;
using System.Diagnostics;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Times short work in nanoseconds.</summary>
internal static class KernelTimer
{
    private const double SampleNanoseconds = 4000;
    private const double BudgetNanoseconds = 12e6;
    private const int FewestSamples = 4;

    /// <summary>The least of many samples that together take the budget, four at least; short work is repeated within a sample.</summary>
    public static double Least(Action work, double budget = BudgetNanoseconds)
    {
        work();
        int repeats = (int)Math.Clamp(SampleNanoseconds / Math.Max(Sample(work, 1), 1), 1, 64);
        double least = double.MaxValue;
        double spent = 0;
        for (int i = 0; i < FewestSamples || spent < budget; i++)
        {
            double time = Sample(work, repeats);
            least = Math.Min(least, time);
            spent += time * repeats;
        }

        return least;
    }

    private static double Sample(Action work, int repeats)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++)
        {
            work();
        }

        // Not GetElapsedTime: its resolution is 100 ns.
        return (Stopwatch.GetTimestamp() - start) * (1e9 / Stopwatch.Frequency) / repeats;
    }
}
