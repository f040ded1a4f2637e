using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Sums of sigmoids that become steps.</summary>
[TestClass]
public sealed class QuantizationNetworkTests
{
    private static readonly QuantizationNetwork _ternary = QuantizationNetwork.Of(2) with { SlopeLimit = float.PositiveInfinity, ScalesGradient = false };

    [TestMethod]
    public void Clusters_set_the_borders_and_the_size_sets_the_scales()
    {
        MethodProbe probe = Probe(_ternary);
        MethodProbe.AreNear([.72], probe.Call.Parameter(0).ToArray());
        MethodProbe.AreNear([1.388889], probe.Call.Parameter(1).ToArray());
        MethodProbe.AreNear([-.3125, .798611], probe.Call.Parameter(2).ToArray());
        MethodProbe.AreNear([-.72, -.72, 0, 0, 0, 0, .72], probe.Hard());
    }

    [TestMethod]
    [DataRow(1, new[] { -.435169, -.255799, -.103590, -.080771, -.034725, .080771, .276047 })]
    [DataRow(10, new[] { -.719939, -.661771, -.058106, -.030058, -.006822, .030058, .689696 })]
    public void The_soft_form_nears_the_hard_one_as_the_temperature_grows(int temperature, double[] expected)
        => MethodProbe.AreNear(expected, Probe(_ternary with { Rate = temperature }).Soft(), 3e-5);

    [TestMethod]
    public void Temperature_grows_with_the_epochs_and_the_last_part_is_hard()
    {
        MethodProbe probe = Probe(_ternary with { Rate = 1 });
        float[] first = probe.Soft();
        probe.Call = probe.Call with { Context = new MethodContext(5, 19, 10, 4) };
        CollectionAssert.AreEqual(Probe(_ternary with { Rate = 2 }).Soft(), probe.Soft());
        CollectionAssert.AreNotEqual(first, probe.Soft());
        probe.Call = probe.Call with { Context = new MethodContext(5, 35, 10, 4) };
        CollectionAssert.AreEqual(probe.Hard(), probe.Soft());
        Assert.IsTrue(probe.Back().Dx.Any(d => d > 0), "the way back is soft to the end");
    }

    [TestMethod]
    public void Gradients_are_those_of_the_vectors()
    {
        MethodProbe probe = Probe(_ternary with { Rate = 4, LearnsThresholds = true }, [.4f], [.7f], [1.3f], [-.5f, .45f]);
        MethodProbe.AreNear([.3870439075], probe.Soft());
        (float[] dx, double[] totals) = probe.Back();
        MethodProbe.AreNear([.9519082], dx);
        MethodProbe.AreNear([.5529199, .2928948, -.0457798, -.6864573], [.. totals.Select(t => (float)t)], 3e-5);
    }

    [TestMethod]
    public void Gradients_are_differences_of_the_soft_form()
    {
        float[] x = [-.7f, -.2f, .05f, .3f, .65f];
        float[] g = [.5f, -1, .7f, 1.2f, -.4f];
        QuantizationNetwork method = QuantizationNetwork.Of(3) with { Rate = 3, SlopeLimit = float.PositiveInfinity, ScalesGradient = false, LearnsThresholds = true };
        float[][] at = [[.2f], [5.5f], [-3, -1.4f, -.6f, .4f, 1.6f, 3.1f]];
        (float[] dx, double[] totals) = Probe(method, x, at).Back(g);
        double Loss(float[] moved, float[][] p) => Probe(method, moved, p).Soft().Zip(g, (a, b) => (double)a * b).Sum();
        const float H = 1e-2f;
        for (int i = 0; i < x.Length; i++)
        {
            double slope = (Loss(Moved(x, i, H / 4), at) - Loss(Moved(x, i, -H / 4), at)) / (H / 2);
            Assert.AreEqual(slope, dx[i], 0.02, $"x {i}");
        }

        for (int i = 0; i < totals.Length; i++)
        {
            (int which, int element) = i < 2 ? (i, 0) : (2, i - 2);
            float[][] With(float by) => [.. at.Select((p, k) => k == which ? Moved(p, element, by) : p)];
            Assert.AreEqual((Loss(x, With(H)) - Loss(x, With(-H))) / (2 * H), totals[i], 0.02, $"parameter {i}");
        }
    }

    [TestMethod]
    public void The_way_back_has_a_largest_temperature_and_scaled_sums()
    {
        QuantizationNetwork exact = QuantizationNetwork.Of(3) with { Rate = 3, SlopeLimit = float.PositiveInfinity, ScalesGradient = false };
        (float[] slow, double[] plain) = Probe(exact).Back();
        (float[] limited, double[] sums) = Probe(exact with { Rate = 90, SlopeLimit = 3 }).Back();
        CollectionAssert.AreEqual(slow, limited);
        CollectionAssert.AreEqual(plain, sums);
        CollectionAssert.AreNotEqual(slow, Probe(exact with { Rate = 90 }).Back().Dx);
        double[] scaled = Probe(exact with { ScalesGradient = true }).Back().Totals;
        for (int i = 0; i < 2; i++)
        {
            Assert.AreEqual(plain[i] / Math.Sqrt(7 * 6), scaled[i], 1e-9 * Math.Abs(plain[i]), "7 weights, 6 jumps");
        }
    }

    [TestMethod]
    [DataRow(1, false, new[] { 0f, 1 })]
    [DataRow(2, false, new[] { 0f, 1, 2, 3 })]
    [DataRow(2, true, new[] { -2f, -1, 0, 1 })]
    public void Activations_have_levels_of_their_own(int bits, bool signed, float[] levels)
        => CollectionAssert.AreEqual(levels, ((QuantizationNetwork)QuantizationNetwork.Of(bits).For(signed)).Levels.ToArray());

    [TestMethod]
    public void Few_different_values_take_borders_between_levels()
    {
        MethodProbe probe = Probe(_ternary, [0, 0, 0]);
        MethodProbe.AreNear([-.5, .5], probe.Call.Parameter(2).ToArray());
        CollectionAssert.AreEqual(new float[3], probe.Hard());
    }

    [TestMethod]
    public void Levels_must_be_ascending_integers()
    {
        foreach (float[] levels in (float[][])[[1, 1], [1, 0], [0.5f, 1], [-200, 0], [0, 1, 2, 3, 4]])
        {
            QuantizationNetwork method = _ternary with { Levels = [.. levels] };
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(method)).Code);
        }

        QuantizationMethod own = _ternary with { Levels = [-2, 0, 1, 2] };
        Assert.AreEqual(own, QuantizationMethods.Create("QN", own.Settings));
    }

    private static MethodProbe Probe(QuantizationNetwork method, float[]? x = null, params float[][] parameters) => new(method, QuantizerSites.Weights, x ?? MethodProbe.W7, parameters);

    private static float[] Moved(float[] x, int at, float by) => [.. x.Select((v, i) => i == at ? v + by : v)];
}
