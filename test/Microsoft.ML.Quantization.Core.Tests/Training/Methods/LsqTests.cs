using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Learned steps, with and without an offset.</summary>
[TestClass]
public sealed class LsqTests
{
    [TestMethod]
    [DataRow(2, .45f, new[] { -2, -1, 0, 0, 0, 1, 1 }, -.377964)]
    [DataRow(3, .25f, new[] { -4, -2, 0, 0, 0, 1, 3 }, .349149)]
    public void Codes_and_gradients_of_weights_are_those_of_the_vectors(int bits, float step, int[] codes, double gradient)
    {
        var probe = new MethodProbe(new Lsq { Bits = bits }, QuantizerSites.Weights, MethodProbe.W7, [step]);
        CollectionAssert.AreEqual(codes, probe.Codes());
        Assert.AreEqual(gradient, probe.Back().Totals[0], 1e-5);
        var plain = new MethodProbe(new Lsq { Bits = bits, ScalesGradient = false }, QuantizerSites.Weights, MethodProbe.W7, [step]);
        Assert.AreEqual(gradient * Math.Sqrt(7 * ((1 << (bits - 1)) - 1)), plain.Back().Totals[0], 1e-5);
    }

    [TestMethod]
    public void Codes_and_gradients_of_activations_are_those_of_the_vectors()
    {
        var probe = new MethodProbe(new Lsq { Bits = 2, Signed = false }, QuantizerSites.Activations, MethodProbe.A7, [.29f]);
        CollectionAssert.AreEqual(new[] { 0, 0, 0, 1, 2, 3, 3 }, probe.Codes());
        (float[] dx, double[] totals) = probe.Back();
        CollectionAssert.AreEqual(new float[] { 0, 0, 1, 1, 1, 0, 0 }, dx);
        Assert.AreEqual((-.344828 - .172414 + .103448 + 6) / Math.Sqrt(7 * 3), totals[0], 1e-5);
    }

    [TestMethod]
    [DataRow(2, LsqStart.MeanSize, .742857)]
    [DataRow(3, LsqStart.MeanSize, .428889)]
    [DataRow(2, LsqStart.ThreeDeviations, .755764)]
    [DataRow(3, LsqStart.ThreeDeviations, .377882)]
    [DataRow(4, LsqStart.ThreeDeviations, .188941)]
    public void Steps_begin_where_the_papers_say(int bits, LsqStart start, double expected)
        => Assert.AreEqual(expected, new MethodProbe(new Lsq { Bits = bits, Start = start }, QuantizerSites.Weights, MethodProbe.W7).Call.Parameter(0)[0], 2e-6);

    [TestMethod]
    public void Scaled_gradients_grow_towards_the_nearest_level_and_shrink_away_from_it()
    {
        // u = -2 (on the border), -0.6, -0.4, 0, 0.4, 0.6, infinite.
        float[] x = [-1, -.3f, -.2f, 0, .2f, .3f, float.PositiveInfinity];
        var method = new Lsq { Bits = 2, GradientScaling = .1f };
        var probe = new MethodProbe(method, QuantizerSites.Weights, x, [.5f]);
        MethodProbe.AreNear([0, 1.04, .96, 1, 1.04, .96, 0], probe.Back().Dx);
        MethodProbe.AreNear([0, -.96, -1.04, -1, -.96, -1.04, 0], probe.Back([.. x.Select(_ => -1f)]).Dx);
        Assert.AreEqual(probe.Back().Totals[0], new MethodProbe(method with { GradientScaling = 0 }, QuantizerSites.Weights, x, [.5f]).Back().Totals[0]);
    }

    [TestMethod]
    public void The_scaling_of_gradients_is_kept_with_the_method_and_held_to_its_range()
    {
        var method = new Lsq { Bits = 3, Narrow = true, GradientScaling = .005f };
        Assert.AreEqual(method, QuantizationMethods.Create("LSQ", method.Settings));
        Assert.AreEqual(6, (method with { GradientScaling = 0 }).Settings.Length);
        foreach (float wrong in new[] { -.1f, 2.1f, float.NaN })
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => (method with { GradientScaling = wrong }).Check()).Code);
        }
    }

    [TestMethod]
    public void An_offset_moves_the_grid_and_learns_from_what_is_outside()
    {
        MethodProbe probe = Plus([.6f], [-.4f]);
        MethodProbe.AreNear([-.4, .2, .2, .2, .8, .8, 1.4], probe.Soft());
        (float[] dx, double[] totals) = probe.Back();
        CollectionAssert.AreEqual(new float[] { 0, 1, 1, 1, 1, 1, 0 }, dx);
        Assert.AreEqual(2 / Math.Sqrt(7 * 3), totals[1], 1e-6);
    }

    [TestMethod]
    public void Evaluation_and_the_last_part_of_a_run_keep_a_code_for_zero()
    {
        MethodProbe probe = Plus([.6f], [-.4f]);
        float[] hard = probe.Hard();

        // 0.9/0.6 would be a tie; the quotient of the two floats is below.
        MethodProbe.AreNear([-.6, 0, 0, .6, .6, .6, 1.2], hard);
        probe.Call = probe.Call with { Context = new MethodContext(5, 20, 10, 4) };
        CollectionAssert.AreEqual(hard, probe.Soft());
        Assert.AreEqual(0, probe.Back().Totals[1]);
    }

    [TestMethod]
    public void Step_and_offset_begin_where_the_error_of_a_sample_is_least()
    {
        float[] x = [.. Enumerable.Range(0, 400).Select(i => (i / 200f) - 0.5f), 30];
        var probe = new MethodProbe(new LsqPlus { Bits = 4 }, QuantizerSites.Activations, x);
        Assert.IsTrue(probe.Soft().Take(400).Zip(x, (a, b) => Math.Abs(a - b)).Average() < 0.5, "one large value stretched the grid");
        Assert.IsTrue(probe.Call.Parameter(1)[0] is <= 0 and >= -0.5f);
    }

    private static MethodProbe Plus(params float[][] parameters) => new(new LsqPlus { Bits = 2 }, QuantizerSites.Activations, MethodProbe.A7, parameters);
}
