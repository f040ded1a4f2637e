using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>What quantizers cost in training: a step with each recipe against the same step in float, alternating in one run, one thread.</summary>
internal static class TrainMethodsCommand
{
    private const int Batch = 64;
    private const int Steps = 10;
    private const int Warm = 2;
    private static readonly Shape _image = Shape.Of(1, 28, 28);

    /// <summary>train-methods [ROUNDS] [RECIPE ...].</summary>
    public static int Run(string[] args)
    {
        int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 3;
        HashSet<string> wanted = [.. args.Skip(1)];
        MemoryBatchSource rows = Rows();
        Graph start = Networks.SmallNetworks.ResNet(8, _image);
        var graphs = new List<(string Name, Graph Graph)> { ("float", start) };
        graphs.AddRange(TrainingRecipes.All.Where(r => wanted.Count == 0 || wanted.Contains(r.Name)).Select(r => (Title(r), Prepared(start, rows, r))));
        var least = graphs.Select(_ => double.PositiveInfinity).ToArray();
        foreach ((_, Graph graph) in graphs)
        {
            // The first runs compile.
            Least(graph, rows);
            Least(graph, rows);
        }

        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < graphs.Count; i++)
            {
                least[i] = Math.Min(least[i], Least(graphs[i].Graph, rows));
            }
        }

        var table = new Table("recipe", "milliseconds a step", "float = 1");
        for (int i = 0; i < graphs.Count; i++)
        {
            table.Add(graphs[i].Name, least[i].ToString("0.0", CultureInfo.InvariantCulture), (least[i] / least[0]).ToString("0.00", CultureInfo.InvariantCulture));
        }

        Machine.WriteResult("train-methods.md", $"""
            # The cost of quantizers in training

            `dotnet run -c Release --project test/Benchmarks -- train-methods {rounds}` on {Machine.Description}.
            ResNet-8 (16-32-64), batches of {Batch} images of 28×28 in memory, one thread: forward, back and a step of gradient descent with momentum; the least of {rounds} alternating rounds of
            {Steps - Warm} steps. Widths of weights and activations stand behind the name; first and last layer have 8-bit affine quantizers.

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    private static (int Weights, int Activations) Widths(TrainingRecipe recipe)
    {
        (int, int)[] tried = [(4, 4), (2, 4), (1, 2), (2, 2), (1, 1), (2, 32), (1, 32)];
        return tried.First(w => recipe.Covers(w.Item1, w.Item2));
    }

    private static string Title(TrainingRecipe recipe) => FormattableString.Invariant($"{recipe.Name} {Widths(recipe).Weights}/{Widths(recipe).Activations}");

    private static Graph Prepared(Graph start, MemoryBatchSource rows, TrainingRecipe recipe)
    {
        (int weights, int activations) = Widths(recipe);
        var trainer = new QuantizationAwareTrainer(KernelRegistry.Active, WorkerPool.Single, new EngineRunnerFactory(KernelRegistry.Active));
        return trainer.Prepare(start, rows, new QuantizationAwareOptions { Scheme = recipe.Scheme(weights, activations), InitialRows = 64 });
    }

    /// <summary>Least milliseconds of a step.</summary>
    private static double Least(Graph graph, MemoryBatchSource rows)
    {
        var times = new List<double>();
        long last = Stopwatch.GetTimestamp();
        var options = new TrainingOptions { Epochs = 1, BatchSize = Batch, Rate = 0.001f, ReestimationBatches = 0 };
        new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, rows, options, new Direct(() =>
        {
            times.Add(Stopwatch.GetElapsedTime(last).TotalMilliseconds);
            last = Stopwatch.GetTimestamp();
        }));
        return times.Skip(Warm).Min();
    }

    private static MemoryBatchSource Rows()
    {
        var random = new CounterRandom(1);
        float[] pixels = [.. Enumerable.Range(0, Batch * Steps * _image.Count).Select(i => random.Uniform(i))];
        return new MemoryBatchSource(_image, pixels, [.. Enumerable.Range(0, Batch * Steps).Select(i => (float)random.Integer(i, 0, 9))]);
    }

    private sealed class Direct(Action report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report();
    }
}
