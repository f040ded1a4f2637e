using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>
/// A binary network from images to the engine: three hidden layers of 256 signs, trained by the recipe of BNN on the thousand training images that the samples carry; for every one of the ten thousand
/// test images the engine decides as hard evaluation does (the first thousand on every kernel set).
/// </summary>
[TestClass]
public sealed class TrainedToEngineTests
{
    private const int Pixels = 784;
    private const int Classes = 10;

    private static readonly Shape _image = Shape.Of(1, 28, 28);

    [TestMethod]
    public void A_trained_network_of_signs_decides_alike_on_every_test_image()
    {
        (float[] pixels, float[] labels) = Read("train-1000");
        QuantizationAwareResult result = Train(new MemoryBatchSource(_image, pixels, labels));
        Assert.IsTrue(result.Quantized.Layers.All(l => l.IsInteger && l.WeightBits == 1), string.Join("; ", result.Quantized.Layers.Select(l => $"{l.Name}: {l.Reason}")));
        (float[] test, float[] classes) = Read("t10k");
        using var hard = new Evaluator(result.Hardened, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single));
        int[] expected = Decide(rows => hard.Run([rows])[0], test);
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using IGraphRunner engine = new EngineRunnerFactory(set).Create(result.Quantized.Integer);
            int[] found = Decide(rows => engine.Run([rows])[0], set == KernelRegistry.Active ? test : test[..(1000 * Pixels)]);
            Assert.AreEqual(0, found.Zip(expected, (a, b) => a != b).Count(d => d), $"of {found.Length} images, {set.Name}");
        }

        int right = expected.Zip(classes, (e, c) => e == c).Count(r => r);
        Assert.IsTrue(right > 0.7 * expected.Length, $"{right} of {expected.Length} right");
    }

    /// <summary>The recipe's numbers but for a shorter run and a smaller batch.</summary>
    private static QuantizationAwareResult Train(IBatchSource rows)
    {
        var options = new QuantizationAwareOptions
        {
            Scheme = TrainingRecipes.Find("BNN").Scheme(1, 1) with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 },
            Training = new TrainingOptions { Epochs = 8, BatchSize = 50, Seed = 1, Optimizer = new Adam(), Rate = 0.003f, Loss = TrainingLoss.SquaredHinge },
        };
        return SmallTraining.Trainer.Run(BinaryNetworks.Mlp(_image, [256, 256, 256], Classes), rows, options);
    }

    /// <summary>The place of the largest score of each image, a thousand at a time.</summary>
    private static int[] Decide(Func<Tensor, Tensor> run, float[] pixels)
    {
        const int Batch = 1000;
        int[] classes = new int[pixels.Length / Pixels];
        for (int begin = 0; begin < classes.Length; begin += Batch)
        {
            ReadOnlySpan<float> scores = run(Tensor.Create(Shape.Of(Batch, 1, 28, 28), pixels[(begin * Pixels)..((begin + Batch) * Pixels)])).Values<float>();
            for (int i = 0; i < Batch; i++)
            {
                ReadOnlySpan<float> own = scores.Slice(i * Classes, Classes);
                classes[begin + i] = own.IndexOf(own.ToArray().Max());
            }
        }

        return classes;
    }

    /// <summary>Images as pixel / 127.5 − 1 and labels of the samples.</summary>
    private static (float[] Pixels, float[] Labels) Read(string set)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !Directory.Exists(Path.Combine(folder, "samples", "data")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        Assert.IsNotNull(folder, "no samples/data above the tests");
        byte[] images = Unzip(Path.Combine(folder, "samples", "data", $"{set}-images-idx3-ubyte.gz"));
        byte[] labels = Unzip(Path.Combine(folder, "samples", "data", $"{set}-labels-idx1-ubyte.gz"));
        int count = BinaryPrimitives.ReadInt32BigEndian(images.AsSpan(4));
        return (Array.ConvertAll(images[16..(16 + (count * Pixels))], p => (p / 127.5f) - 1), Array.ConvertAll(labels[8..(8 + count)], l => (float)l));
    }

    private static byte[] Unzip(string path)
    {
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
