using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>
/// A dense layer of 4096 × 4096 with weights in groups of 32 as a network of one layer, timed from float input to float output, against ONNX Runtime's MatMulNBits (4 bits, blocks of
/// 32, float scales, accuracy level 4).
/// </summary>
internal static class GroupedCommand
{
    private const int Size = 4096;
    private const int GroupSize = 32;
    private const int Rounds = 5;
    private const int WalkedBytes = 128 << 20;
    private static readonly int[] _rows = [1, 16, 128, 512];
    private static readonly int[] _threads = [1, 2];

    /// <summary>Bits of a weight and of a group's scale.</summary>
    private static readonly (int Bits, int ScaleBits, bool Floats)[] _forms = [(8, 16, false), (4, 32, false), (4, 16, false), (3, 16, false), (2, 16, false), (4, 16, true)];

    public static int Run(string[] args)
    {
        string peers = Path.Combine(Machine.Folder(), "peers");
        string? model = args.Length > 0 && Directory.Exists(Path.Combine(peers, "node_modules")) ? Path.Combine(args[0], "mm4096.w4l4.onnx") : null;
        model = model is not null && File.Exists(model) ? model : null;
        Graph[] graphs = [.. _forms.Select(f => Layer(f.Bits, f.ScaleBits, f.Floats))];
        string[] heads = [.. _forms.Select(f => Text(f.Bits, "0") + " bits" + (f.ScaleBits == 32 ? ", float scales" : string.Empty) + (f.Floats ? ", float inputs" : string.Empty) + ", ms")];
        var table = new Table(["rows", "threads", .. heads, "ONNX Runtime 4 bits, ms", "ONNX Runtime : 4 bits", "ONNX Runtime : 4 bits, float scales"]);
        var reading = new Table("threads", "bytes read, MB", "reading alone, ms", "4 bits, ms", "ONNX Runtime : reading alone", "ONNX Runtime : 4 bits");
        var evicted = new Table("threads", "4 bits, ms", "2 bits, ms", "4 bits : 2 bits");
        foreach (int threads in _threads)
        {
            WorkerPool pool = Pools.Create(threads);
            Engine[] engines = [.. graphs.Select(g => new Engine(Packer.Pack(g, ModelSignature.Of(g), Kernels.KernelRegistry.Active), pool, long.MaxValue))];
            foreach (int rows in _rows)
            {
                Compare(engines, rows, threads, model, table);
            }

            Read(engines[2], pool, threads, model, reading);

            Evict(engines[2], engines[4], threads, evicted);
            Array.ForEach(engines, e => e.Dispose());
            Pools.Release(pool);
        }

        Write(table, reading, evicted);
        return 0;
    }

    private static void Write(Table table, Table reading, Table evicted) => Machine.WriteResult("grouped.md", $"""
        # Dense layer of {Size} × {Size} with weights in groups of {GroupSize}

        `dotnet run -c Release --project test/Benchmarks -- grouped MODELS` on {Machine.Description}.
        A network of the one layer, float input to float output, the rows being quantized within the time unless inputs stay float; MatMulNBits with accuracy level 4 and float scales in a session of its own. Scales of ours are
        halves but where the head says float. Each figure is the median of {Rounds} alternating rounds, each the median of at least 10 runs; a ratio above 1 is how many times as fast ours is.

        {table}
        ## What the last cache allows

        One row reads each weight once, and does little with it. Reading as many bytes as codes of 4 bits and their halves take, and doing nothing else, on the same threads; medians of {Rounds} alternating rounds. The first
        ratio is what a kernel would reach that took no time beside it.

        {reading}
        ## Weights out of memory

        One row; between two runs {WalkedBytes >> 20} MiB of other memory are read, more than the last cache holds. Medians of {Rounds} alternating rounds of 15 runs.

        {evicted}
        """.ReplaceLineEndings("\n"));

    private static void Compare(Engine[] engines, int rows, int threads, string? model, Table table)
    {
        float[] x = Inputs(rows);
        var y = new float[rows * Size];
        List<double>[] times = [.. engines.Select(_ => new List<double>())];
        var theirs = new List<double>();
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < engines.Length; i++)
            {
                times[i].Add(Time(engines[i], x, y, rows));
            }

            if (model is not null)
            {
                theirs.Add(Peer(model, rows, threads));
            }
        }

        string Ratio(int form) => theirs.Count == 0 ? string.Empty : Text(Median(theirs) / Median(times[form]), "0.00");
        string peer = theirs.Count == 0 ? string.Empty : Text(Median(theirs), "0.000");
        table.Add([Text(rows, "0"), Text(threads, "0"), .. times.Select(t => Text(Median(t), "0.000")), peer, Ratio(2), Ratio(1)]);
    }

    private static void Read(Engine engine, WorkerPool pool, int threads, string? model, Table table)
    {
        const long Bytes = ((long)Size * Size / 2) + ((long)Size * (Size / GroupSize) * 2);
        var alone = new ReadingTime(Bytes, pool, threads);
        float[] x = Inputs(1);
        var y = new float[Size];
        List<double>[] times = [[], [], []];
        for (int round = 0; round < Rounds; round++)
        {
            times[0].Add(alone.Milliseconds());
            times[1].Add(Time(engine, x, y, 1));
            times[2].Add(model is null ? double.NaN : Peer(model, 1, threads));
        }

        double[] medians = [.. times.Select(Median)];
        string Ratio(double time) => model is null ? string.Empty : Text(medians[2] / time, "0.00");
        table.Add(Text(threads, "0"), Text(Bytes * 1e-6, "0.0"), Text(medians[0], "0.000"), Text(medians[1], "0.000"), Ratio(medians[0]), Ratio(medians[1]));
    }

    private static void Evict(Engine four, Engine two, int threads, Table table)
    {
        const int Runs = 15;
        float[] x = Inputs(1);
        var y = new float[Size];
        var walked = new long[WalkedBytes / sizeof(long)];
        var medians = new[] { new List<double>(), new List<double>() };
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < 2; i++)
            {
                var times = new List<double>();
                for (int run = 0; run < Runs; run++)
                {
                    walked[run] += walked.AsSpan().IndexOf(1L);
                    long start = Stopwatch.GetTimestamp();
                    (i == 0 ? four : two).Run<float, float>(x, y, 1);
                    times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }

                medians[i].Add(Median(times));
            }
        }

        (double slow, double fast) = (Median(medians[0]), Median(medians[1]));
        table.Add(Text(threads, "0"), Text(slow, "0.000"), Text(fast, "0.000"), Text(slow / fast, "0.00"));
    }

    /// <summary>A network of one layer with random codes and scales; scales of 16 bits are halves, those of 32 are not.</summary>
    private static Graph Layer(int bits, int scaleBits, bool floats)
    {
        const int Groups = Size * (Size / GroupSize);
        var random = new Random(1);
        var bytes = new byte[Size * Size];
        random.NextBytes(bytes);
        int count = (1 << bits) - 1;
        sbyte[] codes = Array.ConvertAll(bytes, b => (sbyte)((b * count / 256) - (count / 2)));
        float[] scales = [.. Enumerable.Range(0, Groups).Select(_ => (1 + random.NextSingle()) / 256).Select(s => scaleBits == 16 ? (float)(Half)s : s)];
        var code = new CodeType(new BitWidth(bits), true);
        AffineQuantization quantizer = AffineQuantization.PerTensor(code, IntegerRange.SignedNarrow(bits), new AffineParameters(1, 0)) with
        {
            Granularity = Granularity.PerGroup,
            Axis = 1,
            GroupSize = GroupSize,
            Scales = ImmutableArray.Create(scales),
            ZeroPoints = ImmutableArray.Create(new int[Groups]),
        };
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, Size)));
        ValueId w = builder.AddConstant("w", Tensor.Create(Shape.Of(Size, Size), codes), quantizer);
        builder.AddOutput(builder.Add(new GroupedDense { Name = "layer", Inputs = [x, w], FloatInputs = floats }));
        return builder.Build();
    }

    private static float[] Inputs(int rows)
    {
        var random = new Random(2);
        return [.. Enumerable.Range(0, rows * Size).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static double Time(Engine engine, float[] x, float[] y, int rows)
    {
        const int Runs = 10;
        var times = new List<double>();
        long end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 10);
        for (int i = -2; i < Runs || Stopwatch.GetTimestamp() < end; i++)
        {
            long start = Stopwatch.GetTimestamp();
            engine.Run<float, float>(x, y, rows);
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return Median(times);
    }

    private static double Peer(string file, int rows, int threads)
    {
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, WorkingDirectory = Path.Combine(Machine.Folder(), "peers") };
        string[] arguments = ["ort-bench.mjs", Path.GetFullPath(file), "--threads", Text(threads, "0"), "--dims", "batch=" + Text(rows, "0"), "--runs", "10", "--warmup", "2", "--seconds", "0.1"];
        Array.ForEach(arguments, start.ArgumentList.Add);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("node could not be started.");
        string line = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return JsonDocument.Parse(line.Trim()).RootElement.GetProperty("median_ms").GetDouble();
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
