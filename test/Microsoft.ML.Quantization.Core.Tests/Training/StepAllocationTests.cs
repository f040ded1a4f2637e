using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>What a step of training leaves to the garbage collector: small things that do not grow with rows and pixels, since activations and gradients live in memory of the run.</summary>
[TestClass]
public sealed class StepAllocationTests
{
    private const int Steps = 6;
    private const int Rows = 8;

    // Sums and numbers of channels, tensors without their memory, packed operands' descriptions: two to four hundred kilobytes for these networks.
    private const int Most = 500_000;

    // Less than half of one activation of the larger images, of which a pass has dozens.
    private const int MostMore = 65_536;

    [TestMethod]
    [DataRow("")]
    [DataRow("Affine")]
    [DataRow("PACT")]
    [DataRow("BNN")]
    [DataRow("shifts")]
    public void A_step_allocates_little_and_no_more_for_larger_images(string recipe)
    {
        long small = Bytes(recipe, size: 8);
        long large = Bytes(recipe, size: 24);
        Assert.IsTrue(small < Most, $"{small} bytes a step");
        Assert.IsTrue(large - small < MostMore, $"{small} and {large} bytes a step");
    }

    /// <summary>Bytes of a step, the least of the later ones.</summary>
    private static long Bytes(string recipe, int size)
    {
        Shape image = Shape.Of(1, size, size);
        Graph graph = recipe == "shifts" ? BinaryNetworks.ResNet(8, image, 4, 8, hasShifts: true) : SmallNetworks.ResNet(8, image, 4, 8);
        if (recipe is not ("" or "shifts"))
        {
            int bits = recipe == "BNN" ? 1 : 4;
            graph = InsertLearnedQuantizers.Run(graph, TrainingRecipes.Find(recipe).Scheme(bits, bits), name => RandomTensors.Floats(graph.Values.Single(v => v.Name == name).Type.Shape.Bind(2), 5));
        }

        float[] pixels = RandomTensors.Floats(Shape.Of(Rows * Steps, image.Count), 9).Values<float>().ToArray();
        var source = new MemoryBatchSource(image, pixels, [.. Enumerable.Range(0, Rows * Steps).Select(r => (float)(r % 4))]);
        var seen = new List<long>();
        var options = new TrainingOptions { Epochs = 1, BatchSize = Rows, Optimizer = new Adam(), Rate = 0.001f };
        new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, source, options, new DirectProgress<TrainingProgress>(p => seen.Add(GC.GetAllocatedBytesForCurrentThread())));
        return seen.Zip(seen.Skip(1)).Skip(1).Take(Steps - 3).Min(p => p.Second - p.First);
    }
}
