using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>What the report says of networks that were trained: codes that change, soft levels, outputs that never change.</summary>
[TestClass]
public sealed class TrainedLevelsTests
{
    private const int Classes = 4;
    private const int Count = 48;

    private static readonly Shape _image = Shape.Of(1, 8, 8);

    [TestMethod]
    [DataRow("TWN", 2, 8)]
    [DataRow("TTQ", 2, 8)]
    [DataRow("IR-Net", 1, 1)]
    public void Folded_normalization_and_few_levels_go_together(string recipe, int weights, int activations)
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find(recipe).Scheme(weights, activations) with { Folding = new NormalizationFolding(0.5f) };
        QuantizationAwareResult result = Run(SmallNetworks.VggSmall(_image, Classes, 4), scheme);
        Assert.IsTrue(result.Training.Graph.Nodes.Any(n => n is FoldedWeights));
        LevelReport report = LevelReport.Of(result.Training.Graph);
        Assert.IsTrue(report.Rows.Where(r => r.Name is not "conv1.weight").All(r => r.Cosine is > 0.5 and < 1), report.ToString());
        Assert.IsTrue(result.Quantized.Document.Metadata.Facts.ContainsKey("levels.conv2.weight"));
    }

    [TestMethod]
    public void Flips_of_the_last_step_are_those_between_the_graphs_around_it()
    {
        // One epoch of one step: what the step changes is what differs from the start.
        QuantizationAwareScheme scheme = QuantizationAwareScheme.Of("BNN", 1, "BNN", 1) with { EdgeLayers = EdgeLayers.Float };
        QuantizationAwareResult result = Run(BinaryNetworks.Mlp(_image, [32, 32], Classes), scheme, new TrainingOptions { Epochs = 1, BatchSize = Count, Seed = 3, Rate = 1, Optimizer = new Adam() });
        var trainer = SmallTraining.Trainer;
        Graph start = trainer.Prepare(BinaryNetworks.Mlp(_image, [32, 32], Classes), Rows(), new QuantizationAwareOptions { Scheme = scheme, InitialRows = 8, Training = new TrainingOptions { Seed = 3 } });
        LevelReport.Row row = LevelReport.Of(result.Training.Graph, start).Rows.Single();
        Assert.AreEqual("dense2.weight", row.Name);
        Assert.AreEqual(1, result.Training.Flips.Count);
        Assert.AreEqual((float)row.Flipped, result.Training.Flips["dense2.weight"]);
        Assert.AreEqual((float)row.Flipped, result.Training.History[0].Flipped);
        Assert.IsTrue(row.Flipped is > 0 and < 1, row.ToString());
        StringAssert.Contains(result.Quantized.Document.Metadata.Facts["levels.dense2.weight"], "codes still flip");
    }

    [TestMethod]
    public void Networks_without_few_levels_count_no_flips()
    {
        QuantizationAwareResult result = Run(SmallNetworks.Mlp(_image, [16], Classes), TrainingRecipes.Find("LSQ").Scheme(4, 4));
        Assert.IsTrue(result.Training.Flips.IsEmpty);
        Assert.IsTrue(result.Training.History.All(h => float.IsNaN(h.Flipped)));
    }

    [TestMethod]
    public void Flips_outlive_a_checkpoint()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            TrainingOptions options = Options with { Epochs = 2, CheckpointPath = path };
            QuantizationAwareScheme scheme = TrainingRecipes.Find("XNOR").Scheme(1, 1);
            TrainingResult whole = Run(BinaryNetworks.VggSmall(_image, Classes, 4), scheme, Options with { Epochs = 2 }).Training;
            using var cancel = new CancellationTokenSource();
            var stop = new Stop(cancel, afterEpochs: 1);
            Assert.AreEqual(TrainingStop.Cancelled, Run(BinaryNetworks.VggSmall(_image, Classes, 4), scheme, options, stop, cancel.Token).Training.Stop);
            TrainingResult resumed = Run(BinaryNetworks.VggSmall(_image, Classes, 4), scheme, options).Training;
            CollectionAssert.AreEqual(whole.History.ToArray(), resumed.History.ToArray());
            CollectionAssert.AreEquivalent(whole.Flips.ToArray(), resumed.Flips.ToArray());

            // All epochs done: nothing is trained, everything is read.
            TrainingResult read = Run(BinaryNetworks.VggSmall(_image, Classes, 4), scheme, options).Training;
            CollectionAssert.AreEqual(whole.History.ToArray(), read.History.ToArray());
            CollectionAssert.AreEquivalent(whole.Flips.ToArray(), read.Flips.ToArray());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Soft_levels_are_compared_where_training_ends()
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("HashNet").Scheme(1, 1);
        QuantizationAwareResult result = Run(BinaryNetworks.Mlp(_image, [32, 32], Classes), scheme);
        double start = LevelReport.Of(result.Training.Graph).Rows.Single(r => r.Name == "dense2.weight").SoftGap;
        double end = LevelReport.Of(result.Training.Graph, end: new MethodContext(0, 999, 1000, 1)).Rows.Single(r => r.Name == "dense2.weight").SoftGap;
        Assert.IsTrue(start > 0.3 && end < 0.5 * start && end > 0, $"{start} to {end}");
        Assert.IsTrue(double.IsNaN(LevelReport.Of(Run(BinaryNetworks.Mlp(_image, [32, 32], Classes), TrainingRecipes.Find("BNN").Scheme(1, 1)).Training.Graph).Rows[0].SoftGap));
    }

    [TestMethod]
    public void A_run_broken_off_is_reported_at_the_sharpness_it_had_reached()
    {
        using var cancel = new CancellationTokenSource();
        Graph graph = BinaryNetworks.Mlp(_image, [32, 32], Classes);
        QuantizationAwareResult broken = Run(graph, TrainingRecipes.Find("HashNet").Scheme(1, 1), Options with { Epochs = 50 }, new Stop(cancel, 1), cancel.Token);
        Assert.AreEqual(TrainingStop.Cancelled, broken.Training.Stop);
        double early = LevelReport.Of(broken.Training.Graph).Rows.Single(r => r.Name == "dense2.weight").SoftGap;
        double planned = LevelReport.Of(broken.Training.Graph, end: new MethodContext(0, 999, 1000, 1)).Rows.Single(r => r.Name == "dense2.weight").SoftGap;
        double told = double.Parse(broken.Quantized.Document.Metadata.Facts["levels.dense2.weight"].Split("soft gap ")[1].Split(';')[0], CultureInfo.InvariantCulture);
        Assert.AreEqual(early, told, 0.1 * early);
        Assert.IsTrue(planned < 0.5 * told, $"{planned}, {told}");
    }

    [TestMethod]
    public void Outputs_that_thresholds_never_change_are_counted()
    {
        Graph graph = BinaryNetworks.Mlp(_image, [32, 32, 32], Classes);
        var scheme = TrainingRecipes.Find("BNN").Scheme(1, 1);
        QuantizationAwareResult result = Run(graph, scheme, Options with { Epochs = 1 });
        Assert.AreEqual(0, Constant(result.Training.Graph, scheme));

        // Scale 0 and shift 1 in three channels: their sign is + whatever the sum is; a shift far out of reach in a fourth.
        float[] scales = result.Training.Graph.ConstantOf(Find(result.Training.Graph, "dense2.bn.scale")).Values<float>().ToArray();
        float[] shifts = result.Training.Graph.ConstantOf(Find(result.Training.Graph, "dense2.bn.shift")).Values<float>().ToArray();
        (scales[0], scales[5], scales[6], shifts[0], shifts[5], shifts[6], shifts[9]) = (0, 0, 0, 1, -1, 1, -1e6f);
        Graph changed = TrainableConstants.Replace(result.Training.Graph, new Dictionary<string, Tensor>
        {
            ["dense2.bn.scale"] = Tensor.Create(Shape.Of(32), scales),
            ["dense2.bn.shift"] = Tensor.Create(Shape.Of(32), shifts),
        });
        Assert.AreEqual(4, Constant(changed, scheme));
    }

    [TestMethod]
    public void Stages_need_checkpoints_of_their_own_and_count_flips()
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("Bi-Real").Scheme(1, 1);
        var stage = new QuantizationAwareOptions { Scheme = scheme, InitialRows = 8, Training = Options with { Epochs = 1, CheckpointPath = Path.Combine(Path.GetTempPath(), "never-written.checkpoint") } };
        var trainer = SmallTraining.Trainer;
        Graph graph = BinaryNetworks.VggSmall(_image, Classes, 4);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => trainer.RunStages(graph, Rows(), [stage, stage]));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
        StringAssert.Contains(error.Message, "never-written.checkpoint");
        QuantizationAwareOptions plain = stage with { Training = Options with { Epochs = 1 } };
        string fact = trainer.RunStages(graph, Rows(), [plain, plain]).Last.Quantized.Document.Metadata.Facts["levels.conv2.weight"];
        Assert.IsFalse(fact.Contains("flipped -", StringComparison.Ordinal), fact);
    }

    private static TrainingOptions Options => new() { Epochs = 3, BatchSize = 16, Seed = 3, Optimizer = new Adam(), Rate = 0.01f };

    private static int? Constant(Graph trained, QuantizationAwareScheme scheme)
    {
        var trainer = SmallTraining.Trainer;
        var done = new TrainingResult(trained, TrainingStop.Finished, 0, [], null);
        QuantizationAwareResult result = trainer.Finish(done, Rows(), new QuantizationAwareOptions { Scheme = scheme, InitialRows = 8, Training = Options });
        return LevelReport.Of(trained).WithConstantOutputs(trained, result.Quantized).Rows.Single(r => r.Name == "dense2.weight").ConstantOutputs;
    }

    private static ValueId Find(Graph graph, string name) => graph.TryFind(name, out ValueId id) ? id : throw new InvalidOperationException(string.Join(", ", graph.Values.Where(v => v.IsTrainable).Select(v => v.Name)));

    private static QuantizationAwareResult Run(Graph graph, QuantizationAwareScheme scheme, TrainingOptions? training = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var trainer = SmallTraining.Trainer;
        return trainer.Run(graph, Rows(), new QuantizationAwareOptions { Scheme = scheme, InitialRows = 8, Training = training ?? Options }, progress, cancellationToken);
    }

    private static MemoryBatchSource Rows() => SmallTraining.Noise(_image, Count, Classes, 7);

    /// <summary>Cancels behind some epochs.</summary>
    private sealed class Stop(CancellationTokenSource cancel, int afterEpochs) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Finished?.Epoch == afterEpochs - 1)
            {
                cancel.Cancel();
            }
        }
    }
}
