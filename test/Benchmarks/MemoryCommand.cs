using System;
using System.Globalization;
using System.IO;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Highest live memory while calibrating on 100 and on 10,000 rows: it must not grow with the rows.</summary>
internal static class MemoryCommand
{
    public static int Run(string[] args)
    {
        _ = args;
        FashionMnist test = FashionMnist.Read(Path.Combine(Machine.Folder(), "..", "..", "samples", "data"), "t10k");
        Graph graph = SmallNetworks.Load(SmallNetworks.Names[1]);
        var table = new Table("rows", "highest live memory above the start, MiB");
        foreach (int rows in new[] { 100, 1000, 10_000 })
        {
            table.Add(rows.ToString(CultureInfo.InvariantCulture), (HighestLive(graph, test, rows) / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture));
        }

        Machine.WriteResult("memory.md", $"""
            # Memory of calibration

            `dotnet run -c Release --project test/Benchmarks -- memory` on {Machine.Description}.
            ResNet-8, batches of 50 rows: live managed memory after a full collection, taken behind every fourth batch and every later stage, when the network's activations are free; the images lie in memory before the start.

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    private static long HighestLive(Graph graph, FashionMnist test, int rows)
    {
        var probe = new Probe();
        SmallNetworks.Quantize(graph, QuantizationScheme.EightBits, test, rows, probe);
        return probe.Highest - probe.Start;
    }

    private sealed class Probe : IProgress<QuantizationProgress>
    {
        private int _reports;

        public long Start { get; } = GC.GetTotalMemory(forceFullCollection: true);

        public long Highest { get; private set; }

        public void Report(QuantizationProgress value)
        {
            if (_reports++ % 4 == 0 || value.Stage != "calibrate")
            {
                Highest = Math.Max(Highest, GC.GetTotalMemory(forceFullCollection: true));
            }
        }
    }
}
