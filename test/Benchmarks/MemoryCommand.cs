using System;
using System.Globalization;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Highest live memory while calibrating on 100 and on 10,000 rows: it must not grow with the rows.</summary>
internal static class MemoryCommand
{
    public static int Run(string[] args)
    {
        _ = args;
        FashionMnist test = FashionMnist.Read(System.IO.Path.Combine(Machine.Folder(), "..", "..", "samples", "data"), "t10k");
        Graph graph = SmallNetworks.Load(SmallNetworks.Names[1]);
        var table = new Table("rows", "highest live memory above the start, MiB");
        foreach (int rows in new[] { 100, 1000, 10_000 })
        {
            long start = GC.GetTotalMemory(forceFullCollection: true);
            long highest = start;
            using (new Timer(_ => highest = Math.Max(highest, GC.GetTotalMemory(false)), null, 0, 5))
            {
                SmallNetworks.Quantize(graph, QuantizationScheme.EightBits, test, rows);
            }

            table.Add(rows.ToString(CultureInfo.InvariantCulture), ((highest - start) / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture));
        }

        Machine.WriteResult("memory.md", $"""
            # Memory of calibration

            `dotnet run -c Release --project test/Benchmarks -- memory` on {Machine.Description}.
            ResNet-8, batches of 50 rows; managed memory (garbage not yet collected included) sampled every 5 ms, the network's activations included. The images themselves lie in memory before the start.

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }
}
