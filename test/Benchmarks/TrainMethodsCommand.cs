using System;
using System.Collections.Generic;
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

    /// <summary>train-methods [ROUNDS] [RECIPE or RECIPE:WEIGHTS/ACTIVATIONS ...].</summary>
    public static int Run(string[] args)
    {
        int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 3;
        MemoryBatchSource rows = Rows();
        Graph start = Networks.SmallNetworks.ResNet(8, _image);
        var graphs = new List<(string Name, Graph Graph)> { ("float", start) };
        graphs.AddRange((args.Length > 1 ? args.Skip(1).Select(Wanted) : TrainingRecipes.All.SelectMany(Usual)).Select(r => (Title(r), Prepared(start, rows, r))));
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

        var table = new Table("recipe", "milliseconds of processor time a step", "float = 1");
        for (int i = 0; i < graphs.Count; i++)
        {
            table.Add(graphs[i].Name, least[i].ToString("0.0", CultureInfo.InvariantCulture), (least[i] / least[0]).ToString("0.00", CultureInfo.InvariantCulture));
        }

        Machine.WriteResult("train-methods.md", $"""
            # The cost of quantizers in training

            `dotnet run -c Release --project test/Benchmarks -- train-methods {rounds}` on {Machine.Description}.
            ResNet-8 (16-32-64), batches of {Batch} images of 28×28 in memory, one thread: forward, back and a step of gradient descent with momentum; processor time, the least of {rounds} alternating rounds
            of {Steps - Warm} steps. Widths of weights and activations stand behind the name; first and last layer have 8-bit affine quantizers.

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    /// <summary>A recipe at its first usual widths; those whose cost grows with the levels also at fewer bits.</summary>
    private static IEnumerable<(TrainingRecipe Recipe, int Weights, int Activations)> Usual(TrainingRecipe recipe)
    {
        (int Weights, int Activations)[] tried = [(4, 4), (2, 4), (1, 2), (2, 2), (1, 1), (2, 32), (1, 32)];
        (int Weights, int Activations)[] covered = [.. tried.Where(w => recipe.Covers(w.Weights, w.Activations))];
        (int, int)[] more = recipe.Name is "QN" or "RQ" or "RQ-ST" ? [(3, 3), (2, 2)] : [];
        return more.Prepend(covered[0]).Select(w => (recipe, w.Item1, w.Item2));
    }

    private static (TrainingRecipe Recipe, int Weights, int Activations) Wanted(string text)
    {
        string[] parts = text.Split(':', '/');
        TrainingRecipe recipe = TrainingRecipes.Find(parts[0]);
        return parts.Length == 1 ? Usual(recipe).First() : (recipe, int.Parse(parts[1], CultureInfo.InvariantCulture), int.Parse(parts[2], CultureInfo.InvariantCulture));
    }

    private static string Title((TrainingRecipe Recipe, int Weights, int Activations) r) => FormattableString.Invariant($"{r.Recipe.Name} {r.Weights}/{r.Activations}");

    private static Graph Prepared(Graph start, MemoryBatchSource rows, (TrainingRecipe Recipe, int Weights, int Activations) r)
    {
        var trainer = new QuantizationAwareTrainer(KernelRegistry.Active, WorkerPool.Single, new EngineRunnerFactory(KernelRegistry.Active));
        return trainer.Prepare(start, rows, new QuantizationAwareOptions { Scheme = r.Recipe.Scheme(r.Weights, r.Activations), InitialRows = 64 });
    }

    /// <summary>Least milliseconds of processor time of a step: other programs on the machine add little to it.</summary>
    private static double Least(Graph graph, MemoryBatchSource rows)
    {
        var times = new List<double>();
        TimeSpan last = Environment.CpuUsage.TotalTime;
        var options = new TrainingOptions { Epochs = 1, BatchSize = Batch, Rate = 0.001f, ReestimationBatches = 0 };
        new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, rows, options, new Direct(() =>
        {
            TimeSpan now = Environment.CpuUsage.TotalTime;
            times.Add((now - last).TotalMilliseconds);
            last = now;
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
