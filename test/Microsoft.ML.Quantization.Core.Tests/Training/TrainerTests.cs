using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Whole runs: the same bits everywhere, exact resume, and networks that learn.</summary>
[TestClass]
public sealed class TrainerTests
{
    private static readonly Shape _image = Shape.Of(1, 12, 12);

    [TestMethod]
    public void Threads_and_kernel_sets_never_change_a_bit()
    {
        TrainingOptions options = Options(2) with
        {
            BatchSize = 40,
            Augmentations = [new RandomShift(2), new RandomFlip()],
            Dropout = [new DropoutSite("mean.flat", 0.2f)],
            ReestimationBatches = 2,
            ValidationShare = 0.2f,
        };
        byte[] expected = Bytes(Run(WorkerPool.Single, KernelRegistry.Active, options).Graph);
        foreach (int threads in (int[])[2, 5])
        {
            CollectionAssert.AreEqual(expected, Bytes(Run(new ParallelPool(threads), KernelRegistry.Active, options).Graph), $"{threads} threads");
        }

        foreach (KernelSet set in KernelRegistry.Available)
        {
            CollectionAssert.AreEqual(expected, Bytes(Run(new ParallelPool(2), set, options).Graph), set.Name);
        }
    }

    [TestMethod]
    public void A_resumed_run_ends_with_the_same_bits()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        TrainingOptions options = Options(4) with { Optimizer = new Adam(), Rate = 0.01f, ValidationShare = 0.25f };
        try
        {
            TrainingResult whole = Run(WorkerPool.Single, KernelRegistry.Active, options);
            using var cancel = new CancellationTokenSource();
            var stopper = new DirectProgress<TrainingProgress>(p => Cancel(cancel, p.Epoch == 2 && p.Finished is null));
            TrainingResult part = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(Small(), Blobs(96), options with { CheckpointPath = path }, stopper, cancel.Token);
            Assert.AreEqual(TrainingStop.Cancelled, part.Stop);
            Assert.AreEqual(2, part.History.Length);
            TrainingResult rest = Run(WorkerPool.Single, KernelRegistry.Active, options with { CheckpointPath = path });
            CollectionAssert.AreEqual(Bytes(whole.Graph), Bytes(rest.Graph));
            CollectionAssert.AreEqual(whole.History, rest.History);
            QuantizationException error = Assert.ThrowsException<QuantizationException>(
                () => Run(WorkerPool.Single, KernelRegistry.Active, options with { CheckpointPath = path, Seed = 2 }));
            Assert.AreEqual(QuantizationErrorCode.FingerprintMismatch, error.Code);
            byte[] damaged = File.ReadAllBytes(path);
            damaged[^5] ^= 1;
            File.WriteAllBytes(path, damaged);
            error = Assert.ThrowsException<QuantizationException>(() => Run(WorkerPool.Single, KernelRegistry.Active, options with { CheckpointPath = path }));
            Assert.AreEqual(QuantizationErrorCode.CorruptModel, error.Code);
            damaged[8] = 2;
            File.WriteAllBytes(path, damaged);
            error = Assert.ThrowsException<QuantizationException>(() => Run(WorkerPool.Single, KernelRegistry.Active, options with { CheckpointPath = path }));
            StringAssert.Contains(error.Message, "found one of version 2");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void A_run_broken_off_within_an_epoch_goes_on_to_the_same_bits()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            TrainingOptions options = Options(3) with { Optimizer = new Adam(), Rate = 0.01f, ValidationShare = 0.2f, Augmentations = [new RandomShift(1)], BatchSize = 8 };
            TrainingResult whole = Run(WorkerPool.Single, KernelRegistry.Active, options);
            using var cancel = new CancellationTokenSource();
            var stopper = new DirectProgress<TrainingProgress>(p => Cancel(cancel, p.Step == 15));
            TrainingOptions kept = options with { CheckpointPath = path, CheckpointSteps = 2 };
            TrainingResult part = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(Small(), Blobs(96), kept, stopper, cancel.Token);
            Assert.AreEqual(TrainingStop.Cancelled, part.Stop);
            long first = 0;
            var watch = new DirectProgress<TrainingProgress>(p => first = first == 0 ? p.Step : first);
            TrainingResult rest = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(Small(), Blobs(96), kept with { CheckpointSteps = 5 }, watch);
            Assert.AreEqual(15, first, "goes on behind step 14, the last one written");
            CollectionAssert.AreEqual(Bytes(whole.Graph), Bytes(rest.Graph));
            CollectionAssert.AreEqual(whole.History, rest.History);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    [DataRow("sgd")]
    [DataRow("nesterov")]
    [DataRow("adam")]
    [DataRow("adamax")]
    [DataRow("adamax by shifts")]
    public void A_tiny_set_is_learnt_by_heart(string name)
    {
        Optimizer optimizer = name switch { "sgd" => new Sgd(), "nesterov" => new Sgd(0.9f, Nesterov: true), "adam" => new Adam(), "adamax by shifts" => new ShiftAdaMax(), _ => new AdaMax() };
        TrainingOptions options = Options(40) with { Optimizer = optimizer, BatchSize = 8, Rate = name.StartsWith("ada", StringComparison.Ordinal) ? 0.01f : 0.05f, LargestGradientNorm = 5 };
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(_image, [32], 4), Blobs(24), options);
        Assert.AreEqual(TrainingStop.Finished, result.Stop);
        Assert.AreEqual(1f, result.History[^1].Accuracy);
        Assert.IsTrue(result.History[^1].Loss < 0.05f, $"{result.History[^1].Loss}");
    }

    [TestMethod]
    public void The_squared_error_finds_a_line()
    {
        float[] x = [.. Enumerable.Range(0, 64).Select(i => (i - 32) / 32f)];
        var rows = new MemoryBatchSource(Shape.Of(1), x, [.. x.Select(v => (3 * v) - 1)]);
        TrainingOptions options = Options(60) with { Loss = TrainingLoss.MeanSquaredError, BatchSize = 16, Rate = 0.1f, Schedule = new CosineSchedule { WarmUpSteps = 4 } };
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(Shape.Of(1), [], 1), rows, options);
        Assert.AreEqual(3f, Constant(result.Graph, "scores.weight")[0], 1e-3f);
        Assert.AreEqual(-1f, Constant(result.Graph, "scores.bias")[0], 1e-3f);
    }

    [TestMethod]
    public void Numbers_have_no_accuracy_and_the_best_epoch_has_the_least_loss()
    {
        float[] x = [.. Enumerable.Range(0, 64).Select(i => (i - 32) / 32f)];
        var rows = new MemoryBatchSource(Shape.Of(1), x, [.. x.Select((v, i) => (3 * v) - 1 + (0.3f * MathF.Sin(i * 7f)))]);
        TrainingOptions options = Options(12) with { Loss = TrainingLoss.MeanSquaredError, BatchSize = 8, Rate = 0.3f, ValidationShare = 0.25f };
        var seen = new List<float?>();
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(Shape.Of(1), [4], 1), rows, options, new DirectProgress<TrainingProgress>(p => seen.Add(p.Accuracy)));
        Assert.IsTrue(result.History.All(h => h.Accuracy is null && h.ValidationAccuracy is null) && seen.TrueForAll(a => a is null));
        Assert.AreEqual(result.History.Min(h => h.ValidationLoss), result.History[result.BestEpoch].ValidationLoss);
        Assert.AreNotEqual(result.History[^1].ValidationLoss, result.History[result.BestEpoch].ValidationLoss, "the last epoch is not the best, or this proves nothing");
    }

    [TestMethod]
    public void Numbers_as_classes_are_refused_with_the_loss_that_takes_them()
    {
        void Refuses(float[] labels, TrainingLoss loss)
        {
            var rows = new MemoryBatchSource(Shape.Of(2), [1, 2, 3, 4], labels);
            QuantizationException error = Assert.ThrowsException<QuantizationException>(
                () => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(Shape.Of(2), [], 3), rows, Options(1) with { Loss = loss }));
            Assert.AreEqual(QuantizationErrorCode.InconsistentData, error.Code);
            StringAssert.Contains(error.Message, nameof(TrainingLoss.MeanSquaredError));
        }

        Refuses([0, 0.5f], TrainingLoss.SoftmaxCrossEntropy);
        Refuses([0, 3], TrainingLoss.SoftmaxCrossEntropy);
        Refuses([-1, 0], TrainingLoss.SquaredHinge);
        Refuses([1, 2, 3, 4, 5, 6], TrainingLoss.SoftmaxCrossEntropy);
    }

    [TestMethod]
    public void A_run_that_diverges_gives_the_last_good_state_and_the_layer()
    {
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(_image, [16], 4), Blobs(64), Options(30) with { Rate = 1e30f, BatchSize = 16 });
        Assert.AreEqual(TrainingStop.Diverged, result.Stop);
        Assert.IsNotNull(result.DivergedAt);
        Assert.IsTrue(result.Graph.Values.Any(v => v.Name == result.DivergedAt) || result.Graph.Nodes.Any(n => n.Name == result.DivergedAt), result.DivergedAt);
        Assert.IsTrue(result.Graph.Values.Where(v => v.Constant is not null).All(v => v.Constant!.Values<float>().ToArray().All(float.IsFinite)));
    }

    [TestMethod]
    public void A_run_that_diverges_later_measures_statistics_of_its_last_good_epoch()
    {
        TrainingOptions options = Options(3) with { ReestimationBatches = 2 };
        TrainingResult whole = Run(WorkerPool.Single, KernelRegistry.Active, options with { Epochs = 1 });
        TrainingResult diverged = Run(WorkerPool.Single, KernelRegistry.Active, options with { Schedule = new ExplodingSchedule() });
        Assert.AreEqual((TrainingStop.Diverged, 0), (diverged.Stop, diverged.BestEpoch));
        CollectionAssert.AreEqual(Bytes(whole.Graph), Bytes(diverged.Graph));
        CollectionAssert.AreNotEqual(Bytes(Run(WorkerPool.Single, KernelRegistry.Active, options with { Epochs = 1, ReestimationBatches = 0 }).Graph), Bytes(diverged.Graph));
    }

    [TestMethod]
    public void A_gradient_whose_norm_is_not_finite_is_named()
    {
        var rows = new MemoryBatchSource(Shape.Of(4), [.. Enumerable.Repeat(1e20f, 16)], [0, 1, 2, 0]);
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(Shape.Of(4), [], 3), rows, Options(1));
        Assert.AreEqual(TrainingStop.Diverged, result.Stop);
        Assert.AreEqual("scores.weight", result.DivergedAt);
    }

    [TestMethod]
    public void Patience_ends_a_run_and_the_best_epoch_comes_back()
    {
        TrainingOptions options = Options(50) with { Patience = 2, ValidationShare = 0.3f, Rate = 0.1f };
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(_image, [32], 4), Noise(60), options);
        Assert.AreEqual(TrainingStop.EarlyStop, result.Stop);
        Assert.AreEqual(result.History.Length - 3, result.BestEpoch);
        Assert.AreEqual(result.History.Max(h => h.ValidationAccuracy), result.History[result.BestEpoch].ValidationAccuracy);
    }

    [TestMethod]
    public void Patience_is_remembered_by_a_run_that_was_broken_off()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            TrainingOptions options = Options(50) with { Patience = 2, ValidationShare = 0.3f, Rate = 0.1f };
            TrainingResult Noisy(TrainingOptions own, IProgress<TrainingProgress>? progress = null, CancellationToken token = default)
                => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(_image, [32], 4), Noise(60), own, progress, token);
            TrainingResult whole = Noisy(options);
            using var cancel = new CancellationTokenSource();
            Noisy(options with { CheckpointPath = path }, new DirectProgress<TrainingProgress>(p => Cancel(cancel, p.Epoch == whole.History.Length - 1)), cancel.Token);
            foreach (string turn in (string[])["the last epoch", "nothing but the end"])
            {
                TrainingResult rest = Noisy(options with { CheckpointPath = path });
                Assert.AreEqual((TrainingStop.EarlyStop, whole.BestEpoch), (rest.Stop, rest.BestEpoch), turn);
                CollectionAssert.AreEqual(whole.History, rest.History, turn);
                CollectionAssert.AreEqual(Bytes(whole.Graph), Bytes(rest.Graph), turn);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Groups_have_their_own_rate_and_decay()
    {
        Graph graph = SmallNetworks.Mlp(_image, [8], 4);
        TrainingOptions options = Options(1) with { Groups = [new ParameterGroup("dense1\\..*", RateFactor: 0), new ParameterGroup("scores.weight", Decay: 10)] };
        Graph trained = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, Blobs(16), options).Graph;
        CollectionAssert.AreEqual(Constant(graph, "dense1.weight"), Constant(trained, "dense1.weight"));
        Assert.IsTrue(Constant(trained, "scores.weight").Sum(MathF.Abs) < 0.8f * Constant(graph, "scores.weight").Sum(MathF.Abs));
        Assert.AreEqual(
            QuantizationErrorCode.UnknownLayer,
            Assert.ThrowsException<QuantizationException>(() => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, Blobs(16), Options(1) with { Groups = [new ParameterGroup("none")] })).Code);
    }

    [TestMethod]
    public void Statistics_measured_anew_are_those_of_the_rows()
    {
        TrainingOptions options = Options(1) with { BatchSize = 32, ReestimationBatches = 100 };
        Graph trained = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(Small(), Blobs(32), options).Graph;
        (Tensor rows, _) = Batches.Read(Blobs(32), [.. Enumerable.Range(0, 32)]);
        var reverse = new ReverseMode(trained, trained.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        float[] seen = [.. reverse.Forward([rows], new TrainingState(trained, 0).Constants, training: false)["conv1"].Values<float>()];
        float[] mean = Constant(trained, "conv1.bn.mean");
        for (int c = 0; c < mean.Length; c++)
        {
            Assert.AreEqual(Enumerable.Range(0, seen.Length).Where(i => i / 144 % mean.Length == c).Average(i => seen[i]), mean[c], 1e-4f);
        }
    }

    [TestMethod]
    public void Schedules_give_their_formulas()
    {
        Assert.AreEqual(0.1, new StepSchedule([2, 4]).Factor(25, 10, 5), 1e-12);
        Assert.AreEqual(0.5, new LinearSchedule().Factor(25, 10, 5), 1e-12);
        Assert.AreEqual(0.25, new ConstantSchedule { WarmUpSteps = 8 }.Factor(1, 10, 5), 1e-12);
        for (int step = 0; step <= 50; step += 5)
        {
            Assert.AreEqual(0.1 + (0.45 * (1 + Math.Cos(Math.PI * step / 50))), new CosineSchedule(0.1).Factor(step, 10, 5), 1e-9);
        }
    }

    [TestMethod]
    public void Augmentations_are_pure_and_move_what_they_say()
    {
        float[] image = [.. Enumerable.Range(1, 2 * 3 * 4).Select(i => (float)i)];
        float[] flipped = [.. Enumerable.Range(0, 64).Select(i => Changed(new RandomFlip(), image, i)).First(c => c[0] == 4)];
        CollectionAssert.AreEqual(new float[] { 4, 3, 2, 1, 8, 7, 6, 5 }, flipped[..8]);
        CollectionAssert.AreEqual(Changed(new RandomShift(2), image, 5), Changed(new RandomShift(2), image, 5));
        float[] shifted = Enumerable.Range(0, 500).Select(i => Changed(new RandomShift(1), image, i)).First(c => c[5] == 1);
        CollectionAssert.AreEqual(new float[] { 0, 0, 0, 0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 0, 0, 0, 0, 13, 14, 15, 0, 17, 18, 19 }, shifted);
    }

    [TestMethod]
    public void A_kind_without_rule_between_weights_and_loss_is_refused()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Microsoft.ML.Quantization.Graphs.ValueType.Float(new Shape([Shape.Free, 4])));
        ValueId w = builder.AddConstant("w", RandomTensors.Floats(Shape.Of(4, 4), 1), isTrainable: true);
        builder.AddOutput(builder.Add(new Unary { Operator = UnaryOperator.Sign, Name = "sign", Inputs = [builder.Add(new Dense { Inputs = [x, w] })] }));
        QuantizationException error = Assert.ThrowsException<QuantizationException>(
            () => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(builder.Build(), new MemoryBatchSource(Shape.Of(4), new float[8], [0, 1]), Options(1)));
        Assert.AreEqual(QuantizationErrorCode.UnsupportedOperator, error.Code);
        StringAssert.Contains(error.Message, "'sign'");
    }

    [TestMethod]
    public void LeNet_and_the_others_learn_in_a_few_steps()
    {
        foreach (Graph graph in (Graph[])[SmallNetworks.LeNet5(_image, 4), SmallNetworks.VggSmall(_image, 4, 8), SmallNetworks.ResNet(14, _image, 4, 4)])
        {
            TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Shared).Run(graph, Blobs(48), Options(4) with { BatchSize = 16, Rate = 0.02f });
            Assert.IsTrue(result.History[^1].Loss < 0.6f * result.History[0].Loss, $"{result.History[0].Loss} to {result.History[^1].Loss}");
        }
    }

    [TestMethod]
    public void A_marked_network_trains_and_keeps_its_structure()
    {
        Graph graph = TrainableConstants.Mark(HandMade());
        Assert.IsTrue(graph.Values.Where(v => v.Constant is not null).All(v => v.IsTrainable));
        Graph trained = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, Blobs(16), Options(1)).Graph;
        Assert.AreEqual(GraphPrinter.Print(graph), GraphPrinter.Print(trained));
        CollectionAssert.AreNotEqual(Bytes(graph), Bytes(trained));
    }

    [TestMethod]
    public void A_thousand_images_of_clothing_are_enough_for_three_quarters()
    {
        string data = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "samples", "data"));
        if (!File.Exists(Path.Combine(data, "train-1000-images-idx3-ubyte.gz")))
        {
            Assert.Inconclusive("samples/data holds no training images");
        }

        Graph graph = SmallNetworks.Mlp(Shape.Of(784), [64], 10);
        TrainingOptions options = Options(12) with { BatchSize = 50, Rate = 0.05f, Schedule = new CosineSchedule() };
        Graph trained = new Trainer(KernelRegistry.Active, WorkerPool.Shared).Run(graph, Images(data, "train-1000", 1000), options).Graph;
        MemoryBatchSource test = Images(data, "t10k", 2000);
        (Tensor input, float[] labels) = Batches.Read(test, [.. Enumerable.Range(0, test.Count)]);
        using var evaluator = new Microsoft.ML.Quantization.Evaluation.Evaluator(trained, Microsoft.ML.Quantization.Evaluation.OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Shared));
        int correct = Losses.Of(TrainingLoss.SoftmaxCrossEntropy, evaluator.Run([input])[0], labels).Correct;
        Assert.IsTrue(correct > 0.75 * test.Count, $"{correct} of {test.Count}");
    }

    private static void Cancel(CancellationTokenSource source, bool now)
    {
        if (now)
        {
            source.Cancel();
        }
    }

    private static TrainingOptions Options(int epochs) => new() { Epochs = epochs, BatchSize = 32, Rate = 0.05f, Seed = 1 };

    private static Graph Small() => SmallNetworks.ResNet(8, _image, 4, 4);

    private static Graph HandMade()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Microsoft.ML.Quantization.Graphs.ValueType.Float(new Shape([Shape.Free, 1, 12, 12])));
        ValueId flat = builder.Add(new Reshape { Target = [0, -1], Inputs = [x] });
        ValueId w = builder.AddConstant("w", RandomTensors.Floats(Shape.Of(4, 144), 1, 0.1f));
        builder.AddOutput(builder.Add(new Softmax { Inputs = [builder.Add(new Dense { Inputs = [flat, w, builder.AddConstant("b", Tensor.Allocate(ElementType.Float32, Shape.Of(4)))] })] }));
        return builder.Build();
    }

    private static TrainingResult Run(WorkerPool pool, KernelSet set, TrainingOptions options) => new Trainer(set, pool).Run(Small(), Blobs(96), options);

    private static float[] Constant(Graph graph, string name) => graph.TryFind(name, out ValueId id) ? graph.ConstantOf(id).Values<float>().ToArray() : throw new KeyNotFoundException(name);

    private static byte[] Bytes(Graph graph) => [.. graph.Values.Where(v => v.Constant is not null).OrderBy(v => v.Name, StringComparer.Ordinal).SelectMany(v => v.Constant!.Bytes.ToArray())];

    private static float[] Changed(Augmentation augmentation, float[] image, int row)
    {
        float[] copy = [.. image];
        augmentation.Apply(copy, Shape.Of(2, 3, 4), new CounterRandom(1, 2, (ulong)row));
        return copy;
    }

    /// <summary>Images with a bright quarter, which is their class, in noise.</summary>
    private static MemoryBatchSource Blobs(int count)
    {
        var random = new CounterRandom(3);
        float[] labels = [.. Enumerable.Range(0, count).Select(i => (float)(i % 4))];
        float[] pixels = [.. Enumerable.Range(0, count * 144).Select(i => random.Uniform(i) + (((i % 144 / 72) * 2) + (i % 12 / 6) == labels[i / 144] ? 1 : 0))];
        return new MemoryBatchSource(_image, pixels, labels);
    }

    private static MemoryBatchSource Noise(int count)
    {
        var random = new CounterRandom(4);
        return new MemoryBatchSource(_image, [.. Enumerable.Range(0, count * 144).Select(i => random.Uniform(i))], [.. Enumerable.Range(0, count).Select(i => (float)random.Integer(-1 - i, 0, 3))]);
    }

    private static MemoryBatchSource Images(string folder, string set, int count)
    {
        byte[] images = Unzip(Path.Combine(folder, $"{set}-images-idx3-ubyte.gz"));
        byte[] labels = Unzip(Path.Combine(folder, $"{set}-labels-idx1-ubyte.gz"));
        Assert.AreEqual(28, BinaryPrimitives.ReadInt32BigEndian(images.AsSpan(8)));
        return new MemoryBatchSource(Shape.Of(784), [.. images.Skip(16).Take(count * 784).Select(p => p / 255f)], [.. labels.Skip(8).Take(count).Select(l => (float)l)]);
    }

    private static byte[] Unzip(string path)
    {
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    private static string Here([CallerFilePath] string path = "") => path;

    /// <summary>Whole in the first epoch, ruinous behind it.</summary>
    private sealed record ExplodingSchedule : Schedule
    {
        protected override double At(double progress, int epoch) => epoch == 0 ? 1 : 1e30;
    }
}
