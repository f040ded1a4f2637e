using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
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

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>The four parts of WAGE: worked numbers, updates on the lattice, and a network trained without one float of state in its weights.</summary>
[TestClass]
public sealed class WageTests
{
    [TestMethod]
    public void Grids_are_the_worked_ones()
    {
        Same([-0.5f, 0, 0.5f, 0.5f], Quantize(2, [-1, 0.2f, 0.6f, 0.75f]));
        Same([0.1015625f, -0.9921875f, 0.9921875f], Quantize(8, [0.1f, -0.999f, 1.5f]));

        // Ties of the ternary grid: both to 0.
        Same([0, 0, 0.5f, -0.5f], Quantize(2, [0.25f, -0.25f, 0.2578125f, -0.2578125f]));
    }

    [TestMethod]
    public void Shifts_are_the_nearest_powers_of_two()
    {
        float[] values = [0.7f, 0.71f, 1.41f, 1.42f, 3, 4, 0.013f];
        CollectionAssert.AreEqual((float[])[0.5f, 1, 1, 2, 4, 4, 0.015625f], values.Select(FixedPoint.Shift).ToArray());
        CollectionAssert.AreEqual((float[])[2, 16, 16, 32, 32, 16], new[] { 27, 1152, 2304, 4608, 8192, 1024 }.Select(new WageWeights { Bits = 2 }.Divisor).ToArray());
    }

    [TestMethod]
    public void Errors_keep_their_direction_only()
    {
        float[] e = [0.013f, -0.004f, 0.0001f, 0.02f];
        var method = new WageErrors { Bits = 8 };
        MethodCall call = Call(e);
        var dx = new float[4];
        method.Backward(call, method.Prepare(call), 0, e, dx, []);
        CollectionAssert.AreEqual((float[])[106, -33, 1, 127], dx.Select(v => v * 128).ToArray());
        float[] tiny = [.. e.Select(v => v / 1024)];
        var small = new float[4];
        method.Backward(Call(tiny), method.Prepare(Call(tiny)), 0, tiny, small, []);
        CollectionAssert.AreEqual(dx, small);
        method.Backward(Call(new float[4]), method.Prepare(Call(new float[4])), 0, new float[4], dx, []);
        CollectionAssert.AreEqual(new float[4], dx);
    }

    [TestMethod]
    public void Gradients_of_activations_end_behind_the_last_level()
    {
        var dx = new float[5];
        new WageActivations { Bits = 8 }.Backward(Call([-0.9921875f, -0.995f, 0, 0.9921875f, 1]), null, 0, [1, 1, 1, 1, 1], dx, []);
        CollectionAssert.AreEqual((float[])[1, 0, 1, 1, 0], dx);
    }

    [TestMethod]
    public void Updates_are_on_the_lattice_and_right_in_the_mean()
    {
        const int Count = 4000;
        float[] g = [0.6f, -0.25f, 0.01f, -0.9f];
        var method = new WageWeights { Bits = 2 };
        var sums = new double[4];
        for (int step = 0; step < Count; step++)
        {
            float[] before = [0.5f, -0.25f, 0, 0.125f];
            float[] after = [.. before.Zip(g, (w, d) => w - d)];
            method.AfterStep(Call(before) with { Context = new MethodContext(3, step, Count, 3) }, before, after);
            for (int i = 0; i < 4; i++)
            {
                double codes = (before[i] - after[i]) * 128.0;
                Assert.IsTrue(codes == Math.Floor(codes) && Math.Abs(codes) <= 1, $"{codes}");
                sums[i] += codes;
            }
        }

        for (int i = 0; i < 4; i++)
        {
            Assert.AreEqual(g[i], sums[i] / Count, 5 * Math.Sqrt(Math.Abs(g[i]) * (1 - Math.Abs(g[i])) / Count), $"{g[i]}");
        }

        float[] edge = [0.9921875f];
        float[] beyond = [2];
        method.AfterStep(Call(edge), edge, beyond);
        CollectionAssert.AreEqual(edge, beyond);
    }

    [TestMethod]
    public void The_rate_of_updates_falls_twice()
    {
        var method = new WageWeights { Bits = 2, UpdateRate = 8 };
        CollectionAssert.AreEqual((float[])[8, 8, 1, 0.125f], new long[] { 0, 199, 200, 250 }.Select(s => method.RateAt(new MethodContext(1, s, 1, 300))).ToArray());
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(method with { UpdateRate = 3 })).Code);
    }

    [TestMethod]
    public void A_network_of_integers_learns()
    {
        Shape input = Shape.Of(12);
        float[] x = [.. RandomTensors.Floats(Shape.Of(96, 12), 3).Values<float>().ToArray().Select((v, i) => Math.Clamp((0.2f * v) + (i % 12 / 4 == i / 12 % 3 ? 0.6f : -0.3f), -1, 1))];
        var rows = new MemoryBatchSource(input, x, [.. Enumerable.Range(0, 96).Select(i => (float)(i % 3))]);
        var scheme = new QuantizationAwareScheme
        {
            Weights = new WageWeights { Bits = 2 },
            Activations = new WageActivations { Bits = 8 },
            Gradients = new WageErrors { Bits = 8 },
            EdgeLayers = EdgeLayers.SameBits,
        };
        Graph start = InsertLearnedQuantizers.Run(SmallNetworks.Mlp(input, [32, 32], 3), scheme, _ => Tensor.Allocate(ElementType.Float32, Shape.Of(1, 12)));
        var options = new TrainingOptions { Epochs = 24, BatchSize = 16, Optimizer = new Sgd(0), Rate = 0.01f, Groups = [new ParameterGroup(".*bias", 0)] };
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(start, rows, options);
        Assert.IsTrue(result.History[^1].Accuracy > 0.9f, $"{result.History[^1].Accuracy}");
        foreach (Value weights in result.Graph.Values.Where(v => v.Name.EndsWith(".weight", StringComparison.Ordinal)))
        {
            Assert.IsTrue(weights.Constant!.Values<float>().ToArray().All(w => w * 128 == MathF.Floor(w * 128) && Math.Abs(w) < 1), weights.Name);
        }
    }

    [TestMethod]
    public void Errors_of_the_first_and_last_layer_are_quantized_like_the_others()
    {
        Shape input = Shape.Of(12);
        Graph graph = InsertLearnedQuantizers.Run(SmallNetworks.Mlp(input, [8, 8], 3), TrainingRecipes.Find("WAGE").Scheme(2, 8), _ => Tensor.Allocate(ElementType.Float32, Shape.Of(1, 12)));
        string[] layers = [.. graph.Nodes.OfType<LearnedQuantize>().Where(n => n.Site == QuantizerSites.Gradients).Select(n => graph[n.Inputs[0]].Name)];
        CollectionAssert.AreEquivalent((string[])["dense1", "dense2", "scores.untapped"], layers);
        graph = InsertLearnedQuantizers.Run(SmallNetworks.Mlp(input, [8, 8], 3), TrainingRecipes.Find("DoReFa").Scheme(4, 4) with { Gradients = new DoReFaGradients { Bits = 6 } }, _ => Tensor.Allocate(ElementType.Float32, Shape.Of(1, 12)));
        Assert.AreEqual(1, graph.Nodes.OfType<LearnedQuantize>().Count(n => n.Site == QuantizerSites.Gradients), "edges of their own kind have none");
    }

    [TestMethod]
    public void A_tap_behind_the_last_layer_leaves_the_name_of_the_output()
    {
        Shape input = Shape.Of(12);
        QuantizationAwareScheme scheme = TrainingRecipes.Find("WAGE").Scheme(2, 8);
        var rows = new MemoryBatchSource(input, RandomTensors.Floats(Shape.Of(8, 12), 3).Values<float>().ToArray(), [0, 1, 2, 0, 1, 2, 0, 1]);
        var trainer = SmallTraining.Trainer;
        QuantizationAwareResult result = trainer.Run(SmallNetworks.Mlp(input, [8], 3), rows, new QuantizationAwareOptions { Scheme = scheme, Training = TrainingDefaults.For(scheme) with { Epochs = 1 } });
        Assert.AreEqual("scores", string.Join(',', result.Quantized.Integer.Outputs.Select(o => result.Quantized.Integer[o].Name)));
        Assert.AreEqual("scores", string.Join(',', result.Hardened.Outputs.Select(o => result.Hardened[o].Name)));
    }

    private static MethodCall Call(float[] values) => new(Tensor.Create<float>(Shape.Of(values.Length, 1), values), [], new MethodContext(1, 0, 10, 3), QuantizerSites.Weights, 5, WorkerPool.Single);

    private static float[] Quantize(int bits, float[] x)
    {
        var y = new float[x.Length];
        FixedPoint.Quantize(x, FixedPoint.Step(bits), FixedPoint.Step(bits), FixedPoint.Top(bits), y);
        return y;
    }

    private static void Same(float[] expected, float[] found) => CollectionAssert.AreEqual(expected, found);
}
