using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>A dense layer of 4096 × 4096 with weights in groups of 32: our kernels against our own 8-bit dense layer and ONNX Runtime's MatMulNBits (4 bits, blocks of 32, level 4); one thread.</summary>
internal static class GroupedCommand
{
    private const int Size = 4096;
    private const int GroupSize = 32;
    private const int Rounds = 5;
    private static readonly int[] _rows = [1, 128, 512];

    public static int Run(string[] args)
    {
        string peers = Path.Combine(Machine.Folder(), "peers");
        string? model = args.Length > 0 && Directory.Exists(Path.Combine(peers, "node_modules")) ? Path.Combine(args[0], "mm4096.w4l4.onnx") : null;
        var table = new Table("set", "rows", "2 bits, ms", "4 bits, ms", "8 bits, ms", "int8 dense, ms", "ONNX Runtime 4 bits, ms", "4 bits : ONNX Runtime");
        foreach (KernelSet set in KernelRegistry.Available)
        {
            foreach (int rows in _rows)
            {
                Measure(set, rows, set == KernelRegistry.Active && model is not null && File.Exists(model) ? model : null, table);
            }
        }

        Machine.WriteResult("grouped.md", $"""
            # Dense layer of 4096 × 4096 with weights in groups of {GroupSize}

            `dotnet run -c Release --project test/Benchmarks -- grouped MODELS` on {Machine.Description}.
            One thread; the rows are quantized within the time. Each figure is the median of {Rounds} alternating rounds, each being the median of at least 10 runs.

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    private static void Measure(KernelSet set, int rows, string? model, Table table)
    {
        Action[] ours = [Grouped(set, rows, 2), Grouped(set, rows, 4), Grouped(set, rows, 8), Dense(set, rows)];
        List<double>[] times = [.. ours.Select(_ => new List<double>())];
        var theirs = new List<double>();
        for (int round = 0; round < (model is null ? 1 : Rounds); round++)
        {
            for (int i = 0; i < ours.Length; i++)
            {
                times[i].Add(Time(ours[i]));
            }

            if (model is not null)
            {
                theirs.Add(Peer(model, rows));
            }
        }

        string peer = theirs.Count == 0 ? "" : Text(Median(theirs));
        string ratio = theirs.Count == 0 ? "" : Text(Median(times[1]) / Median(theirs));
        table.Add([set.Name, rows.ToString(CultureInfo.InvariantCulture), .. times.Select(t => Text(Median(t))), peer, ratio]);
    }

    private static Action Grouped(KernelSet set, int rows, int bits)
    {
        var g = new GroupedGeometry(rows, Size, Size, GroupSize, bits);
        var random = new Random(1);
        int least = -(1 << (bits - 1));
        sbyte[] w = [.. Enumerable.Range(0, Size * Size).Select(_ => (sbyte)random.Next(least, -least))];
        float[] scales = [.. Enumerable.Range(0, Size * g.Groups).Select(_ => random.NextSingle())];
        float[] x = [.. Enumerable.Range(0, rows * Size).Select(_ => random.NextSingle() - 0.5f)];
        PackedWeights packed = set.PackGroupedDense(g, w, scales);
        (var codes, var sums, var rowScales, var bias, var y) = (new sbyte[rows * g.RowStride], new int[rows * g.Groups], new float[rows], new float[Size], new float[rows * Size]);
        int tiles = set.CountGroupedDenseTiles(g);
        return () =>
        {
            set.QuantizeRows(g, x, codes, sums, rowScales, 0, rows);
            set.GroupedDense(g, codes, sums, rowScales, packed, bias, float.NegativeInfinity, float.PositiveInfinity, y, 0, tiles);
        };
    }

    private static Action Dense(KernelSet set, int rows)
    {
        ConvolutionGeometry g = ConvolutionGeometry.Dense(rows, Size, Size);
        var random = new Random(1);
        var w = new byte[Size * Size];
        var x = new byte[rows * Size];
        random.NextBytes(w);
        random.NextBytes(x);
        PackedWeights packed = set.PackConvolutionByte(g, Array.ConvertAll(w, b => (sbyte)b));
        (var bias, var multipliers, var offsets, var y) = (new int[Size], Enumerable.Repeat(0.001f, Size).ToArray(), new float[Size], new byte[rows * Size * sizeof(float)]);
        int tiles = set.CountConvolutionByteTiles(g);
        return () => set.ConvolutionByte(
            g,
            x,
            0,
            packed,
            new IntegerEpilogue { Bias = bias, Multipliers = multipliers, Offsets = offsets, Output = AccumulatorOutput.Float32, Low = float.NegativeInfinity, High = float.PositiveInfinity },
            y,
            0,
            tiles);
    }

    private static double Time(Action run)
    {
        const int Runs = 10;
        var times = new List<double>();
        long end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 4);
        for (int i = -2; i < Runs || Stopwatch.GetTimestamp() < end; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return Median(times);
    }

    private static double Peer(string file, int rows)
    {
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, WorkingDirectory = Path.Combine(Machine.Folder(), "peers") };
        foreach (string argument in new[] { "ort-bench.mjs", Path.GetFullPath(file), "--threads", "1", "--dims", FormattableString.Invariant($"batch={rows}"), "--runs", "10", "--warmup", "2", "--seconds", "0.25" })
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException("node could not be started.");
        string line = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return JsonDocument.Parse(line.Trim()).RootElement.GetProperty("median_ms").GetDouble();
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
}
