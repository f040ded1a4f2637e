using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Training speed against PyTorch, alternating in one run: forward, back and step, batches of 128 images of 28×28, one thread and two.</summary>
internal static class TrainCommand
{
    private const int Batch = 128;
    private const int Steps = 24;
    private const int Warm = 4;

    private static readonly Shape _image = Shape.Of(1, 28, 28);

    private static readonly (string Name, string Title, Func<Graph> Make)[] _networks =
    [
        ("lenet", "LeNet-5 (6C5-16C5-120-84, batch normalization)", static () => TrainableConstants.Mark(SmallNetworks.Load("fmnist-lenet.bn.onnx"))),
        ("resnet8", "ResNet-8 (16-32-64)", static () => Networks.SmallNetworks.ResNet(8, _image)),
        ("wide", "LeNet-5 (32C5-64C5-512)", static () => Networks.SmallNetworks.LeNet5(_image)),
    ];

    public static int Run(string[] args)
    {
        int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
        using var peer = TrainPeer.Start(args.Length > 1 ? args[1] : "python3");
        MemoryBatchSource rows = Rows();
        var table = new Table("network", "threads", "ours, images/s", "PyTorch, images/s", "ours : PyTorch", "ours : PyTorch's best");
        foreach ((string name, string title, Func<Graph> make) in _networks)
        {
            Compare(name, title, make(), rows, peer, rounds, table);
        }

        Machine.WriteResult("train.md", $"""
            # Training against {peer?.Version ?? "nothing: PyTorch was not found"}

            `dotnet run -c Release --project test/Benchmarks -- train {rounds}` on {Machine.Description}.
            Images a second of forward, back and a step of gradient descent with momentum; batches of {Batch} images of 28×28 in memory. Each figure comes from the median of {rounds} alternating rounds,
            each round being the median of {Steps - Warm} steps. The last column compares with the better of PyTorch's figures on one thread and on two.

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    private static void Compare(string name, string title, Graph graph, MemoryBatchSource rows, TrainPeer? peer, int rounds, Table table)
    {
        int[] threads = [1, 2];
        using var two = new ClaimingPool(threads[1]);
        WorkerPool[] pools = [WorkerPool.Single, two];
        var ours = threads.Select(_ => new List<double>()).ToArray();
        var theirs = threads.Select(_ => new List<double>()).ToArray();
        foreach (WorkerPool pool in pools)
        {
            // The first run compiles.
            Ours(graph, rows, pool);
        }

        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < threads.Length; i++)
            {
                theirs[i].Add(peer?.Step(name, threads[i], Steps - Warm) ?? double.NaN);
                ours[i].Add(Ours(graph, rows, pools[i]));
            }
        }

        double best = theirs.Min(Median);
        for (int i = 0; i < threads.Length; i++)
        {
            (double mine, double peers) = (Median(ours[i]), Median(theirs[i]));
            table.Add(title, Text(threads[i], "0"), Text(1000 * Batch / mine, "0"), Text(1000 * Batch / peers, "0"), Text(peers / mine, "0.00"), Text(best / mine, "0.00"));
        }
    }

    /// <summary>Median milliseconds of a step.</summary>
    private static double Ours(Graph graph, MemoryBatchSource rows, WorkerPool pool)
    {
        var times = new List<double>();
        long last = Stopwatch.GetTimestamp();
        var options = new TrainingOptions { Epochs = 1, BatchSize = Batch, Rate = 0.001f, ReestimationBatches = 0 };
        new Trainer(KernelRegistry.Active, pool).Run(graph, rows, options, new Direct(() =>
        {
            long now = Stopwatch.GetTimestamp();
            times.Add(Stopwatch.GetElapsedTime(last, now).TotalMilliseconds);
            last = now;
        }));
        return Median(times.Skip(Warm));
    }

    private static MemoryBatchSource Rows()
    {
        var random = new CounterRandom(1);
        float[] pixels = new float[Batch * Steps * _image.Count];
        float[] labels = new float[Batch * Steps];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = random.Uniform(i);
        }

        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = random.Integer(i, 0, 9);
        }

        return new MemoryBatchSource(_image, pixels, labels);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static string Text(double value, string format) => double.IsNaN(value) ? "–" : value.ToString(format, CultureInfo.InvariantCulture);

    private sealed class Direct(Action report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report();
    }
}

/// <summary>PyTorch in a process of its own, which lives through the run (peers/train.py).</summary>
internal sealed class TrainPeer : IDisposable
{
    private readonly Process _process;

    private TrainPeer(Process process, string version)
    {
        _process = process;
        Version = version;
    }

    /// <summary>Name and version.</summary>
    public string Version { get; }

    /// <summary>Starts the peer; null, with a word on the console, where Python or PyTorch is missing.</summary>
    public static TrainPeer? Start(string python)
    {
        var start = new ProcessStartInfo(python) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(Machine.Folder(), "peers", "train.py"));
        try
        {
            Process process = Process.Start(start)!;
            if (process.StandardOutput.ReadLine() is { } version)
            {
                return new TrainPeer(process, version);
            }

            process.Dispose();
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            Console.WriteLine(missing.Message);
        }

        Console.WriteLine($"train: '{python}' with PyTorch was not found; only our own figures follow. A second argument names another Python.");
        return null;
    }

    /// <summary>Median milliseconds of a step.</summary>
    public double Step(string network, int threads, int steps)
    {
        _process.StandardInput.WriteLine(FormattableString.Invariant($"{network} {threads} {steps}"));
        return double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("PyTorch ended early."), CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
