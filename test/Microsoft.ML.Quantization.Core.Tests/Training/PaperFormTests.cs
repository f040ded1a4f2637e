using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Which layers recipes quantize as their papers do, and what is refused or said before training.</summary>
[TestClass]
public sealed class PaperFormTests
{
    private const int Classes = 4;

    private static readonly Shape _image = Shape.Of(1, 8, 8);

    [TestMethod]
    [DataRow("BNN", 1, 1, EdgeLayers.SameBits, 8, false, SignPadding.Zero)]
    [DataRow("BinaryConnect", 1, 8, EdgeLayers.SameBits, 8, false, SignPadding.Zero)]
    [DataRow("BinaryConnect", 1, 32, EdgeLayers.SameBits, 0, false, SignPadding.Zero)]
    [DataRow("TWN", 2, 8, EdgeLayers.SameBits, 8, false, SignPadding.Zero)]
    [DataRow("LAB", 1, 8, EdgeLayers.SameBits, 8, false, SignPadding.Zero)]
    [DataRow("TTQ", 2, 8, EdgeLayers.EightBits, 0, false, SignPadding.Zero)]
    [DataRow("XNOR", 1, 1, EdgeLayers.EightBits, 0, true, SignPadding.Zero)]
    [DataRow("ReActNet", 1, 1, EdgeLayers.EightBits, 0, true, SignPadding.Zero)]
    [DataRow("BinaryDenseNet", 1, 1, EdgeLayers.EightBits, 0, true, SignPadding.Zero)]
    [DataRow("Group-Net", 1, 1, EdgeLayers.EightBits, 0, false, SignPadding.One)]
    public void Edges_and_padding_are_those_of_the_paper(string recipe, int weights, int activations, EdgeLayers edges, int inputBits, bool downsampling, SignPadding padding)
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find(recipe).Scheme(weights, activations);
        Assert.AreEqual((edges, inputBits, downsampling, padding), (scheme.EdgeLayers, scheme.InputBits, scheme.DownsamplingAsEdges, scheme.Padding));
    }

    [TestMethod]
    [DataRow("HORQ", 1, 2)]
    [DataRow("Tang", 1, 2)]
    [DataRow("TernaryResidual", 4, 8)]
    [DataRow("BNN", 1, 1)]
    public void Usual_widths_are_those_of_the_paper(string recipe, int weights, int activations) => Assert.AreEqual((weights, activations), TrainingRecipes.Find(recipe).UsualBits);

    [TestMethod]
    public void Shortcuts_and_transitions_are_found_by_what_stands_around_them()
    {
        (string Name, Graph Graph, int Count, string Part)[] cases =
        [
            ("signs, residual", BinaryNetworks.ResNet(8, _image, Classes, 8), 2, ".shortcut."),
            ("rectifiers, residual", SmallNetworks.ResNet(8, _image, Classes, 8), 2, ".shortcut."),
            ("dense", BinaryNetworks.DenseNet(_image, [2, 2], [2], 8, Classes), 1, ".reduce."),
            ("none", BinaryNetworks.VggSmall(_image, Classes, 4), 0, string.Empty),
        ];
        foreach ((string name, Graph graph, int count, string part) in cases)
        {
            string[] Binary(bool asEdges) => [.. InsertLearnedQuantizers.Run(graph, QuantizationAwareScheme.Of("BNN", 1, "BNN", 1) with { DownsamplingAsEdges = asEdges }, Sample).Nodes
                .OfType<LearnedQuantize>().Where(n => n.Site == QuantizerSites.Weights && n.Method is Bnn).Select(n => n.Name)];
            string[] found = [.. Binary(false).Except(Binary(true))];
            Assert.AreEqual(count, found.Length, $"{name}: {string.Join(", ", found)}");
            Assert.IsTrue(found.All(f => f.Contains(part, StringComparison.Ordinal)), $"{name}: {string.Join(", ", found)}");
        }
    }

    [TestMethod]
    [DataRow("conv2.bn")]
    [DataRow("conv2\\.bn|conv3\\.bn")]
    public void Patterns_that_match_no_layer_are_refused(string pattern)
    {
        Graph graph = BinaryNetworks.VggSmall(_image, Classes, 4);
        QuantizationAwareScheme scheme = QuantizationAwareScheme.Of("BNN", 1, "BNN", 1);
        foreach (QuantizationAwareScheme wrong in (QuantizationAwareScheme[])[scheme with { KeepFloat = [pattern] }, scheme with { TreatAsEdges = [pattern] }])
        {
            QuantizationException error = Assert.ThrowsException<QuantizationException>(() => InsertLearnedQuantizers.Run(graph, wrong, Sample));
            Assert.AreEqual(QuantizationErrorCode.UnknownLayer, error.Code);
            StringAssert.Contains(error.Message, "'conv2'");
        }
    }

    [TestMethod]
    public void Signs_of_values_that_are_never_negative_become_steps()
    {
        Graph graph = BinaryNetworks.VggSmall(_image, Classes, 4);
        QuantizationAwareScheme scheme = QuantizationAwareScheme.Of("BNN", 1, "BNN", 1) with { EdgeLayers = EdgeLayers.SameBits };
        bool IsSigned(Func<string, Tensor> sample) => ((Bnn)InsertLearnedQuantizers.Run(graph, scheme, sample).Nodes.OfType<LearnedQuantize>().First(n => n.Site == QuantizerSites.Activations).Method).Signed;
        Assert.IsTrue(IsSigned(Sample));
        Assert.IsFalse(IsSigned(_ => Tensor.Create(Shape.Of(2, 2), [0, 0.5f, 1, 0.25f])));
        Assert.IsTrue(IsSigned(_ => Tensor.Create(Shape.Of(2, 2), [0, 0.5f, 1, -1e-6f])));
    }

    [TestMethod]
    public void Weights_that_are_no_numbers_are_refused_before_training()
    {
        Graph graph = BinaryNetworks.VggSmall(_image, Classes, 4);
        float[] weights = graph.Values.Single(v => v.Name == "conv2.weight").Constant!.Values<float>().ToArray();
        weights[7] = float.PositiveInfinity;
        Graph broken = TrainableConstants.Replace(graph, new Dictionary<string, Tensor> { ["conv2.weight"] = Tensor.Create(graph.Values.Single(v => v.Name == "conv2.weight").Type.Shape, weights) });
        foreach (Action run in (Action[])[() => Run(broken, "BNN", Options), () => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(broken, Rows(16), Options)])
        {
            QuantizationException error = Assert.ThrowsException<QuantizationException>(run);
            Assert.AreEqual(QuantizationErrorCode.NonFiniteWeight, error.Code);
            StringAssert.Contains(error.Message, "conv2.weight");
            StringAssert.Contains(error.Message, "index 7");
        }
    }

    [TestMethod]
    public void Normalization_over_one_value_is_refused()
    {
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Run(BinaryNetworks.Mlp(_image, [8], Classes), "BNN", Options with { BatchSize = 1 }));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
        StringAssert.Contains(error.Message, "dense1.bn");

        // Where each channel has many pixels, one row is enough.
        Assert.AreEqual(TrainingStop.Finished, Run(SmallNetworks.ResNet(8, _image, Classes, 4), "LSQ", Options with { BatchSize = 1 }, 4).Training.Stop);
    }

    [TestMethod]
    public void What_a_method_asks_of_the_run_is_said_where_it_is_missing()
    {
        Assert.IsTrue(Run(BinaryNetworks.Mlp(_image, [8, 8], Classes), "LAB", Options with { Optimizer = new Sgd() }).Quantized.Notes.Any(n => n.Contains("LAB expects the steps of Adam", StringComparison.Ordinal)));
        Assert.IsTrue(Run(BinaryNetworks.Mlp(_image, [8, 8], Classes), "HashNet", Options).Quantized.Notes.Any(n => n.Contains("ReestimationBatches", StringComparison.Ordinal)));
        Assert.IsTrue(Run(BinaryNetworks.Mlp(_image, [8, 8], Classes, BinaryActivation.PRelu), "Tang", Options).Quantized.Notes.Any(n => n.Contains("ReestimationBatches", StringComparison.Ordinal)));
        Assert.IsFalse(Run(BinaryNetworks.Mlp(_image, [8, 8], Classes), "BNN", Options).Quantized.Notes.Any(n => n.Contains("expects", StringComparison.Ordinal) || n.Contains("Reestimation", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Loss_aware_weights_ask_for_second_moments()
    {
        Graph graph = BinaryNetworks.Mlp(_image, [8, 8], Classes);
        bool IsWarned(string recipe, Optimizer optimizer) => Run(graph, recipe, Options with { Optimizer = optimizer }).Quantized.Notes.Any(n => n.Contains("expects the steps of Adam", StringComparison.Ordinal));
        Assert.IsTrue(IsWarned("LAB", new AdaMax()));
        Assert.IsTrue(IsWarned("LAT", new ShiftAdaMax()));
        Assert.IsFalse(IsWarned("LAB", new Adam()));
        Assert.IsFalse(IsWarned("BNN", new ShiftAdaMax()));
        Assert.IsTrue(TrainingDefaults.For(TrainingRecipes.Find("ADMM").Scheme(1, 32)).ReestimationBatches > 0);
    }

    [TestMethod]
    public void Pixels_of_8_bits_are_not_shifted()
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("BNN").Scheme(1, 1) with { HasShifts = true };
        Graph prepared = SmallTraining.Trainer.Prepare(BinaryNetworks.Mlp(_image, [8, 8], Classes), Rows(16), new QuantizationAwareOptions { Scheme = scheme, InitialRows = 8 });
        var walk = new PassWalk(prepared);
        LearnedQuantize[] first = [.. prepared.Nodes.OfType<LearnedQuantize>().Where(n => walk.IsInput(n.Inputs[0]))];
        Assert.IsTrue(first is [{ Method: Affine { Bits: 8 } }], string.Join(", ", first.Select(n => n.Name)));
        Assert.AreEqual(2, prepared.Nodes.Count(n => n is Binary { Operator: BinaryOperator.Subtract }));
    }

    [TestMethod]
    public void A_quantizer_behind_a_tap_and_a_pool_is_exported()
    {
        foreach (string activations in (string[])["PACT", "HWGQ"])
        {
            QuantizationAwareScheme scheme = QuantizationAwareScheme.Of("DoReFa-W", 2, activations, 2) with { Gradients = new DoReFaGradients { Bits = 8 } };
            var options = new QuantizationAwareOptions { Scheme = scheme, InitialRows = 8, Training = Options };
            QuantizationAwareResult result = SmallTraining.Trainer.Run(SmallNetworks.LeNet5(Shape.Of(1, 12, 12), Classes), SmallTraining.Quarters(Shape.Of(1, 12, 12), 16), options);
            Assert.IsTrue(result.Quantized.Layers.All(l => l.IsInteger), string.Join("; ", result.Quantized.Layers.Select(l => $"{l.Name}: {l.Reason}")));
        }
    }

    [TestMethod]
    public void Parameters_begin_with_what_stands_behind_a_pool_without_its_rectifier()
    {
        // Pixels -3 and 1, one layer of weight 1 in front of rectifier and pool: mean sizes without the rectifier are those of the largest of four raw pixels.
        var layers = new LayerBuilder(1);
        ValueId x = layers.Pool("pool", layers.Relu("relu", layers.Convolution("conv1", layers.Input(_image), 1, 1, 1, hasBias: false)));
        x = layers.Pool("pool2", layers.Relu("relu2", layers.Convolution("conv2", x, 2, 3, 1, hasBias: false)));
        Graph graph = layers.Build(layers.Dense("scores", layers.Flatten("flatten", x), Classes));
        graph = TrainableConstants.Replace(graph, new Dictionary<string, Tensor> { ["conv1.weight"] = Tensor.Create<float>(Shape.Of(1, 1, 1, 1), [1]) });
        var rows = new MemoryBatchSource(_image, [.. Enumerable.Range(0, 16 * 64).Select(i => i / 64 % 2 == 0 ? -3f : 1f)], new float[16]);
        QuantizationAwareScheme scheme = QuantizationAwareScheme.Of("BWN", 1, "HORQ-A", 1) with { EdgeLayers = EdgeLayers.Float };
        Graph prepared = SmallTraining.Trainer.Prepare(graph, rows, new QuantizationAwareOptions { Scheme = scheme, InitialRows = 16 });
        LearnedQuantize quantizer = prepared.Nodes.OfType<LearnedQuantize>().Single(n => n.Site == QuantizerSites.Activations);
        Assert.AreEqual(2f, prepared.ConstantOf(quantizer.Inputs[1]).Values<float>()[0], 1e-5f);
    }

    [TestMethod]
    public void Options_of_a_scheme_that_change_nothing_are_said_to()
    {
        Graph graph = BinaryNetworks.Mlp(_image, [8, 8], Classes, activation: BinaryActivation.Rectifier);
        QuantizationAwareScheme plain = TrainingRecipes.Find("LSQ").Scheme(4, 4) with { EdgeLayers = EdgeLayers.SameBits };
        Assert.AreEqual(0, Notes(plain).Length);
        StringAssert.Contains(Notes(plain with { TreatAsEdges = ["dense2"] }).Single(), "TreatAsEdges");
        StringAssert.Contains(Notes(plain with { DownsamplingAsEdges = true }).Single(), "DownsamplingAsEdges");
        StringAssert.Contains(Notes(plain with { Padding = SignPadding.One }).Single(), "Padding");
        Assert.IsTrue(Notes(plain with { Activations = null, InputBits = 8 }).Any(n => n.Contains("InputBits", StringComparison.Ordinal)));
        Assert.AreEqual(0, Notes(plain with { EdgeLayers = EdgeLayers.EightBits, TreatAsEdges = ["dense2"], InputBits = 8 }).Length);

        string[] Notes(QuantizationAwareScheme scheme)
            => [.. SmallTraining.Trainer.Run(graph, Rows(16), new QuantizationAwareOptions { Scheme = scheme, InitialRows = 8, Training = Options }).Quantized.Notes.Where(n => n.Contains("nothing", StringComparison.Ordinal))];
    }

    [TestMethod]
    public void Quantized_gradients_alone_are_refused_before_training()
    {
        var scheme = new QuantizationAwareScheme { Gradients = new DoReFaGradients { Bits = 8 }, EdgeLayers = EdgeLayers.Float };
        var progress = new DirectProgress<TrainingProgress>(_ => Assert.Fail("trained"));
        QuantizationException error = Assert.ThrowsException<QuantizationException>(
            () => SmallTraining.Trainer.Run(SmallNetworks.Mlp(_image, [8, 8], Classes), Rows(16), new QuantizationAwareOptions { Scheme = scheme, InitialRows = 8, Training = Options }, progress));
        Assert.AreEqual(QuantizationErrorCode.NothingToQuantize, error.Code);
        StringAssert.Contains(error.Message, "gradients alone");
    }

    [TestMethod]
    public void Layers_of_8_bits_stand_in_the_card()
    {
        Graph graph = BinaryNetworks.ResNet(8, _image, Classes, 4);
        CollectionAssert.AreEquivalent(
            (string[])["conv1", "scores", "stage2.conv1.shortcut", "stage3.conv1.shortcut"], Run(graph, "Bi-Real", Options).Quantized.Document.Metadata.EightBitLayers.ToArray());
        CollectionAssert.AreEquivalent((string[])["conv1", "scores"], Run(graph, "HORQ", Options).Quantized.Document.Metadata.EightBitLayers.ToArray());
        Assert.AreEqual(0, Run(graph, "Affine", Options, 8).Quantized.Document.Metadata.EightBitLayers.Length);
    }

    [TestMethod]
    public void Impossible_schedules_and_places_of_checkpoints_are_refused_at_the_start()
    {
        TrainingOptions[] wrong =
        [
            Options with { Schedule = new StepSchedule([1], double.NaN) },
            Options with { Schedule = new StepSchedule([1], -1) },
            Options with { Schedule = new StepSchedule(default) },
            Options with { Schedule = new LinearSchedule(double.NaN) },
            Options with { Schedule = new CosineSchedule(-0.5) },
            Options with { Schedule = new ConstantSchedule { WarmUpSteps = -1 } },
            Options with { CheckpointPath = string.Empty },
        ];
        foreach (TrainingOptions options in wrong)
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => Fails(options)).Code, options.ToString());
        }

        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Fails(Options with { CheckpointPath = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName(), "run.checkpoint") }));
        Assert.AreEqual(QuantizationErrorCode.WriteFailed, error.Code);
        StringAssert.Contains(error.Message, "folder");

        static void Fails(TrainingOptions options)
            => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(_image, [8], Classes), Rows(16), options, new DirectProgress<TrainingProgress>(_ => Assert.Fail("trained")));
    }

    [TestMethod]
    public void Another_set_of_rows_does_not_take_a_checkpoint()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            TrainingOptions options = Options with { CheckpointPath = path };
            Graph graph = SmallNetworks.Mlp(_image, [8], Classes);
            var trainer = new Trainer(KernelRegistry.Active, WorkerPool.Single);
            trainer.Run(graph, Rows(16), options);
            trainer.Run(graph, Rows(16), options);
            QuantizationException error = Assert.ThrowsException<QuantizationException>(() => trainer.Run(graph, Rows(16, seed: 8), options));
            Assert.AreEqual(QuantizationErrorCode.FingerprintMismatch, error.Code);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static TrainingOptions Options => new() { Epochs = 1, BatchSize = 8, Seed = 3, Optimizer = new Adam(), Rate = 0.01f };

    private static Tensor Sample(string name) => RandomTensors.Floats(Shape.Of(4, 4), 1);

    private static QuantizationAwareResult Run(Graph graph, string recipe, TrainingOptions training, int bits = 0)
    {
        TrainingRecipe found = TrainingRecipes.Find(recipe);
        (int weights, int activations) = bits > 0 ? (bits, bits) : found.UsualBits;
        var trainer = SmallTraining.Trainer;
        return trainer.Run(graph, Rows(16), new QuantizationAwareOptions { Scheme = found.Scheme(weights, activations), InitialRows = 8, Training = training });
    }

    private static MemoryBatchSource Rows(int count, ulong seed = 7) => SmallTraining.Noise(_image, count, Classes, seed);
}
