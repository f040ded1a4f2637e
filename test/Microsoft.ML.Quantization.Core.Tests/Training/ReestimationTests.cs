using System;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Statistics that are measured anew: of which rows, when, and of whose normalizations.</summary>
[TestClass]
public sealed class ReestimationTests
{
    private const int Count = 64;
    private static readonly Shape _image = Shape.Of(1, 8, 8);

    [TestMethod]
    public void Rows_sorted_by_class_are_taken_from_all_classes()
    {
        // Black images and then white ones: the first half alone has the mean 0 in front of every normalization.
        var rows = new MemoryBatchSource(_image, [.. Enumerable.Range(0, Count * 64).Select(i => i < Count * 32 ? 0f : 1f)], [.. Enumerable.Range(0, Count).Select(i => i < Count / 2 ? 0f : 1f)]);
        TrainingOptions options = Options with { BatchSize = 8, ReestimationBatches = 4, Rate = 1e-6f };
        float[] some = Means(Train(rows, options));
        float[] all = Means(Train(rows, options with { ReestimationBatches = 8 }));
        Assert.IsTrue(all.Any(m => Math.Abs(m) > 0.1f));
        for (int c = 0; c < all.Length; c++)
        {
            Assert.IsTrue(Math.Abs(some[c] - all[c]) <= 0.5f * Math.Abs(all[c]), $"{some[c]} of {all[c]}");
        }
    }

    [TestMethod]
    public void Several_batches_count_alike()
    {
        MemoryBatchSource rows = SmallTraining.Noise(_image, Count, 2, 5);
        float[] halves = Means(Train(rows, Options with { BatchSize = Count / 4, ReestimationBatches = 4, Rate = 1e-9f }));
        float[] whole = Means(Train(rows, Options with { BatchSize = Count, ReestimationBatches = 1, Rate = 1e-9f }));
        for (int c = 0; c < whole.Length; c++)
        {
            Assert.AreEqual(whole[c], halves[c], 1e-5f);
        }
    }

    [TestMethod]
    public void A_cancelled_run_has_them_too()
    {
        MemoryBatchSource rows = SmallTraining.Noise(_image, Count, 2, 5);
        TrainingOptions options = Options with { ReestimationBatches = 2 };
        using var cancel = new CancellationTokenSource();
        var stopper = new DirectProgress<TrainingProgress>(p => Cancel(cancel, p.Epoch == 1 && p.Finished is null));
        TrainingResult cancelled = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(Network(), rows, options with { Epochs = 5 }, stopper, cancel.Token);
        Assert.AreEqual((TrainingStop.Cancelled, 0), (cancelled.Stop, cancelled.BestEpoch));
        CollectionAssert.AreEqual(SmallTraining.Bytes(Train(rows, options).Graph), SmallTraining.Bytes(cancelled.Graph));
        CollectionAssert.AreNotEqual(SmallTraining.Bytes(Train(rows, options with { ReestimationBatches = 0 }).Graph), SmallTraining.Bytes(cancelled.Graph));
    }

    [TestMethod]
    public void Rows_held_back_are_scored_with_what_would_be_handed_over()
    {
        MemoryBatchSource rows = SmallTraining.Noise(_image, Count, 2, 5);
        TrainingOptions options = Options with { ReestimationBatches = 2, ValidationShare = 0.25f };
        TrainingResult result = Train(rows, options);
        int[] held = [.. Batches.Permutation(Count, options.Seed, -1)[..(Count / 4)].Order()];
        (Tensor input, float[] targets) = Batches.Read(rows, held);
        var reverse = new ReverseMode(result.Graph, result.Graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([input], new TrainingState(result.Graph, 0).Constants, training: false);
        LossValue expected = Losses.Of(TrainingLoss.SoftmaxCrossEntropy, pass[reverse.OutputName], targets);
        Assert.AreEqual(expected.Sum / held.Length, result.History[0].ValidationLoss, 1e-5);
        Assert.AreNotEqual(Train(rows, options with { ReestimationBatches = 0 }).History[0].ValidationLoss, result.History[0].ValidationLoss);
    }

    [TestMethod]
    public void Folded_normalizations_that_stand_still_keep_theirs()
    {
        MemoryBatchSource rows = SmallTraining.Quarters(_image, Count);
        foreach ((float freezeAt, bool stay) in new[] { (0.5f, true), (1f, false) })
        {
            QuantizationAwareScheme scheme = TrainingRecipes.Find("Affine").Scheme(8, 8) with { Folding = new NormalizationFolding { FreezeAt = freezeAt } };
            float[] Folded(int batches) => Constant(SmallTraining.Trainer.Run(
                SmallNetworks.VggSmall(_image, 4, 4), rows, new() { Scheme = scheme, InitialRows = 8, Training = Options with { ReestimationBatches = batches } }).Training.Graph, "conv3.bn.mean");
            Assert.AreEqual(stay, Folded(0).SequenceEqual(Folded(3)), $"from {freezeAt} on");
        }
    }

    private static TrainingOptions Options => new() { Epochs = 1, BatchSize = 16, Seed = 3, Rate = 0.05f };

    private static Graph Network() => SmallNetworks.ResNet(8, _image, 2, 4);

    private static TrainingResult Train(IBatchSource rows, TrainingOptions options) => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(Network(), rows, options);

    private static float[] Means(TrainingResult result) => Constant(result.Graph, "conv1.bn.mean");

    private static float[] Constant(Graph graph, string name) => graph.TryFind(name, out ValueId id) ? graph.ConstantOf(id).Values<float>().ToArray() : throw new AssertFailedException(name);

    private static void Cancel(CancellationTokenSource source, bool isNow)
    {
        if (isNow)
        {
            source.Cancel();
        }
    }
}
