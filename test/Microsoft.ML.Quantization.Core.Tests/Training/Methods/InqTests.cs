using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Incremental quantization: worked levels, the order of freezing, and weights that never move again.</summary>
[TestClass]
public sealed class InqTests
{
    private static readonly float[] _weights = [0.9f, -0.42f, 0.05f, 0, -0.11f, 0.35f, 0.8f, -0.03f];

    [TestMethod]
    [DataRow(2, new[] { 1f, 0, 0, 0, 0, 0, 1, 0 })]
    [DataRow(3, new[] { 1f, -0.5f, 0, 0, 0, 0.5f, 1, 0 })]
    [DataRow(4, new[] { 1f, -0.5f, 0, 0, -0.125f, 0.25f, 1, 0 })]
    [DataRow(5, new[] { 1f, -0.5f, 0.0625f, 0, -0.125f, 0.25f, 1, -0.03125f })]
    public void Levels_are_the_worked_ones_and_rounding_again_changes_nothing(int bits, float[] expected)
    {
        MethodCall call = Call(bits, _weights);
        float[] hard = Hard(bits, call);
        CollectionAssert.AreEqual(expected, hard);
        CollectionAssert.AreEqual(expected, Hard(bits, call with { X = Tensor.Create<float>(Shape.Of(8, 1), expected) }));
    }

    [TestMethod]
    [DataRow(3)]
    [DataRow(5)]
    public void Channels_may_have_their_own_levels(int bits)
    {
        var method = new Inq { Bits = bits, PerChannel = true };
        Tensor x = Tensor.Create<float>(Shape.Of(2, 4), [0.9f, -0.42f, 0.05f, 0, -0.11f, 0.035f, 0.08f, -0.003f]);
        Tensor[] parameters = [Tensor.Allocate(ElementType.Float32, Shape.Of(2)), Tensor.Allocate(ElementType.Float32, x.Shape)];
        method.Initialize(x, parameters);
        CollectionAssert.AreEqual((float[])[1, 0.125f], parameters[0].Values<float>().ToArray());
        var call = new MethodCall(x, parameters, MethodContext.Evaluation, QuantizerSites.Weights, 1, WorkerPool.Single);
        Tensor hard = Tensor.Allocate(ElementType.Float32, x.Shape);
        MethodShares.Forward(method, call, null, hard, training: false);
        float[] expected = bits == 3 ? [1, -0.5f, 0, 0, -0.125f, 0.0625f, 0.0625f, 0] : [1, -0.5f, 0.0625f, 0, -0.125f, 0.03125f, 0.0625f, -0.00390625f];
        CollectionAssert.AreEqual(expected, hard.Values<float>().ToArray());
        float[] decoded = new float[8];
        foreach (WeightPlane plane in ((HardForm.Weights)method.Export(call)).Planes)
        {
            decoded = [.. plane.Quantizer.Decode(plane.Codes).Values<float>().ToArray().Select((v, i) => decoded[i] + v)];
        }

        CollectionAssert.AreEqual(expected, decoded);
        Assert.AreEqual(method, QuantizationMethods.Create("INQ", method.Settings));
        Assert.AreEqual(method, TrainingRecipes.Find("INQ").Scheme(bits, 4).Weights, "the recipe has them");
    }

    [TestMethod]
    [DataRow(2, 0.25f)]
    [DataRow(3, 0.5f)]
    [DataRow(4, 1f)]
    public void The_largest_power_may_be_that_of_least_error(int bits, float expected)
    {
        // One weight that is three times as large as the others, of which the paper's power leaves nothing at 2 bits.
        float[] w = [1, .. Enumerable.Repeat(0.3f, 6), .. Enumerable.Repeat(-0.27f, 7), 0.02f, 0];
        var method = new Inq { Bits = bits, LeastError = true };
        var probe = new MethodProbe(method, QuantizerSites.Weights, w);
        Assert.AreEqual(expected, probe.Call.Parameter(0)[0]);
        double Error(Inq m) => new MethodProbe(m, QuantizerSites.Weights, w).Hard().Zip(w, (a, b) => ((double)a - b) * (a - b)).Sum();
        Assert.IsTrue(Error(method) <= Error(method with { LeastError = false }));
        Assert.AreEqual(1, new MethodProbe(method with { LeastError = false }, QuantizerSites.Weights, w).Call.Parameter(0)[0], "as the paper has it");
        Assert.AreEqual(method, QuantizationMethods.Create("INQ", method.Settings));
        Assert.AreEqual(0, new MethodProbe(method, QuantizerSites.Weights, new float[4]).Call.Parameter(0)[0]);
        Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("INQ", method.Settings.Add(1)));
    }

    [TestMethod]
    [DataRow(0.7499f, 0.5f)]
    [DataRow(0.75f, 1f)]
    [DataRow(1.4999f, 1f)]
    [DataRow(1.5f, 2f)]
    public void The_largest_power_changes_at_three_halves(float size, float expected) => Assert.AreEqual(expected, Call(3, [size, 0, -size / 3]).Parameter(0)[0]);

    [TestMethod]
    public void A_weight_beyond_the_levels_becomes_the_largest_not_zero()
    {
        MethodCall call = Call(4, _weights);
        CollectionAssert.AreEqual((float[])[1, -1], Hard(4, call with { X = Tensor.Create<float>(Shape.Of(2, 1), [2f, -7.5f]) }));
        CollectionAssert.AreEqual((float[])[0, 0], Hard(4, Call(4, [0, 0])));
    }

    [TestMethod]
    public void The_largest_freeze_first_and_then_stay()
    {
        var method = new Inq { Bits = 5 };
        MethodCall call = Call(5, _weights);
        var context = new MethodContext(1, 0, 10, 4);
        float[] weights = [.. _weights];
        method.AfterStep(call with { Context = context }, _weights, weights);
        CollectionAssert.AreEqual((int[])[0, 1, 5, 6], Frozen(call));
        CollectionAssert.AreEqual((float[])[1, -0.5f, 0.05f, 0, -0.11f, 0.25f, 1, -0.03f], weights);
        float[] moved = [.. weights.Select(w => w - 0.2f)];
        method.AfterStep(call with { Context = context with { Step = 12 } }, weights, moved);
        CollectionAssert.AreEqual((float[])[1, -0.5f, 1, 1], new[] { moved[0], moved[1], 4 * moved[5], moved[6] });
        CollectionAssert.AreEqual((int[])[0, 1, 4, 5, 6, 7], Frozen(call), "−0.31 and −0.23 are the largest left");
        method.AfterStep(call with { Context = context with { Step = 39 } }, moved, moved);
        Assert.AreEqual(8, Frozen(call).Length);
    }

    [TestMethod]
    public void Trained_with_momentum_and_decay_all_weights_end_as_levels()
    {
        Shape input = Shape.Of(6);
        Graph start = InsertLearnedQuantizers.Run(
            SmallNetworks.Mlp(input, [10], 3),
            new QuantizationAwareScheme { Weights = new Inq { Bits = 3 }, EdgeLayers = Quantizers.EdgeLayers.SameBits },
            _ => throw new InvalidOperationException("no activations are quantized"));
        var rows = new MemoryBatchSource(input, RandomTensors.Floats(Shape.Of(32, 6), 3).Values<float>().ToArray(), [.. Enumerable.Range(0, 32).Select(i => (float)(i % 3))]);
        var options = new TrainingOptions { Epochs = 16, BatchSize = 8, Decay = 0.01f, Optimizer = new Sgd(0.9f), Schedule = new LinearSchedule { Restarts = 8 } };
        Graph graph = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(start, rows, options).Graph;
        foreach (string name in (string[])["dense1.weight", "scores.weight"])
        {
            graph.TryFind(name, out ValueId weights);
            graph.TryFind(name + ".quantized.largest", out ValueId largest);
            float top = graph.ConstantOf(largest).Values<float>()[0];
            graph.TryFind(name + ".quantized.frozen", out ValueId frozen);
            Assert.AreEqual(-1, graph.ConstantOf(frozen).Values<float>().IndexOf(0), name);
            CollectionAssert.IsSubsetOf(graph.ConstantOf(weights).Values<float>().ToArray().Distinct().ToArray(), (float[])[0, top, -top, top / 2, -top / 2], name);
        }
    }

    [TestMethod]
    public void Five_bits_are_a_plane_of_eight_bits_and_a_ternary_one()
    {
        var form = (HardForm.Weights)new Inq { Bits = 5 }.Export(Call(5, _weights));
        Assert.AreEqual(2, form.Planes.Length);
        CollectionAssert.AreEqual((sbyte[])[64, -64, 8, 0, -16, 32, 64, -4], form.Planes[0].Codes.Values<sbyte>().ToArray());
        CollectionAssert.AreEqual((sbyte[])[1, 0, 0, 0, 0, 0, 1, 0], form.Planes[1].Codes.Values<sbyte>().ToArray());
        CollectionAssert.AreEqual((float[])[1 / 128f, 0.5f], form.Planes.Select(p => p.Quantizer.Scales[0]).ToArray());
    }

    [TestMethod]
    public void Gradients_pass_where_weights_are_free()
    {
        MethodCall call = Call(3, _weights);
        call.Parameters[1].Writable<float>()[2] = 1;
        var dx = new float[8];
        new Inq { Bits = 3 }.Backward(call, null, 0, [1, 2, 3, 4, 5, 6, 7, 8], dx, []);
        CollectionAssert.AreEqual((float[])[1, 2, 0, 4, 5, 6, 7, 8], dx);
    }

    private static int[] Frozen(MethodCall call) => [.. call.Parameter(1).ToArray().Select((f, i) => (f, i)).Where(p => p.f != 0).Select(p => p.i)];

    private static MethodCall Call(int bits, float[] weights)
    {
        Tensor x = Tensor.Create<float>(Shape.Of(weights.Length, 1), weights);
        Tensor[] parameters = [Tensor.Allocate(ElementType.Float32, Shape.Of(1)), Tensor.Allocate(ElementType.Float32, x.Shape)];
        new Inq { Bits = bits }.Initialize(x, parameters);
        return new MethodCall(x, parameters, MethodContext.Evaluation, QuantizerSites.Weights, 1, WorkerPool.Single);
    }

    private static float[] Hard(int bits, MethodCall call)
    {
        var y = new float[call.Values.Length];
        new Inq { Bits = bits }.Harden(call, null, 0, y);
        return y;
    }
}
