using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Runs with every method of the list: broken off and gone on to the same bits, and ended by the guard where numbers are no longer finite.</summary>
[TestClass]
public sealed class MethodRunTests
{
    private static readonly Shape _image = Shape.Of(1, 6, 6);

    public static IEnumerable<object[]> Methods => QuantizationMethods.All.Select(m => new object[] { m.Name });

    public static IEnumerable<object[]> Recipes => TrainingRecipes.All.Select(r => new object[] { r.Name });

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void A_resumed_run_ends_with_the_same_bits(string name)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            MethodEntry entry = QuantizationMethods.Find(name);
            QuantizationMethod method = entry.Default(entry.Bits[0]);
            var scheme = new QuantizationAwareScheme
            {
                Weights = entry.Sites.HasFlag(QuantizerSites.Weights) ? method : null,
                Activations = entry.Sites.HasFlag(QuantizerSites.Activations) ? method : null,
                Gradients = entry.Sites.HasFlag(QuantizerSites.Gradients) ? method : null,
                EdgeLayers = EdgeLayers.SameBits,
            };
            Graph graph = Insert(scheme);
            TrainingOptions options = Options(method);
            byte[] whole = SmallTraining.Bytes(Run(graph, options).Graph);
            using var cancel = new CancellationTokenSource();
            TrainingOptions kept = options with { CheckpointPath = path, CheckpointSteps = 1 };
            Assert.AreEqual(TrainingStop.Cancelled, Run(graph, kept, new DirectProgress<TrainingProgress>(p => Cancel(cancel, p.Step == 8)), cancel.Token).Stop);
            CollectionAssert.AreEqual(whole, SmallTraining.Bytes(Run(graph, kept).Graph));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    [DataRow("RQ")]
    [DataRow("QN")]
    [DataRow("LSQ+")]
    public void A_run_of_one_step_with_seed_0_trains_as_the_first_step_of_a_longer_one(string name)
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find(name).Scheme(2, 2) with { EdgeLayers = EdgeLayers.SameBits };
        Graph graph = Insert(scheme);
        TrainingOptions options = Options(scheme.Weights!) with { Seed = 0, Epochs = 1, BatchSize = 18 };
        Assert.AreEqual(Run(graph, options with { Epochs = 2 }).History[0].Loss, Run(graph, options).History[0].Loss);
    }

    [TestMethod]
    [DynamicData(nameof(Recipes))]
    public void A_run_that_diverges_says_so_and_gives_a_finite_state(string name)
    {
        TrainingRecipe recipe = TrainingRecipes.Find(name);
        QuantizationAwareScheme scheme = recipe.Scheme(recipe.UsualBits.Weights, recipe.UsualBits.Activations);
        Graph graph = Insert(scheme);
        foreach (float rate in (float[])[1e8f, 1e19f, 1e38f])
        {
            TrainingResult result = Run(graph, Options(scheme.Weights!) with { Rate = rate });
            Assert.AreEqual(result.Stop == TrainingStop.Diverged, result.DivergedAt is not null);
            Assert.IsTrue(result.Graph.Values.Where(v => v.Constant is not null && v.Type.Element == ElementType.Float32).All(v => v.Constant!.Values<float>().ToArray().All(float.IsFinite)), $"{rate}: {result.Stop}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Recipes))]
    public void One_row_and_blank_rows_train_and_are_exported(string name)
    {
        TrainingRecipe recipe = TrainingRecipes.Find(name);
        QuantizationAwareScheme scheme = recipe.Scheme(recipe.UsualBits.Weights, recipe.UsualBits.Activations);
        var trainer = SmallTraining.Trainer;
        foreach (MemoryBatchSource rows in (MemoryBatchSource[])[new(_image, RandomTensors.Floats(_image, 3).Values<float>().ToArray(), [2]), new(_image, new float[5 * 36], [0, 1, 2, 0, 0])])
        {
            QuantizationAwareResult result = trainer.Run(Network(), rows, new QuantizationAwareOptions { Scheme = scheme, Training = Options(scheme.Weights!) with { Epochs = 2 } });
            Assert.AreEqual(TrainingStop.Finished, result.Training.Stop, $"{rows.Count} rows, {result.Training.DivergedAt}");
            Assert.IsTrue(result.Training.History.All(h => float.IsFinite(h.Loss)));
        }
    }

    private static Graph Insert(QuantizationAwareScheme scheme)
    {
        Graph graph = Network();
        MemoryBatchSource rows = Rows();
        return InsertLearnedQuantizers.Run(graph, scheme, ActivationSample.Of(graph, rows, 8, 1, KernelRegistry.Active, WorkerPool.Single));
    }

    private static Graph Network()
    {
        var layers = new LayerBuilder(5);
        ValueId x = layers.Relu("relu1", layers.NormalizedConvolution("conv1", layers.Input(_image), 3, 3));
        x = layers.Relu("relu2", layers.NormalizedConvolution("conv2", x, 4, 3));
        return layers.Build(layers.Dense("scores", layers.GlobalAverage("mean", x), 3));
    }

    private static TrainingOptions Options(QuantizationMethod method) => new()
    {
        Epochs = 3,
        BatchSize = 4,
        Seed = 3,
        Optimizer = method.NeedsPlainDescent ? new Sgd(0) : new Adam(),
        Rate = 0.01f,
        Augmentations = [new RandomShift(1)],
    };

    private static TrainingResult Run(Graph graph, TrainingOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken token = default)
        => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, Rows(), options, progress, token);

    private static MemoryBatchSource Rows() => SmallTraining.Noise(_image, 18, 3, 3);

    private static void Cancel(CancellationTokenSource source, bool now)
    {
        if (now)
        {
            source.Cancel();
        }
    }
}
