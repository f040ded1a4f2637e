using System;
using System.Linq;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>What small trainings begin with.</summary>
internal static class SmallTraining
{
    /// <summary>Trains on one thread with the kernels of this machine, and verifies with its engine.</summary>
    public static QuantizationAwareTrainer Trainer => new(KernelRegistry.Active, WorkerPool.Single, new EngineRunnerFactory(KernelRegistry.Active));

    /// <summary>Images of one channel whose bright quarter of four is their class; pixels in about [−1, 1].</summary>
    public static MemoryBatchSource SignedQuarters(Shape image, int count) => Quarters(image, count, (isBright, noise) => (isBright ? 0.6f : -0.5f) + (0.4f * noise));

    /// <summary>The same with pixels in [0, 1].</summary>
    public static MemoryBatchSource Quarters(Shape image, int count) => Quarters(image, count, (isBright, noise) => Math.Clamp((isBright ? 0.8f : 0.1f) + (0.15f * noise), 0, 1));

    /// <summary>Rows of noise, classes in turn.</summary>
    public static MemoryBatchSource Noise(Shape input, int count, int classes, ulong seed)
        => new(input, RandomTensors.Floats(Shape.Of(count, input.Count), seed).Values<float>().ToArray(), [.. Enumerable.Range(0, count).Select(i => (float)(i % classes))]);

    /// <summary>The bytes of all constants.</summary>
    public static byte[] Bytes(Graph graph) => [.. graph.Values.Where(v => v.Constant is not null).SelectMany(v => v.Constant!.Bytes.ToArray())];

    private static MemoryBatchSource Quarters(Shape image, int count, Func<bool, float, float> pixel)
    {
        (int height, int width) = (image[1], image[2]);
        float[] noise = RandomTensors.Floats(Shape.Of(count, image.Count), 9).Values<float>().ToArray();
        bool IsBright(int row, int y, int x) => (2 * y >= height) == (row % 4 >= 2) && (2 * x >= width) == (row % 2 == 1);
        float[] pixels = [.. noise.Select((v, i) => pixel(IsBright(i / image.Count, i / width % height, i % width), v))];
        return new MemoryBatchSource(image, pixels, [.. Enumerable.Range(0, count).Select(r => (float)(r % 4))]);
    }
}
