using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Times short work in nanoseconds.</summary>
internal static class KernelTimer
{
    /// <summary>MiB of the buffer of <see cref="Walk()"/>.</summary>
    public const int EvictedMegabytes = 128;

    private const double SampleNanoseconds = 4000;
    private const double BudgetNanoseconds = 12e6;
    private const int FewestSamples = 4;
    private static readonly Lazy<long[]> _other = new(() => [.. Enumerable.Range(0, EvictedMegabytes << 17).Select(i => (long)i)]);

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

    /// <summary>The median and the least of single runs that together take the budget, ten of them before it.</summary>
    public static (double Median, double Least) Runs(Action work, double budget)
    {
        const int Warmup = 10;
        var times = new List<double>();
        double spent = 0;
        for (int i = -Warmup; i < FewestSamples || spent < budget; i++)
        {
            double time = Sample(work, 1);
            if (i >= 0)
            {
                times.Add(time);
                spent += time;
            }
        }

        return (NetworksCommand.Median(times), times.Min());
    }

    /// <summary>One run behind a walk over memory that leaves nothing of the work in caches.</summary>
    public static double Evicted(Action work)
    {
        Walk();
        return Sample(work, 1);
    }

    /// <summary>Reads a buffer larger than caches.</summary>
    public static void Walk() => Walk(0, 1);

    /// <summary>Reads one of several equal parts of it.</summary>
    public static void Walk(int part, int parts)
    {
        Span<long> own = _other.Value.AsSpan(_other.Value.Length / parts * part, _other.Value.Length / parts);
        Vector<long> sum = default;
        foreach (Vector<long> words in MemoryMarshal.Cast<long, Vector<long>>(own))
        {
            sum += words;
        }

        own[0] = Vector.Sum(sum);
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
