using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Numbers about quantized layers.</summary>
[TestClass]
public sealed class LevelReportTests
{
    [TestMethod]
    [DataRow(new float[] { 3, 4 }, 0.98995)]
    [DataRow(new float[] { 1, 0, 0, 0 }, 0.5)]
    [DataRow(new float[] { 0.2f, -0.2f, -0.2f }, 1)]
    public void Angles_of_signs_are_those_of_the_closed_form(float[] v, double cosine)
    {
        float[] signs = [.. v.Select(x => x >= 0 ? 1f : -1)];
        Assert.AreEqual(cosine, LevelReport.CosineOf(v, signs), 1e-5);
        Assert.AreEqual(cosine, LevelReport.CosineOf([.. v.Select(x => 7 * x)], signs), 1e-5);
    }

    [TestMethod]
    [DataRow("XNOR", 1, 0.798, 0, 0.637)]
    [DataRow("TWN", 2, 0.899, 0.424, 0.717)]
    public void Gaussian_weights_keep_their_known_angle(string method, int bits, double cosine, double zeros, double proportion)
    {
        LevelReport.Row row = LevelReport.Of(Quantized(method, bits, Gaussian(16 * 600))).Rows.Single();
        Assert.AreEqual(cosine, row.Cosine, 0.01);
        Assert.AreEqual(zeros, row.Zero, 0.02);
        Assert.AreEqual(0.5 - (zeros / 2), row.Positive, 0.02);
        Assert.AreEqual(proportion, row.Proportion, 0.04);
        Assert.AreEqual(0, row.Dead);
        Assert.AreEqual(cosine == 0.798 ? 4.40 : 7.18, row.SignalToNoise, 0.2);
    }

    [TestMethod]
    public void Dead_filters_and_changed_signs_are_counted()
    {
        float[] w = Gaussian(16 * 600);
        w.AsSpan(600, 600).Clear();
        w.AsSpan(1200, 600).Fill(0.3f);
        float[] turned = [.. w.Select((v, i) => i >= 9000 ? -v : v)];
        LevelReport report = LevelReport.Of(Quantized("XNOR", 1, turned), Quantized("XNOR", 1, w));
        Assert.AreEqual(2, report.Rows.Single().Dead);
        Assert.AreEqual(600 / 9600.0, report.Rows.Single().Flipped, 1e-9);
        StringAssert.Contains(report.ToString(), "| dense1.weight | XNOR 1 | 600 | 16 |");
        Assert.AreEqual("levels.dense1.weight", report.AddTo(new ModelMetadata()).Facts.Single().Key);
    }

    [TestMethod]
    public void Changed_codes_are_seen_in_the_first_of_many_planes()
    {
        // Ten runs of up to 64 input channels are ten planes; all signs of the first run turn.
        float[] w = Gaussian(16 * 600);
        float[] turned = [.. w.Select((v, i) => i % 600 < 64 ? -v : v)];
        var method = new TernaryResidual { Bits = 2, BlockChannels = 64 };
        double flipped = LevelReport.Of(Quantized(method, turned), Quantized(method, w)).Rows.Single().Flipped;
        Assert.IsTrue(flipped is > 0.04 and <= 64 / 600.0, $"{flipped}");
    }

    [TestMethod]
    public void Inputs_of_layers_are_looked_at_on_rows()
    {
        // Gaussian rows: r = 2/π, two thirds of a Gaussian inside [-1, 1], signs of one bit each.
        Graph graph = Quantized("XNOR", 1, Gaussian(16 * 600));
        var rows = new MemoryBatchSource(Shape.Of(600), [.. Gaussian(64 * 600).Reverse().Select(v => 10 * v)], new float[64]);
        LevelReport.Row row = LevelReport.Of(graph, values: ActivationSample.Of(graph, rows, 64, 1, KernelRegistry.Active, WorkerPool.Single, training: false)).Rows.Single();
        Assert.AreEqual(2 / Math.PI, row.RowProportion, 0.06);
        Assert.AreEqual(0.683, row.Window, 0.01);
        Assert.AreEqual(1, row.Entropy, 0.02);
        Assert.AreEqual(0, row.AtBound);
        Assert.IsTrue(double.IsNaN(LevelReport.Of(graph).Rows.Single().Window));
    }

    [TestMethod]
    public void Patches_are_what_a_convolution_reads()
    {
        Graph graph = InsertLearnedQuantizers.Run(BinaryNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 4), QuantizationAwareScheme.Of("XNOR", 1, "XNOR", 1), _ => RandomTensors.Floats(Shape.Of(4, 4), 1));
        var rows = new MemoryBatchSource(Shape.Of(1, 8, 8), RandomTensors.Floats(Shape.Of(8, 64), 2).Values<float>().ToArray(), new float[8]);
        LevelReport report = LevelReport.Of(graph, graph, ActivationSample.Of(graph, rows, 8, 1, KernelRegistry.Active, WorkerPool.Single, training: false));
        foreach (LevelReport.Row row in report.Rows.Where(r => r.Method == "XNOR 1"))
        {
            Assert.IsTrue(row is { RowProportion: > 0.2 and < 1, Entropy: >= 0 and <= 1, Window: >= 0 and <= 1, Flipped: 0 }, row.ToString());
        }

        // Eight-bit inputs and weights: nothing is lost but what lies beyond the range.
        Assert.AreEqual(1, report.Rows.First(r => r.Name == "conv1.weight").RowProportion, 0.02);
    }

    [TestMethod]
    public void Padding_of_signs_hides_no_inputs()
    {
        QuantizationAwareScheme scheme = QuantizationAwareScheme.Of("XNOR", 1, "XNOR", 1);
        var rows = new MemoryBatchSource(Shape.Of(1, 8, 8), RandomTensors.Floats(Shape.Of(8, 64), 2).Values<float>().ToArray(), new float[8]);
        LevelReport.Row Row(SignPadding padding)
        {
            Graph graph = InsertLearnedQuantizers.Run(BinaryNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 4), scheme with { Padding = padding }, _ => RandomTensors.Floats(Shape.Of(4, 4), 1));
            return LevelReport.Of(graph, values: ActivationSample.Of(graph, rows, 8, 1, KernelRegistry.Active, WorkerPool.Single, training: false)).Rows.Single(r => r.Name == "conv2.weight");
        }

        (LevelReport.Row zero, LevelReport.Row one) = (Row(SignPadding.Zero), Row(SignPadding.One));
        Assert.AreEqual(zero.Proportion, one.Proportion);
        Assert.AreEqual(zero.Window, one.Window);
        Assert.AreEqual(zero.Entropy, one.Entropy);
        Assert.IsTrue(one.RowProportion is > 0.2 and < 1 && one.RowProportion != zero.RowProportion, $"{zero} {one}");
    }

    [TestMethod]
    public void Levels_of_one_sign_are_different_codes()
    {
        // Two planes of ABC-Net have three levels: turning a small weight over changes its sign, raising it changes its level.
        float[] w = Gaussian(16 * 600);
        float[] raised = [.. w.Select((v, i) => i < 960 && v is > 0 and < 0.05f ? 0.3f : v)];
        int changed = w.Zip(raised).Count(p => p.First != p.Second);
        LevelReport.Row row = LevelReport.Of(Quantized("ABC-W", 2, raised), Quantized("ABC-W", 2, w)).Rows.Single();
        Assert.IsTrue(row.Flipped >= changed / 9600.0 && changed > 100, $"{row.Flipped} of {changed / 9600.0}");
    }

    [TestMethod]
    public void What_is_unsound_is_said()
    {
        float[] w = [.. Gaussian(16 * 600).Select((v, i) => i % 5 == 0 ? v : Math.Abs(v))];
        w.AsSpan(600, 600).Fill(0.3f);
        LevelReport.Row row = LevelReport.Of(Quantized("XNOR", 1, w)).Rows.Single();
        string[] alarms = [.. row.Alarms];
        Assert.AreEqual(2, alarms.Length, string.Join("; ", alarms));
        StringAssert.Contains(alarms[0], "of the signs are +1");
        StringAssert.Contains(alarms[1], "1 dead channels");
        Assert.AreEqual(0, LevelReport.Of(Quantized("XNOR", 1, Gaussian(16 * 600))).Rows.Single().Alarms.Count());
        CollectionAssert.AreEqual((string[])["few gradients pass the window", "codes still flip at the end: a smaller learning rate", "3 outputs are always the same"], (row with { Positive = 0.5, Dead = 0, Window = 0.1, FlippedByStep = 0.02, ConstantOutputs = 3 }).Alarms.ToArray());
        StringAssert.Contains(new LevelReport([row]).ToString(), alarms[0]);
    }

    private static Graph Quantized(string method, int bits, float[] weights) => Quantized(QuantizationMethods.Find(method).Default(bits), weights);

    private static Graph Quantized(QuantizationMethod method, float[] weights)
    {
        Graph graph = BinaryNetworks.Mlp(Shape.Of(600), [16], 2);
        graph = TrainableConstants.Replace(graph, new Dictionary<string, Tensor> { ["dense1.weight"] = Tensor.Create(Shape.Of(16, 600), weights) });
        var scheme = new QuantizationAwareScheme
        {
            Weights = method,
            Activations = new Bnn { Bits = 1 },
            EdgeLayers = EdgeLayers.SameBits,
            KeepFloat = ["scores"],
        };
        return InsertLearnedQuantizers.Run(graph, scheme, _ => RandomTensors.Floats(Shape.Of(4, 600), 1));
    }

    private static float[] Gaussian(int count)
    {
        var random = new CounterRandom(13);
        return [.. Enumerable.Range(0, count).Select(i => (Enumerable.Range(0, 12).Sum(j => random.Uniform((i * 12L) + j)) - 6) * 0.1f)];
    }
}
