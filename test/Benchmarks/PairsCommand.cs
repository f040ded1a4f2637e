using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Every pairing of weights and activations of 8 to 1 bits in layers of each kind, each against 8 bits and 8 bits of the same layer, through the engine.</summary>
internal static class PairsCommand
{
    private const int Alternations = 5;
    private const int MostAlternations = 25;
    private const double Budget = 4;
    private const double Bar = 0.95;
    private const int EvictedRuns = 15;
    private static readonly string[] _head = ["layer", "weights", "activations", "kernel", "weight bytes", "ms", "GOP/s", "times 8/8", "below the bar"];

    /// <summary>pairs [LAYER]: all layers, or those whose name contains a word.</summary>
    public static int Run(string[] args)
    {
        var layers = new PairLayers();
        var pairs = new Table(_head);
        var forms = new Table(_head);
        foreach (PairLayer layer in PairLayers.All.Where(l => args.Length == 0 || l.Name.Contains(args[0], StringComparison.Ordinal)))
        {
            using PairRun eight = new(layers.Build(layer, 8, 8, PairForm.Usual), layer.Batch);
            foreach ((int weights, int activations) in Enumerable.Range(0, 64).Select(i => (8 - (i / 8), 8 - (i % 8))))
            {
                Measure(layers, layer, weights, activations, PairForm.Usual, eight, pairs);
            }

            foreach ((int weights, int activations, PairForm form) in Forms())
            {
                Measure(layers, layer, weights, activations, form, eight, forms);
            }
        }

        Table memory = Memory(layers);
        Machine.WriteResult("pairs.md", $"""
            # Weights and activations of 8 to 1 bits

            `dotnet run -c Release --project test/Benchmarks -- pairs` on {Machine.Description}.
            One thread. A model of the layer and a small one behind it is packed as when it is loaded; timed is the layer with its requantizer or thresholds and with what it does to its input codes first. Weights are two's complement, those of
            1 bit ±1; activations unsigned, those of 1 bit ±1. A time is the least of {Budget:0} ms of runs; "times 8/8" is the median over {Alternations} or more alternations with the layer of 8-bit weights and
            activations (up to {MostAlternations} while it is below {Bar.ToString(CultureInfo.InvariantCulture)}, the bar). Operations: two a product.

            {pairs}
            ## Other forms of one and two bits

            {forms}
            ## Dense 4096 x 4096, one row of 8-bit activations, and where its weights come from

            Evicted: before each run a buffer of {KernelTimer.EvictedMegabytes} MiB is read. In cache: runs follow one another, the weights stay in whichever cache holds them. Medians of {Alternations} rounds in turn, of the least of
            {EvictedRuns} evicted runs and of {Budget:0} ms of others.

            {memory}
            """.ReplaceLineEndings("\n"));
        Machine.WriteResult("pairs.json", $$"""
            {
              "machine": "{{Machine.Description}}",
              "pairs": {{pairs.ToJson()}},
              "forms": {{forms.ToJson()}},
              "memory": {{memory.ToJson()}}
            }

            """.ReplaceLineEndings("\n"));
        return 0;
    }

    private static IEnumerable<(int Weights, int Activations, PairForm Form)> Forms()
        => new[] { (1, PairForm.Unsigned), (2, PairForm.Ternary), (2, PairForm.MidRise), (2, PairForm.Unsigned) }.SelectMany(w => new[] { 8, 2, 1 }, (w, a) => (w.Item1, a, w.Item2));

    private static void Measure(PairLayers layers, PairLayer layer, int weights, int activations, PairForm form, PairRun eight, Table table)
    {
        using PairRun run = new(layers.Build(layer, weights, activations, form), layer.Batch);
        var times = new List<double>();
        var ratios = new List<double>();
        while (times.Count < Alternations || (times.Count < MostAlternations && Median(ratios) < Bar))
        {
            double other = eight.Least(Budget);
            times.Add(run.Least(Budget));
            ratios.Add(other / times[^1]);
        }

        string name = form == PairForm.Usual ? Text(weights, "0") : $"{weights} ({form})";
        double time = Median(times);
        table.Add(layer.Name, name, Text(activations, "0"), run.Kernel, Text(run.WeightBytes, "0"), Text(time, "0.0000"), Text(layer.Operations / time * 1e-6, "0"), Text(Median(ratios), "0.00"), Median(ratios) < Bar ? "yes" : string.Empty);
    }

    private static Table Memory(PairLayers layers)
    {
        PairLayer layer = PairLayers.All.First(l => l.Size == 0 && l.Batch == 1);
        int[] bits = [8, 7, 6, 5, 4, 3, 2, 1];
        PairRun[] runs = [.. bits.Select(b => new PairRun(layers.Build(layer, b, 8, PairForm.Usual), 1))];
        List<double>[] evicted = [.. bits.Select(_ => new List<double>())];
        List<double>[] cached = [.. bits.Select(_ => new List<double>())];
        for (int round = 0; round < Alternations; round++)
        {
            for (int i = 0; i < runs.Length; i++)
            {
                evicted[i].Add(runs[i].LeastEvicted(EvictedRuns));
                cached[i].Add(runs[i].Least(Budget));
            }
        }

        var table = new Table("weights", "kernel", "weight bytes", "evicted, ms", "evicted, GB/s", "times 8 bits", "in cache, ms", "in cache, GB/s", "times 8 bits in cache");
        for (int i = 0; i < runs.Length; i++)
        {
            double cold = Median(evicted[i]);
            double warm = Median(cached[i]);
            long bytes = runs[i].WeightBytes;
            table.Add(Text(bits[i], "0"), runs[i].Kernel, Text(bytes, "0"), Text(cold, "0.000"), Text(bytes / cold * 1e-6, "0.0"), Text(Ratio(evicted, i), "0.00"), Text(warm, "0.000"), Text(bytes / warm * 1e-6, "0.0"), Text(Ratio(cached, i), "0.00"));
            runs[i].Dispose();
        }

        return table;
    }

    private static double Ratio(List<double>[] times, int index) => Median([.. times[0].Zip(times[index], (eight, few) => eight / few)]);

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
