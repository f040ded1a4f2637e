using System;
using System.Collections.Generic;
using System.Collections.Immutable;
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

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Stages: what the next takes over, bit for bit, and what begins anew.</summary>
[TestClass]
public sealed class StagedTrainingTests
{
    private static readonly Shape _input = Shape.Of(6);

    [TestMethod]
    public void The_second_of_two_stages_begins_with_the_weights_and_weight_quantizers_of_the_first()
    {
        ImmutableArray<QuantizationAwareOptions> stages = StagedTraining.TwoStage(Options("LSQ", 4));
        Assert.IsNull(stages[0].Scheme.Activations);
        StagedResult result = SmallTraining.Trainer.RunStages(Network(), Rows(), [stages[0], Held(stages[1])]);
        Dictionary<string, Tensor> first = Constants(result.Stages[0].Graph);
        Dictionary<string, Tensor> second = Constants(result.Stages[1].Graph);
        Assert.IsTrue(first.Keys.All(second.ContainsKey));
        Assert.IsTrue(second.Count > first.Count, "quantizers of activations came in");
        foreach ((string name, Tensor values) in first)
        {
            CollectionAssert.AreEqual(values.Bytes.ToArray(), second[name].Bytes.ToArray(), name);
        }
    }

    [TestMethod]
    public void A_lower_width_takes_over_weights_and_sets_its_steps_anew()
    {
        ImmutableArray<QuantizationAwareOptions> stages = StagedTraining.Progressive(Options("LSQ", 8), 6, 3);
        CollectionAssert.AreEqual((int[])[6, 3], stages.Select(s => s.Scheme.Weights!.Bits).ToArray());
        StagedResult result = SmallTraining.Trainer.RunStages(Network(), Rows(), [stages[0], Held(stages[1])]);
        Dictionary<string, Tensor> first = Constants(result.Stages[0].Graph);
        foreach ((string name, Tensor values) in Constants(result.Stages[1].Graph))
        {
            bool same = values.Bytes.Span.SequenceEqual(first[name].Bytes.Span);
            Assert.AreEqual(!name.EndsWith(".step", StringComparison.Ordinal), same, name);
        }

        Assert.IsTrue(result.Last.Training.Graph.Nodes.OfType<LearnedQuantize>().All(n => n.Method.Bits == 3));
        Assert.AreEqual(QuantizationErrorCode.InvalidBitWidth, Assert.ThrowsException<QuantizationException>(() => StagedTraining.Progressive(Options("LSQ", 8), 9)).Code);
    }

    [TestMethod]
    public void Stages_broken_off_go_on_to_the_same_bits()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            QuantizationAwareOptions options = Options("LSQ", 4);
            byte[] whole = SmallTraining.Bytes(SmallTraining.Trainer.RunStages(Network(), Rows(), StagedTraining.TwoStage(options)).Last.Training.Graph);
            ImmutableArray<QuantizationAwareOptions> kept = StagedTraining.TwoStage(options with { Training = options.Training with { CheckpointPath = path, CheckpointSteps = 1 } });
            using var cancel = new CancellationTokenSource();
            StagedResult part = SmallTraining.Trainer.RunStages(Network(), Rows(), kept, stage => new Canceller(cancel, stage == 1), cancel.Token);
            Assert.AreEqual(TrainingStop.Cancelled, part.Stages[1].Stop);
            CollectionAssert.AreEqual(whole, SmallTraining.Bytes(SmallTraining.Trainer.RunStages(Network(), Rows(), kept).Last.Training.Graph));
        }
        finally
        {
            File.Delete(path);
            File.Delete(path + ".weights");
        }
    }

    [TestMethod]
    public void Each_width_has_the_levels_that_the_method_has_there()
    {
        QuantizationMethod[] found = [.. StagedTraining.Progressive(Options("QN", 2), 4, 3, 2).Select(s => s.Scheme.Weights!)];
        CollectionAssert.AreEqual(found, new[] { 4, 3, 2 }.Select(b => (QuantizationMethod)QuantizationNetwork.Of(b)).ToArray());
        found = [.. StagedTraining.Progressive(Options("RQ-ST", 8), 8, 4).Select(s => s.Scheme.Activations!)];
        CollectionAssert.AreEqual(found, new[] { 8, 4 }.Select(b => (QuantizationMethod)RelaxedQuantization.Of(b, true)).ToArray());
        QuantizationAwareOptions own = Options("QN", 3);
        own = own with { Scheme = own.Scheme with { Weights = new QuantizationNetwork { Bits = 3, Levels = [-2, -1, 0, 1, 2] } } };
        Assert.AreEqual(own.Scheme.Weights! with { Bits = 4 }, StagedTraining.Progressive(own, 4)[0].Scheme.Weights, "levels given stay");
    }

    [TestMethod]
    public void No_stages_and_one_sided_schemes_are_refused()
    {
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => SmallTraining.Trainer.RunStages(Network(), Rows(), [])).Code);
        QuantizationAwareOptions oneSided = Options("LSQ", 4);
        oneSided = oneSided with { Scheme = oneSided.Scheme with { Activations = null } };
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => StagedTraining.TwoStage(oneSided)).Code);
    }

    [TestMethod]
    [DataRow("ReActNet")]
    [DataRow("BMXNet")]
    public void What_belongs_to_signs_of_activations_waits_for_the_second_stage(string recipe)
    {
        var options = new QuantizationAwareOptions { Scheme = TrainingRecipes.Find(recipe).Scheme(1, 1), InitialRows = 8, Training = new TrainingOptions { Epochs = 1, BatchSize = 8, Optimizer = new Adam() } };
        StagedResult result = SmallTraining.Trainer.RunStages(BinaryNetworks.Mlp(_input, [8, 8], 3), Rows(), StagedTraining.TwoStage(options));
        Assert.AreEqual(2, result.Stages.Length);
    }

    /// <summary>The same stage with every constant held.</summary>
    private static QuantizationAwareOptions Held(QuantizationAwareOptions options) => options with { Training = options.Training with { Epochs = 1, Groups = [new ParameterGroup(".*", 0)] } };

    private static QuantizationAwareOptions Options(string method, int bits) => new()
    {
        Scheme = QuantizationAwareScheme.Of(method, bits, method, bits) with { EdgeLayers = EdgeLayers.SameBits },
        Training = new TrainingOptions { Epochs = 3, BatchSize = 8, Rate = 0.02f },
    };

    private static Graph Network() => SmallNetworks.Mlp(_input, [10], 3);

    private static MemoryBatchSource Rows() => SmallTraining.Noise(_input, 32, 3, 3);

    private static Dictionary<string, Tensor> Constants(Graph graph) => graph.Values.Where(v => v.IsTrainable).ToDictionary(v => v.Name, v => v.Constant!);

    private sealed class Canceller(CancellationTokenSource source, bool isNow) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (isNow && value.Step == 7)
            {
                source.Cancel();
            }
        }
    }
}
