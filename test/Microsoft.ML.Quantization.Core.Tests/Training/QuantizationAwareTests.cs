using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Every method of the list, trained in a small network and handed to the engine.</summary>
[TestClass]
public sealed class QuantizationAwareTests
{
    private static readonly Shape _image = Shape.Of(1, 8, 8);

    public static IEnumerable<object[]> Schemes => QuantizationMethods.All.SelectMany(m => Widths(m).Select(b => new object[] { m.Name, b }));

    [TestMethod]
    [DynamicData(nameof(Schemes))]
    public void A_trained_network_learns_and_the_engine_scores_what_hard_evaluation_scores(string name, int bits)
    {
        QuantizationAwareResult result = Run(Scheme(name, bits), WorkerPool.Single);
        Assert.IsTrue(result.Training.History[^1].Loss < 0.9f * result.Training.History[0].Loss, $"{result.Training.History[0].Loss} to {result.Training.History[^1].Loss}");
        Tensor rows = Rows(24);
        float[] hard = Evaluate(result.Hardened, rows);
        float[] engine = Engine(result.Quantized.Integer, rows);
        float range = hard.Max() - hard.Min();
        int near = hard.Zip(engine, (a, b) => Math.Abs(a - b) <= 0.02f * range).Count(n => n);
        Assert.IsTrue(near >= 0.97 * hard.Length, $"{near} of {hard.Length} scores agree");
    }

    [TestMethod]
    public void Threads_never_change_a_bit_of_a_trained_quantizer()
    {
        byte[][] bytes = [.. ((WorkerPool[])[WorkerPool.Single, new ParallelPool(3)]).Select(pool => Bytes(Run(Scheme("LSQ", 3), pool).Training.Graph))];
        CollectionAssert.AreEqual(bytes[0], bytes[1]);
    }

    [TestMethod]
    public void Layers_between_the_edges_run_as_integers_at_their_bits()
    {
        QuantizationAwareResult result = Run(Scheme("LSQ", 4), WorkerPool.Single);
        Assert.IsTrue(result.Quantized.Layers.All(l => l.IsInteger), string.Join("; ", result.Quantized.Layers.Select(l => $"{l.Name}: {l.Reason}")));
        CollectionAssert.IsSubsetOf((int[])[4, 8], result.Quantized.Layers.Select(l => l.WeightBits).ToArray());
    }

    [TestMethod]
    [DataRow(2, false, 3)]
    [DataRow(2, true, 3)]
    [DataRow(4, true, 0)]
    public void Rows_held_back_are_scored_on_the_engine_where_it_is_faster(int bits, bool probabilities, int expected)
    {
        var factory = new CountingFactory();
        var options = new QuantizationAwareOptions
        {
            Scheme = TrainingRecipes.Find("LSQ").Scheme(bits, bits),
            InitialRows = 16,
            Probabilities = probabilities,
            Training = new TrainingOptions { Epochs = 3, BatchSize = 16, Seed = 3, ValidationShare = 0.5f },
        };
        var trainer = new QuantizationAwareTrainer(KernelRegistry.Active, WorkerPool.Single, factory);
        QuantizationAwareResult result = trainer.Run(SmallNetworks.VggSmall(_image, 4, 4), Blobs(96), options);
        factory.Created = 0;
        trainer.Finish(result.Training, Blobs(96), options);
        Assert.AreEqual(expected, factory.Total - (2 * factory.Created), "runners made beside those that verify the result");
        Assert.IsTrue(result.Training.History.All(h => float.IsFinite(h.ValidationLoss)));
    }

    [TestMethod]
    public void Networks_that_train_with_noise_have_their_statistics_measured_without_it()
    {
        Assert.AreEqual(new TrainingOptions(), TrainingDefaults.For(TrainingRecipes.Find("LSQ").Scheme(4, 4)));
        Assert.AreEqual(new TrainingOptions(), TrainingDefaults.For(null));
        QuantizationAwareScheme[] noisy =
        [
            TrainingRecipes.Find("RQ").Scheme(4, 32),
            TrainingRecipes.Find("RQ-ST").Scheme(4, 32),
            TrainingRecipes.Find("HashNet").Scheme(1, 32),
            TrainingRecipes.Find("BinaryConnect").Scheme(1, 32) with { Weights = new BinaryConnect { Bits = 1, Stochastic = true } },
            TrainingRecipes.Find("BNN").Scheme(1, 1) with { Activations = new Bnn { Bits = 1, Stochastic = true } },
        ];
        foreach (QuantizationAwareScheme scheme in noisy)
        {
            Assert.IsTrue(TrainingDefaults.For(scheme) is { ReestimationBatches: > 0, Optimizer: Adam }, $"{scheme}");
        }
    }

    [TestMethod]
    [DataRow("LAB", 1, true)]
    [DataRow("LAT", 2, true)]
    [DataRow("LAQ", 4, true)]
    [DataRow("BWN", 1, true)]
    [DataRow("ABC-Net", 1, true)]
    [DataRow("Tang", 1, true)]
    [DataRow("ResNetE", 1, true)]
    [DataRow("BNN", 1, true)]
    [DataRow("BinaryConnect", 1, true)]
    [DataRow("Bi-Real", 1, false)]
    [DataRow("TWN", 2, false)]
    public void Gradients_whose_size_tells_nothing_and_curvature_ask_for_adam(string recipe, int bits, bool isAdam)
    {
        TrainingOptions options = TrainingDefaults.For(TrainingRecipes.Find(recipe).Scheme(bits, 32));
        var expected = isAdam ? new TrainingOptions { Optimizer = new Adam(), Rate = 1e-3f } : new TrainingOptions();
        Assert.AreEqual(recipe == "Tang" ? expected with { ReestimationBatches = 100 } : expected, options);
    }

    [TestMethod]
    public void The_rate_starts_over_in_each_stage_of_a_method()
    {
        Schedule schedule = TrainingDefaults.For(TrainingRecipes.Find("INQ").Scheme(3, 3)).Schedule;
        Assert.AreEqual(8, schedule.Restarts);
        Assert.IsTrue(schedule.Factor(9, 10, 8) < 0.1 && schedule.Factor(10, 10, 8) == 1, "it falls, and begins again");
        Assert.AreEqual(4, TrainingDefaults.For(TrainingRecipes.Find("INQ").Scheme(5, 32)).Schedule.Restarts);
    }

    [TestMethod]
    public void A_method_that_replaces_the_step_refuses_optimizers_that_remember()
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("WAGE").Scheme(2, 8);
        var options = new QuantizationAwareOptions { Scheme = scheme, Training = TrainingDefaults.For(scheme) };
        Assert.AreSame(options, options.Validate());
        foreach (TrainingOptions wrong in new[] { options.Training with { Optimizer = new Sgd() }, options.Training with { Optimizer = new Adam() }, options.Training with { Decay = 1e-4f } })
        {
            QuantizationException error = Assert.ThrowsException<QuantizationException>(() => (options with { Training = wrong }).Validate());
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
            StringAssert.Contains(error.Message, "new Sgd(0)");
        }
    }

    private static IEnumerable<int> Widths(MethodEntry entry) => new[] { entry.Bits[0], entry.Bits.Contains(4) ? 4 : entry.Bits[^1] }.Distinct();

    /// <summary>The method in its place, 8-bit affine quantizers in the others.</summary>
    private static QuantizationAwareScheme Scheme(string name, int bits)
    {
        MethodEntry entry = QuantizationMethods.Find(name);
        QuantizationMethod At(QuantizerSites site) => entry.Sites.HasFlag(site) ? entry.Default(bits) : new Affine { Bits = 8 };
        return new()
        {
            Weights = At(QuantizerSites.Weights),
            Activations = At(QuantizerSites.Activations),
            Gradients = entry.Sites.HasFlag(QuantizerSites.Gradients) ? entry.Default(bits) : null,
        };
    }

    private static QuantizationAwareResult Run(QuantizationAwareScheme scheme, WorkerPool pool)
    {
        var options = new QuantizationAwareOptions
        {
            Scheme = scheme,
            Training = new TrainingOptions { Epochs = 8, BatchSize = 16, Seed = 3, Optimizer = scheme.Weights is { NeedsPlainDescent: true } ? new Sgd(0) : new Adam(), Rate = 0.01f, LargestGradientNorm = 5 },
        };
        var engine = new EngineRunnerFactory(KernelRegistry.Active);
        return new QuantizationAwareTrainer(KernelRegistry.Active, pool, engine).Run(SmallNetworks.VggSmall(_image, 4, 4), Blobs(96), options);
    }

    private static MemoryBatchSource Blobs(int count) => SmallTraining.Quarters(_image, count);

    private static Tensor Rows(int count) => Batches.Read(Blobs(count), [.. Enumerable.Range(0, count)]).Input;

    private static float[] Evaluate(Graph graph, Tensor rows)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single));
        return evaluator.Run([rows])[0].Values<float>().ToArray();
    }

    private static float[] Engine(Graph graph, Tensor rows)
    {
        using IGraphRunner runner = new EngineRunnerFactory(KernelRegistry.Active).Create(graph);
        return runner.Run([rows])[0].Values<float>().ToArray();
    }

    private static byte[] Bytes(Graph graph) => [.. graph.Values.Where(v => v.Constant is not null).SelectMany(v => v.Constant!.Bytes.ToArray())];

    private sealed class CountingFactory : IGraphRunnerFactory
    {
        private readonly EngineRunnerFactory _engine = new(KernelRegistry.Active);

        public int Total { get; private set; }

        public int Created { get; set; }

        public IGraphRunner Create(Graph graph)
        {
            Total++;
            Created++;
            return _engine.Create(graph);
        }
    }
}
