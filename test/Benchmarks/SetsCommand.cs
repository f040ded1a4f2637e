using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using Microsoft.ML.Quantization.Kernels;
using static Microsoft.ML.Quantization.Benchmarks.Report;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Every kernel set on the same layers: against what its instructions allow, managed against native, and signs against ONNX Runtime's floats.</summary>
internal static class SetsCommand
{
    // Managed code is compiled anew while it runs; the first rounds see it before that.
    private const int Rounds = 20;
    private const int Processes = 3;
    private const double ExactBar = 150;

    private static readonly (string Name, string File, ConvolutionGeometry Geometry, double BitBar)[] _shapes =
    [
        ("64 channels, 56x56", "conv64x56.onnx", PlanesTable.Image(64, 56), 5.5),
        ("256 channels, 14x14", "conv256x14.onnx", PlanesTable.Image(256, 14), 6),
    ];

    /// <summary>Managed : native of float, 8 bits, 7 bits of weights, 1 bit.</summary>
    private static readonly double[] _managedBars = [0.9, 0.33, 0.45, 0.30];

    /// <summary>sets MODEL_DIR.</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0 || !_shapes.All(s => File.Exists(Path.Combine(args[0], s.File))))
        {
            Console.Error.WriteLine($"sets MODEL_DIR: expected {string.Join(", ", _shapes.Select(s => s.File))} in MODEL_DIR; make them with peers/make_models.py.");
            return 1;
        }

        var limits = new Table("instructions", "GOP/s");
        foreach ((string name, double rate) in InstructionLimits.All())
        {
            limits.Add(name, Text(rate, "0"));
        }

        var rates = new Table("layer", "set", "float, GFLOP/s", "8 bits exact, GOP/s", "7-bit weights, GOP/s", "1 x 1 bit, GOP/s");
        var managed = new Table("layer", "float: managed : native", "bar", "8 bits exact", "bar of 8 bits", "7-bit weights", "bar of 7 bits", "1 x 1 bit", "bar of 1 bit");
        var avx2 = new Table("layer", "8 bits exact, GOP/s", "share of its limit", "bar", "7-bit weights: share of their limit", "bar of 7 bits", "ONNX Runtime float, GFLOP/s", "1 x 1 bit : float", "bar of 1 bit", "1 x 1 bit: share of its limit");
        for (int layer = 0; layer < _shapes.Length; layer++)
        {
            (string name, string file, ConvolutionGeometry g, double bitBar) = _shapes[layer];
            Dictionary<string, double[]> found = Rates(layer, rates);
            Compare(name, found, managed);
            if (found.TryGetValue("avx2", out double[]? small))
            {
                Small(name, small, Peer(Path.Combine(args[0], file), g), bitBar, avx2);
            }
        }

        Write(limits, rates, managed, avx2);
        return 0;
    }

    /// <summary>sets-child LAYER SET: what one set does, in operations a nanosecond, in a process that has compiled no other.</summary>
    public static int Child(string[] args)
    {
        ConvolutionGeometry g = _shapes[int.Parse(args[0], CultureInfo.InvariantCulture)].Geometry;
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == args[1]);
        double[] times = PlanesTable.Best([PlanesTable.Floats(set, g), PlanesTable.Bytes(set, g, 127), PlanesTable.Bytes(set, g, 63), PlanesTable.Planes(set, g, PlanesTable.Signs)], Rounds);
        Console.WriteLine(JsonSerializer.Serialize(times.Select(t => 2e-9 * g.OutLength * g.Depth / t)));
        return 0;
    }

    private static void Write(Table limits, Table rates, Table managed, Table avx2)
    {
        var report = new Report("sets", "Kernel sets", "sets MODELS");
        report.Add($"3 x 3 convolutions, stride 1, as many channels out as in, one thread. Each set runs in processes of its own, as in a user's program, {Processes} of each in turn; the least time of {Rounds} rounds in each. An operation is a multiplication or an addition, those in padding counted, too.");
        report.Add("What the instructions allow: loops of nothing else over registers, twelve sums at once. 8 bits exact: bytes widened to 16 bits, `vpmaddwd` and `vpaddd`. Weights of seven bits cannot saturate `vpmaddubsw`; with `vpmaddwd` behind it, it asks as much of the multipliers for a product as the exact way, but reads the codes where they lie and half as many bytes of weights, where the exact way widens both. The sets without `vpdpbusd` have a kernel of their own for them; the others multiply them as all bytes.");
        report.Add("limits", limits);
        report.Add("Every set:");
        report.Add("sets", rates);
        report.Add("Managed (the best of its widths) against the best native set:");
        report.Add("managed", managed);
        report.Add($"AVX2: 8 bits exact must reach {ExactBar} GOP/s or 0.8 of its limit; ONNX Runtime takes every instruction set of this machine.");
        report.Add("avx2", avx2);
        report.Write();
    }

    private static Dictionary<string, double[]> Rates(int layer, Table table)
    {
        var found = KernelRegistry.Available.ToDictionary(s => s.Name, _ => new double[_managedBars.Length], StringComparer.Ordinal);
        for (int process = 0; process < Processes; process++)
        {
            foreach ((string set, double[] best) in found)
            {
                JsonElement rates = PeerProcess.Own("sets-child", layer.ToString(CultureInfo.InvariantCulture), set);
                for (int i = 0; i < best.Length; i++)
                {
                    best[i] = Math.Max(best[i], rates[i].GetDouble());
                }
            }
        }

        foreach ((string set, double[] rates) in found)
        {
            table.Add([_shapes[layer].Name, set, .. rates.Select(r => Text(r, "0"))]);
        }

        return found;
    }

    private static void Compare(string name, Dictionary<string, double[]> found, Table table)
    {
        double[] native = Best(found.Where(f => !f.Key.StartsWith("managed", StringComparison.Ordinal)));
        double[] managed = Best(found.Where(f => f.Key.StartsWith("managed", StringComparison.Ordinal)));
        table.Add([name, .. _managedBars.SelectMany((bar, i) => new[] { Text(managed[i] / native[i], "0.00"), AtLeast(managed[i] / native[i], bar) })]);
    }

    private static double[] Best(IEnumerable<KeyValuePair<string, double[]>> sets)
    {
        double[] best = new double[_managedBars.Length];
        foreach (double[] rates in sets.Select(s => s.Value))
        {
            best = [.. best.Zip(rates, Math.Max)];
        }

        return best;
    }

    private static void Small(string name, double[] rates, double peer, double bitBar, Table table)
    {
        Dictionary<string, double> limits = InstructionLimits.All().ToDictionary(l => l.Name, l => l.Rate, StringComparer.Ordinal);
        (double exact, double seven) = (rates[1] / limits[InstructionLimits.Exact256], rates[2] / limits[InstructionLimits.Seven256]);
        table.Add(
            name,
            Text(rates[1], "0"),
            Text(exact, "0.00"),
            rates[1] >= ExactBar ? AtLeast(rates[1], ExactBar) : AtLeast(exact, 0.8),
            Text(seven, "0.00"),
            AtLeast(seven, 0.85),
            Text(peer, "0"),
            Text(rates[3] / peer, "0.0"),
            AtLeast(rates[3] / peer, bitBar),
            Text(rates[3] / limits[InstructionLimits.Bits256], "0.00"));
    }

    private static double Peer(string file, ConvolutionGeometry g)
    {
        const int Layers = 8;
        double least = Enumerable.Range(0, Rounds).Min(_ => PeerProcess.Node("ort-bench.mjs", Path.GetFullPath(file), "--threads", "1", "--runs", "40", "--seconds", "0.4").GetProperty("min_ms").GetDouble());
        return 2e-6 * Layers * g.OutLength * g.Depth / least;
    }
}
