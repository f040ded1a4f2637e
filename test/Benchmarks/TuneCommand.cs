using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>
/// Measures every kernel of every set over a grid of shapes and writes the throughput table of this processor, which the library carries as data: it decides which set does a step, and how long
/// a network is expected to take. One thread, the least of many runs in three rounds.
/// </summary>
internal static class TuneCommand
{
    private const int Rounds = 3;
    private const string Columns = "\"set\", \"operation\", \"bits\", \"channels\", \"outputs\", \"groups\", \"pixels\", \"taps\", \"stride\", \"width\", \"nanoseconds\"";

    public static int Run(string[] args)
    {
        string[] names = [.. KernelRegistry.Available.Select(k => k.Name)];
        string[] unknown = [.. args.Except(names).Except(TuneGrid.Parts.Keys)];
        if (unknown.Length > 0)
        {
            Console.Error.WriteLine($"tune: expected kernel sets of {string.Join(", ", names)} and parts of {string.Join(", ", TuneGrid.Parts.Keys)}, found {string.Join(", ", unknown)}.");
            return 1;
        }

        string[] chosen = [.. args.Intersect(names)];
        string[] parts = [.. TuneGrid.Parts.Keys.Where(p => !args.Intersect(TuneGrid.Parts.Keys).Any() || args.Contains(p))];

        // The managed sets of fixed widths exist for tests; nothing else runs on them.
        KernelSet[] sets = [.. KernelRegistry.Available.Where(k => chosen.Length > 0 ? chosen.Contains(k.Name) : !k.Name.StartsWith("managed", StringComparison.Ordinal) || k.Name == "managed")];
        string file = Path.Combine("throughput", ProcessorIdentity.Current + ".json");
        var entries = new List<ThroughputEntry>();
        foreach (KernelSet set in sets)
        {
            var watch = Stopwatch.StartNew();
            ThroughputEntry[] measured = Least([.. Enumerable.Range(0, Rounds).Select(_ => parts.SelectMany(p => TuneGrid.Parts[p](set)).ToArray())]);
            entries.AddRange(measured);
            Console.WriteLine(FormattableString.Invariant($"{set.Name}: {measured.Length} shapes in {watch.Elapsed.TotalSeconds:0} s"));
        }

        entries.InsertRange(0, Kept(Machine.ResultFolder(file), entries));
        Machine.WriteResult(file, Text(entries));
        return 0;
    }

    // Other work on a machine can slow a whole round down, or part of one.
    private static ThroughputEntry[] Least(ThroughputEntry[][] rounds) => [.. rounds[0].Select((e, i) => e with { Nanoseconds = rounds.Min(r => r[i].Nanoseconds) })];

    // What was measured before and is not measured now.
    private static ThroughputEntry[] Kept(string path, List<ThroughputEntry> measured)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using FileStream stream = File.OpenRead(path);
        HashSet<(string Set, KernelOperation Operation)> anew = [.. measured.Select(m => (m.Set, m.Work.Operation))];
        return [.. ThroughputTable.Read(path, stream).Entries.Where(e => !anew.Contains((e.Set, e.Work.Operation)))];
    }

    private static string Text(List<ThroughputEntry> entries)
    {
        var text = new StringBuilder("{\n");
        text.Append(CultureInfo.InvariantCulture, $"  \"processor\": \"{ProcessorIdentity.Current}\",\n  \"name\": \"{Machine.Processor}\",\n");
        text.Append(CultureInfo.InvariantCulture, $"  \"forkNanoseconds\": {ForkNanoseconds():0},\n  \"stepNanoseconds\": 60,\n  \"coldNanosecondsPerByte\": {TuneGrid.ColdNanosecondsPerByte(KernelRegistry.Active):0.0000},\n");
        (double stream, double memory) = TuneGrid.MemoryNanosecondsPerByte(KernelRegistry.Active);
        text.Append(CultureInfo.InvariantCulture, $"  \"streamNanosecondsPerByte\": {stream:0.0000},\n  \"memoryThreads\": {TuneGrid.MemoryThreads():0.00},\n");
        text.Append(CultureInfo.InvariantCulture, $"  \"memoryNanosecondsPerByte\": {memory:0.0000},\n  \"narrowMemoryNanosecondsPerByte\": {TuneGrid.NarrowMemoryNanosecondsPerByte(KernelRegistry.Active):0.0000},\n");
        text.Append(CultureInfo.InvariantCulture, $"  \"columns\": [{Columns}],\n  \"rows\": [\n");
        text.AppendJoin(",\n", entries.Select(e => string.Create(
            CultureInfo.InvariantCulture,
            $"    [\"{e.Set}\", \"{e.Work.Operation}\", {e.Work.Bits}, {string.Join(", ", e.Work.Sizes)}, {e.Nanoseconds:0.#}]")));
        return text.Append("\n  ]\n}\n").ToString();
    }

    // What two threads need for two equal chunks beyond the time of one chunk.
    private static double ForkNanoseconds()
    {
        const int Chunk = 20_000;
        const double Guess = 2000;
        if (Environment.ProcessorCount < 2)
        {
            return 0;
        }

        using var pool = new ClaimingPool(2);
        double alone = KernelTimer.Least(() => Spin(0, 0));
        double fork = Math.Max(KernelTimer.Least(() => pool.Run(2, 0, Spin)) - alone, 0);
        if (fork < Chunk / 2)
        {
            return fork;
        }

        Console.WriteLine("tune: the second processor was busy; the cost of sharing work out is a guess.");
        return Guess;

        static void Spin(int state, int chunk)
        {
            long end = Stopwatch.GetTimestamp() + (Chunk * Stopwatch.Frequency / 1_000_000_000);
            while (Stopwatch.GetTimestamp() < end)
            {
            }
        }
    }
}
