using System;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Training speed in images a second: forward, back and step, batches of 128 images of 28×28 in random order, the shared pool.</summary>
internal static class TrainCommand
{
    private const int Batch = 128;
    private const int Steps = 8;

    public static int Run(string[] args)
    {
        Shape image = Shape.Of(1, 28, 28);
        Measure("LeNet-5 (32C5-64C5-512)", Networks.SmallNetworks.LeNet5(image), image);
        Measure("ResNet-8 (16-32-64)", Networks.SmallNetworks.ResNet(8, image), image);
        return 0;
    }

    private static void Measure(string name, Graph graph, Shape image)
    {
        var random = new CounterRandom(1);
        float[] pixels = new float[Batch * Steps * image.Count];
        float[] labels = new float[Batch * Steps];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = random.Uniform(i);
        }

        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = random.Integer(i, 0, 9);
        }

        var rows = new MemoryBatchSource(image, pixels, labels);
        var trainer = new Trainer(KernelRegistry.Active, WorkerPool.Shared);
        var options = new TrainingOptions { Epochs = 3, BatchSize = Batch, Rate = 0.01f };
        var watch = new Stopwatch();
        double best = double.PositiveInfinity;
        double last = 0;
        watch.Start();
        trainer.Run(graph, rows, options, new Direct(p =>
        {
            double now = watch.Elapsed.TotalSeconds;
            best = p.Step > 2 ? Math.Min(best, now - last) : best;
            last = now;
        }));
        double mean = Batch * Steps * options.Epochs / watch.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {mean:F0} images/s over {Steps * options.Epochs} steps, fastest step {Batch / best:F0} images/s; {KernelRegistry.Active.Name}, {WorkerPool.Shared.ThreadCount} threads"));
    }

    private sealed class Direct(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
