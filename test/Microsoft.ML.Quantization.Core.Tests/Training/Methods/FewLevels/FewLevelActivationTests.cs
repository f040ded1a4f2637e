using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Activations of few levels: signs, TBN, HORQ, ABC-Net, target propagation.</summary>
[TestClass]
public sealed class FewLevelActivationTests
{
    private static readonly float[] _x = [-1.5f, -1, -0.5f, 0, 0.3f, 1, 1.0001f];

    [TestMethod]
    [DataRow("BNN", new float[] { 0, 1, 1, 1, 1, 1, 0 })]
    [DataRow("XNOR", new float[] { 0, 1, 1, 1, 1, 1, 0 })]
    [DataRow("Bi-Real", new float[] { 0, 0, 1, 2, 1.4f, 0, 0 })]
    public void Signs_have_the_slopes_of_their_papers(string name, float[] slopes)
    {
        var use = new Use(QuantizationMethods.Find(name).Default(1), _x, site: QuantizerSites.Activations);
        CollectionAssert.AreEqual((float[])[-1, -1, -1, 1, 1, 1, 1], use.Hard());
        Use.Near(slopes, use.Back(1, 1, 1, 1, 1, 1, 1).Dx);
    }

    [TestMethod]
    public void The_sign_of_both_zeros_is_plus_one()
        => CollectionAssert.AreEqual((float[])[1, 1, -1], new Use(new Bnn { Bits = 1 }, [0, -0.0f, -float.Epsilon], site: QuantizerSites.Activations).Hard());

    [TestMethod]
    public void A_wider_window_is_that_of_dense_networks()
    {
        var use = new Use(new Bnn { Bits = 1, Slope = Estimator.Clip(1.3f) }, [-1.5f, -1.3f, -1.0001f, 0, 1.29f, 1.31f], site: QuantizerSites.Activations);
        Use.Near([0, 1, 1, 1, 1, 0], use.Back(1, 1, 1, 1, 1, 1).Dx);
        CollectionAssert.AreEqual((float[])[1.3f, -1.3f], new Use(new Bnn { Bits = 1, StretchSteps = false, Slope = Estimator.Clip(1.3f) }, [0, 0]).After(2, -2));
    }

    [TestMethod]
    public void Activations_that_are_never_negative_become_zero_or_one()
    {
        QuantizationMethod method = new Bnn { Bits = 1 }.For(signed: false);
        var use = new Use(method, [0, 0.25f, 0.75f, 1, 1.5f], site: QuantizerSites.Activations);
        CollectionAssert.AreEqual((float[])[0, 0, 1, 1, 1], use.Hard());
        Use.Near([1, 1, 1, 1, 0], use.Back(1, 1, 1, 1, 1).Dx);
        Use.Near([0, 1, 1, 0, 0], new Use(new BiReal { Bits = 1, Signed = false }, [0, 0.25f, 0.75f, 1, 1.5f], site: QuantizerSites.Activations).Back(1, 1, 1, 1, 1).Dx);
    }

    [TestMethod]
    public void Tbn_has_three_levels_around_its_moving_threshold()
    {
        float[] x = [0.9f, -0.3f, 0.05f, -1.4f, 0.2f, 0.45f];
        var use = new Use(new Tbn { Bits = 2, Triangles = false }, x, site: QuantizerSites.Activations);
        Use.Near([0.22f], use.Call.Parameter(0).ToArray());
        Use.Near([0.44f, -0.44f, 0, -0.44f, 0, 0.44f], use.Hard());
        Use.Near([0.44f, 0.44f, 0.44f, 0, 0.44f, 0.44f], use.Back(1, 1, 1, 1, 1, 1).Dx);
        use.With(0, 1);
        Use.Near([1 + (0.01f * (0.22f - 1))], use.Method.Measure(use.Call, null)![0]!);
        Use two = new Use(new Tbn { Bits = 2 }, [0, 0.25f, -0.5f, 0.75f, 1], site: QuantizerSites.Activations).With(0, 0.5f);
        Use.Near([0, 1, 2, 1, 0], two.Back(1, 1, 1, 1, 1).Dx);
    }

    [TestMethod]
    [DataRow(0.4f, 0.25f)]
    [DataRow(0.5f, 0.31f)]
    public void Tbn_sets_a_quarter_to_a_third_of_gaussian_values_to_zero(float share, float zeros)
    {
        float[] x = Gaussian(20000);
        Assert.AreEqual(zeros, new Use(new Tbn { Bits = 2, Share = share }, x, site: QuantizerSites.Activations).Hard().Count(v => v == 0) / 20000f, 0.01f);
    }

    [TestMethod]
    public void Horq_binarizes_residuals()
    {
        float[] x = [0.9f, -0.3f, 0.5f, -1.1f];
        Use.Near([0.7f, 0.3f, 0.1f], Horq.Orders(x, 3));
        Use.Near([0.7f, -0.7f, 0.7f, -0.7f], new Use(new Horq { Bits = 1 }, x, site: QuantizerSites.Activations).Hard());
        Use.Near([1, -0.4f, 0.4f, -1], new Use(new Horq { Bits = 2 }, x, site: QuantizerSites.Activations).Hard());
        Use.Near(x, new Use(new Horq { Bits = 3 }, x, site: QuantizerSites.Activations).Hard());
        Use.Near([1, 1, 1, 0], new Use(new Horq { Bits = 2 }, x, site: QuantizerSites.Activations).Back(1, 1, 1, 1).Dx);
    }

    /// <summary>By hand: β = (0.8, 0.5); 0.9, −0.3 and 1.2 leave 0.1, 0.5, 0.4 (all inside), 2 leaves 1.2, 1.8 leaves 1 (the border is inside).</summary>
    [TestMethod]
    public void Horq_of_three_orders_has_levels_that_are_sums_of_its_scales()
    {
        float[] x = [.. Enumerable.Range(-40, 81).Select(i => i / 20f)];
        float[] found = new Use(new Horq { Bits = 3, LearnsScales = true }, x, site: QuantizerSites.Activations).With(0, 1, 0.1f, 0.5f).Hard();

        // The third scale is bounded by the second: 0.1.
        float[] sums = [.. from a in new[] { -1f, 1 } from b in new[] { -0.1f, 0.1f } from c in new[] { -0.1f, 0.1f } select a + b + c];
        Assert.IsTrue(found.All(y => sums.Any(s => Math.Abs(s - y) < 1e-5f)), string.Join(" ", found.Distinct()));
        Assert.IsTrue(found.Zip(found.Skip(1)).All(p => p.First <= p.Second));
    }

    [TestMethod]
    public void Horq_passes_gradients_by_order()
    {
        Use use = new Use(new Horq { Bits = 2, PerOrder = true }, [0.9f, -0.3f, 1.2f, -2, 1.8f, float.NaN], site: QuantizerSites.Activations).With(0, 0.8f, 0.5f);
        Use.Near([2.6f, 1.3f, 0.5f, 0, -0.5f, float.NaN], use.Back(2, 1, 1, 1, -1, 1).Dx);
        Use one = new Use(new Horq { Bits = 1, PerOrder = true }, [0.9f, -1.1f], site: QuantizerSites.Activations).With(0, 0.8f);
        Use.Near([0.8f, 0], one.Back(1, 1).Dx);
        Assert.IsTrue(Horq.From(use.Method.Settings).PerOrder);
        Assert.IsFalse(Horq.From([2, 0.1f]).PerOrder);
        Assert.ThrowsExactly<QuantizationException>(() => Horq.From([2, 0.1f, 1, 1]));
    }

    /// <summary>By hand: 0.9 has signs +, + (0.1 is left), −0.3 has −, +, 1.2 has +, +, −2 has −, −.</summary>
    [TestMethod]
    public void Horq_learns_its_scales_by_the_signs_of_their_orders()
    {
        float[] x = [0.9f, -0.3f, 1.2f, -2];
        float[] g = [2, 1, -0.5f, 3];
        Use use = new Use(new Horq { Bits = 2, LearnsScales = true }, x, site: QuantizerSites.Activations).With(0, 0.8f, 0.5f);
        (float[] dx, double[] sums) = use.Back(g);
        Use.Near([2 - 1 - 0.5f - 3, 2 + 1 - 0.5f - 3], [.. sums.Select(s => (float)s)]);
        Use.Near([2, 1, 0, 0], dx);
        float Loss(float first, float second) => use.With(0, first, second).Hard().Zip(g, (y, d) => y * d).Sum();
        Use.Near([(Loss(0.825f, 0.5f) - Loss(0.775f, 0.5f)) / 0.05f, (Loss(0.8f, 0.525f) - Loss(0.8f, 0.475f)) / 0.05f], [.. sums.Select(s => (float)s)], 1e-4f);
        Assert.IsNull(use.Method.Measure(use.Call, null));
        Assert.IsTrue(use.Method.Parameters.Single() is { Role: ParameterRole.Learned, Width: 2, Minimum: > 0 });
        Use.Near(Horq.Orders(x, 2), new Use(use.Method, x, site: QuantizerSites.Activations).Call.Parameter(0).ToArray());
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Scales_that_are_learned_follow_the_optimizer(bool learns)
    {
        var source = new MemoryBatchSource(Shape.Of(6), RandomTensors.Floats(Shape.Of(16, 6), 3).Values<float>().ToArray(), [.. Enumerable.Range(0, 16).Select(r => (float)(r % 3))]);
        Graph network = BinaryNetworks.Mlp(Shape.Of(6), [8, 8], 3);
        var scheme = new QuantizationAwareScheme { Weights = new Xnor { Bits = 1 }, Activations = new Horq { Bits = 2, LearnsScales = learns } };
        Graph graph = InsertLearnedQuantizers.Run(network, scheme, ActivationSample.Of(network, source, 16, 1, KernelRegistry.Active, WorkerPool.Single));
        float[] Scales(Graph of) => of.Values.Single(v => v.Name.EndsWith("quantized.scale", StringComparison.Ordinal) && v.Type.Shape.Count == 2).Constant!.Values<float>().ToArray();

        // A rate of next to nothing: what is measured moves all the same, what is learned does not.
        float[] Behind(float rate) => Scales(new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, source, new TrainingOptions { Epochs = 2, BatchSize = 4, Optimizer = new Adam(), Rate = rate }).Graph);
        Assert.AreEqual(learns, Behind(1e-20f).AsSpan().SequenceEqual(Scales(graph)));
        Assert.IsFalse(Behind(0.05f).AsSpan().SequenceEqual(Scales(graph)));
    }

    [TestMethod]
    public void Horq_keeps_its_options_in_its_numbers()
    {
        foreach (Horq method in (Horq[])[new() { Bits = 2 }, new() { Bits = 2, PerOrder = true }, new() { Bits = 2, LearnsScales = true }, new() { Bits = 2, PerOrder = true, LearnsScales = true }])
        {
            Assert.AreEqual(method, QuantizationMethods.Create("HORQ-A", method.Settings));
        }

        CollectionAssert.AreEqual((float[])[2, 0.1f], new Horq { Bits = 2 }.Settings.ToArray(), "as ever");
        CollectionAssert.AreEqual((float[])[2, 0.1f, 1], new Horq { Bits = 2, PerOrder = true }.Settings.ToArray(), "as ever");
    }

    [TestMethod]
    [DataRow(1, 0.363f)]
    [DataRow(2, 0.130f)]
    [DataRow(3, 0.058f)]
    public void Horq_leaves_the_energy_of_gaussian_residuals(int orders, float energy)
    {
        float[] x = Gaussian(20000);
        Use.Near(new[] { 0.798f, 0.483f, 0.268f }[..orders], Horq.Orders(x, orders), 0.02f);
        float[] y = new Use(new Horq { Bits = orders }, x, site: QuantizerSites.Activations).Hard();
        Assert.AreEqual(energy, x.Zip(y, (a, b) => (a - b) * (a - b)).Sum() / x.Sum(v => v * v), 0.01f);
    }

    [TestMethod]
    public void Horq_energies_fall_by_the_squares_of_scales()
    {
        // 2.36 → 0.4 → 0.04 → 0: each order takes n·β² away.
        float[] x = [0.9f, -0.3f, 0.5f, -1.1f];
        double[] energies = [2.36, 0.4, 0.04, 0];
        float[] scales = Horq.Orders(x, 3);
        for (int k = 1; k <= 3; k++)
        {
            Assert.AreEqual(energies[k], energies[k - 1] - (4.0 * scales[k - 1] * scales[k - 1]), 1e-6);
            float[] y = new Use(new Horq { Bits = k }, x, site: QuantizerSites.Activations).Hard();
            Assert.AreEqual(energies[k], x.Zip(y, (a, b) => (double)(a - b) * (a - b)).Sum(), 1e-6);
        }

        // Four orders of Gaussian values, one more than the method takes.
        float[] gaussian = Gaussian(20000);
        float[] four = Horq.Orders(gaussian, 4);
        Use.Near([0.798f, 0.483f, 0.268f, 0.160f], four, 0.02f);
        double square = gaussian.Average(v => (double)v * v);
        Assert.AreEqual(0.033, 1 - (four.Sum(b => (double)b * b) / square), 0.005);
    }

    [TestMethod]
    public void Abc_activations_are_shifted_planes()
    {
        Use use = new Use(new AbcActivations { Bits = 3 }, [-0.2f, 0.3f, 0.9f], site: QuantizerSites.Activations).With(0, 0.5f, 0, -0.5f).With(1, 0.2f, 0.3f, 0.4f);
        Use.Near([-0.9f, -0.5f, 0.1f], use.Hard());
        (float[] dx, double[] sums) = use.Back(1, 1, 1);
        Use.Near([0.2f, 0.5f, 0.7f], dx);

        // Shifts: Σ β·1[0 ≤ x + v ≤ 1] of the plane; scales: Σ A.
        Use.Near([0.4f, 0.6f, 0.4f, 1, -1, -3], [.. sums.Select(s => (float)s)]);
    }

    [TestMethod]
    public void Abc_planes_have_another_slope_on_request()
    {
        var method = new AbcActivations { Bits = 3, Slope = 2 };
        Use use = new Use(method, [-0.2f, 0.3f, 0.9f], site: QuantizerSites.Activations).With(0, 0.5f, 0, -0.5f).With(1, 0.2f, 0.3f, 0.4f);
        (float[] dx, double[] sums) = use.Back(1, 1, 1);
        Use.Near([0.4f, 1, 1.4f], dx);
        Use.Near([0.8f, 1.2f, 0.8f, 1, -1, -3], [.. sums.Select(s => (float)s)]);
        Assert.AreEqual(method, QuantizationMethods.Create("ABC-A", method.Settings));
        Assert.AreEqual(new AbcActivations { Bits = 3, ShiftRate = 1 }, QuantizationMethods.Create("ABC-A", [3]), "of an earlier version");
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("ABC-A", [3, 0])).Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("ABC-A", [3, 1, -1])).Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("ABC-A", [3, 1, 1, 1])).Code);
    }

    [TestMethod]
    public void Tbn_takes_its_threshold_in_on_request()
    {
        float[] x = [0.5f, -0.5f, MathF.BitDecrement(0.5f), -MathF.BitDecrement(0.5f), 0, float.NaN];
        var method = new Tbn { Bits = 2, Inclusive = true };
        Use.Near([1, -1, 0, 0, 0, float.NaN], new Use(method, x, site: QuantizerSites.Activations).With(0, 0.5f).Hard());
        Use.Near([0, 0, 0, 0, 0, float.NaN], new Use(new Tbn { Bits = 2 }, x, site: QuantizerSites.Activations).With(0, 0.5f).Hard());
        CollectionAssert.AreEqual(new float[3], new Use(method, new float[3], site: QuantizerSites.Activations).Hard(), "nothing but zeros");
        var stairs = (HardForm.Staircase)method.Export(new Use(method, x, site: QuantizerSites.Activations).With(0, 0.5f).Call);
        CollectionAssert.AreEqual((float[])[-1, 0, 1], stairs.Levels.ToArray());
        CollectionAssert.AreEqual((float[])[MathF.BitIncrement(-0.5f), 0.5f], stairs.Thresholds.ToArray());
        Assert.AreEqual(method, QuantizationMethods.Create("TBN-A", method.Settings));
        CollectionAssert.AreEqual((float[])[2, 0.4f, 0.01f, 1], new Tbn { Bits = 2 }.Settings.ToArray(), "as ever");
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("TBN-A", [2, 0.4f, 0.01f, 1, 1, 1])).Code);
    }

    [TestMethod]
    public void Abc_planes_begin_apart()
    {
        var use = new Use(new AbcActivations { Bits = 3 }, Gaussian(1000), site: QuantizerSites.Activations);
        Assert.AreEqual(3, use.Call.Parameter(0).ToArray().Distinct().Count());
        Assert.AreEqual(4, use.Hard().Distinct().Count());
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Abc_planes_begin_where_values_differ(int bits)
    {
        // Half of the values are 0, as behind a rectifier or in an image: a threshold there would have nothing below it.
        float[] x = [.. Gaussian(1000).Select(v => Math.Max(v, 0))];
        var use = new Use(new AbcActivations { Bits = bits }, x, site: QuantizerSites.Activations);
        Assert.AreEqual(bits + 1, use.Hard().Distinct().Count());
        Assert.IsTrue(use.Call.Parameter(0).ToArray().All(shift => 0.5f - shift > 0));

        // Values that are all the same have no other place.
        Use.Near([0.5f - 2], new Use(new AbcActivations { Bits = 1 }, [2, 2, 2], site: QuantizerSites.Activations).Call.Parameter(0).ToArray());
    }

    [TestMethod]
    public void Targets_give_the_slopes_of_their_hinges()
    {
        float[] z = [-2, -0.5f, 0, 0.5f, 2];
        float[] g = [-1, -1, -1, -1, -1];
        Use.Near([-0.070651f, -0.786448f, -1, -0.786448f, -0.070651f], new Use(new TargetPropagation { Bits = 1 }, z, site: QuantizerSites.Activations).Back(g).Dx);
        Use.Near([0, -1, -1, -1, 0], new Use(new TargetPropagation { Bits = 1, Soft = false }, z, site: QuantizerSites.Activations).Back(g).Dx);
        float[] sizes = [3, -7, 0, 0.5f, -2];
        var rows = new Use(new TargetPropagation { Bits = 1, Soft = false, SignOnly = true }, [0, 0, 0, 0, 0], Shape.Of(5, 1), QuantizerSites.Activations);
        Use.Near([0.2f, -0.2f, 0, 0.2f, -0.2f], rows.Back(sizes).Dx);
    }

    [TestMethod]
    public void Staircases_of_target_propagation_are_means_of_signs_with_their_own_slopes()
    {
        // Seven steps: thresholds (i - 1/2)/7; windows of the saturated hinge lie side by side over [0, 1].
        float[] x = [-0.2f, 0.05f, 0.3f, 0.52f, 0.96f, 1.2f];
        var hard = new Use(new TargetPropagation { Bits = 3, Soft = false }, x, site: QuantizerSites.Activations);
        Use.Near([0, 0, 2f / 7, 4f / 7, 1, 1], hard.Hard());
        Use.Near([0, 1, 1, 1, 1, 0], hard.Back(1, 1, 1, 1, 1, 1).Dx);
        float[] soft = new Use(new TargetPropagation { Bits = 2 }, [0.5f], site: QuantizerSites.Activations).Back(2).Dx;

        // Three steps: u = 6·0.5 − (1, 3, 5) = 2, 0, −2.
        Use.Near([2 * (1 + (2 * 0.070651f))], soft, 1e-5f);
        Assert.AreEqual(new TargetPropagation { Bits = 2 }, new TargetPropagation { Bits = 2 }.For(signed: false));
        Assert.IsTrue(new TargetPropagation { Bits = 2 }.IsNonlinearity && !new TargetPropagation { Bits = 1 }.IsNonlinearity);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(new TargetPropagation { Bits = 2, Signed = false })).Code);
    }

    [TestMethod]
    public void Stochastic_signs_are_drawn_in_training_only_and_by_index()
    {
        var method = new Bnn { Bits = 1, Stochastic = true };
        float[] x = RandomTensors.Floats(Shape.Of(1, 300), 3).Values<float>().ToArray();
        var context = new MethodContext(1, 7, 10, 10);
        float[] first = new Use(method, x, site: QuantizerSites.Activations, context: context).Soft();
        CollectionAssert.AreEqual(first, new Use(method, x, site: QuantizerSites.Activations, context: context).Soft());
        CollectionAssert.AreNotEqual(first, new Use(method, x, site: QuantizerSites.Activations, context: context with { Step = 8 }).Soft());
        Assert.IsTrue(x.Zip(first).All(p => Math.Abs(p.First) < 1 || p.Second == Math.Sign(p.First)));
        CollectionAssert.AreEqual(x.Select(v => v >= 0 ? 1f : -1).ToArray(), new Use(method, x, site: QuantizerSites.Activations).Hard());
    }

    /// <summary>Sums of twelve uniform numbers: variance 1.</summary>
    private static float[] Gaussian(int count)
    {
        var random = new CounterRandom(11);
        return [.. Enumerable.Range(0, count).Select(i => Enumerable.Range(0, 12).Sum(j => random.Uniform((i * 12L) + j)) - 6)];
    }
}
