using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>A float network beside the quantized one: worked numbers of the hint, and who learns from whom.</summary>
[TestClass]
public sealed class GuideTests
{
    private static readonly Shape _input = Shape.Of(6);

    [TestMethod]
    public void The_hint_is_the_worked_one()
    {
        Shape shape = Shape.Of(1, 3);
        Tensor found = Tensor.Create<float>(shape, [0, 1 / 3f, 1]);
        var call = new MethodCall(Tensor.Create<float>(shape, [0.1f, 0.5f, 0.8f]), [], MethodContext.Evaluation, QuantizerSites.Activations, 1, WorkerPool.Single);
        (double loss, Tensor own, Tensor other) = Guided(call, found, 3);
        Assert.AreEqual(1 / 9.0, loss, 1e-6, "3 times the mean is the sum");
        Same([0, -1 / 3f, 1 / 3f], own);
        Same([0, 1 / 3f, -1 / 3f], other);
        Same([0, -1 / 3f, 0], Guided(call with { X = Tensor.Create<float>(shape, [-0.1f, 0.1f, 1.2f]) }, Tensor.Create<float>(shape, [0, 1 / 3f, 1]), 3).Other);
    }

    [TestMethod]
    public void Without_weight_both_networks_train_as_if_alone()
    {
        TrainingResult alone = Train(null);
        TrainingResult beside = Train(Guide(0, false));
        CollectionAssert.AreEqual(Bytes(alone.Graph), Bytes(beside.Graph));
        Graph floatAlone = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(Network(), Rows(), Options()).Graph;
        CollectionAssert.AreEqual(Bytes(floatAlone), Bytes(beside.Guide!));
        Assert.IsNull(alone.Guide);
    }

    [TestMethod]
    public void With_weight_both_learn_from_the_hint_and_a_frozen_one_stays()
    {
        TrainingResult alone = Train(Guide(0, false));
        TrainingResult mutual = Train(Guide(2, false));
        CollectionAssert.AreNotEqual(Bytes(alone.Graph), Bytes(mutual.Graph));
        CollectionAssert.AreNotEqual(Bytes(alone.Guide!), Bytes(mutual.Guide!));
        TrainingResult frozen = Train(Guide(2, true));
        CollectionAssert.AreNotEqual(Bytes(alone.Graph), Bytes(frozen.Graph));
        CollectionAssert.AreEqual(Bytes(Network()), Bytes(frozen.Guide!));
        CollectionAssert.AreEqual(Bytes(mutual.Graph), Bytes(Train(Guide(2, false), new ParallelPool(3)).Graph), "threads");
    }

    [TestMethod]
    public void Unknown_hints_checkpoints_and_negative_weights_are_refused()
    {
        Refused(Guide(1, false) with { Hints = ["none"] }, Options(), QuantizationErrorCode.UnknownLayer);
        Refused(Guide(-1, false), Options(), QuantizationErrorCode.InvalidOptions);
        Refused(Guide(1, false), Options() with { CheckpointPath = "none.checkpoint" }, QuantizationErrorCode.InvalidOptions);

        void Refused(Guide guide, TrainingOptions options, QuantizationErrorCode code) => Assert.AreEqual(
            code, Assert.ThrowsException<QuantizationException>(() => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(Student(), Rows(), options with { Guide = guide })).Code);
    }

    private static (double Loss, Tensor Own, Tensor Other) Guided(MethodCall call, Tensor found, float weight) => GuideSteps.Compare(new DoReFaActivations { Bits = 2 }, call, found, weight);

    private static void Same(float[] expected, Tensor found)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found.Values<float>()[i], 1e-6f, $"{i}");
        }
    }

    private static Guide Guide(float weight, bool frozen) => new(Network(), ["dense2.relu"], weight, frozen);

    private static Graph Network() => SmallNetworks.Mlp(_input, [12, 12], 3);

    private static Graph Student() => InsertLearnedQuantizers.Run(
        Network(), QuantizationAwareScheme.Of("DoReFa-W", 2, "DoReFa-A", 2) with { EdgeLayers = EdgeLayers.SameBits }, _ => Tensor.Allocate(ElementType.Float32, Shape.Of(1, 12)));

    private static TrainingOptions Options() => new() { Epochs = 3, BatchSize = 8, Rate = 0.05f };

    private static TrainingResult Train(Guide? guide, WorkerPool? pool = null) => new Trainer(KernelRegistry.Active, pool ?? WorkerPool.Single).Run(Student(), Rows(), Options() with { Guide = guide });

    private static MemoryBatchSource Rows() => SmallTraining.Noise(_input, 32, 3, 3);

    private static byte[] Bytes(Graph graph) => [.. graph.Values.Where(v => v.IsTrainable).SelectMany(v => v.Constant!.Bytes.ToArray())];
}
