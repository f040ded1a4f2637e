using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Affine quantization with measured ranges.</summary>
[TestClass]
public sealed class AffineTests
{
    [TestMethod]
    [DataRow(-.5f, 1f, .00588235294, 85)]
    [DataRow(-.1f, 6f, .0239215686, 4)]
    [DataRow(.2f, 3f, .0117647, 0)]
    [DataRow(-1f, -.2f, .00392157, 255)]
    public void Ranges_are_nudged_so_that_zero_is_a_code(float low, float high, double scale, int zero)
    {
        AffineParameters found = AffineParameters.Asymmetric(low, high, IntegerRange.Unsigned(8));
        Assert.AreEqual(scale, found.Scale, 1e-7);
        Assert.AreEqual(zero, found.ZeroPoint);
    }

    [TestMethod]
    public void Codes_values_and_masks_are_those_of_the_vectors()
    {
        var probe = new MethodProbe(new Affine { Bits = 8, PerChannel = false }, QuantizerSites.Activations, [-.7f, -.5f, 0, .123f, .999f, 1.2f], [-.5f, 1]);
        CollectionAssert.AreEqual(new[] { 0, 0, 85, 106, 255, 255 }, probe.Codes());
        MethodProbe.AreNear([-.5, -.5, 0, .1235294, 1, 1], probe.Hard());
        CollectionAssert.AreEqual(new float[] { 0, 1, 1, 1, 1, 0 }, probe.Back().Dx);
    }

    [TestMethod]
    public void Ranges_follow_the_batches_until_they_are_frozen_and_quantizers_may_wait()
    {
        var method = new Affine { Bits = 8, PerChannel = false, Coefficient = 0.25f, StartAt = 0.5f };
        var probe = new MethodProbe(method, QuantizerSites.Activations, [-2, 0, 4], [-1, 2]);
        CollectionAssert.AreEqual(new[] { -1.25f, 2.5f }, method.Measure(probe.Call, null)![0]);
        CollectionAssert.AreEqual(new float[] { -2, 0, 4 }, probe.Soft(), "before it starts");
        CollectionAssert.AreEqual(new float[] { 1, 1, 1 }, probe.Back().Dx);
        probe.Call = probe.Call with { Context = new MethodContext(5, 36, 10, 4) };
        Assert.IsNull(method.Measure(probe.Call, null), "frozen");
        CollectionAssert.AreEqual(probe.Hard(), probe.Soft());
    }

    [TestMethod]
    public void Weights_of_a_tensor_may_have_a_zero_point_and_leave_the_lowest_code_out()
    {
        float[] w = [-.2f, 0, .1f, .3f, .8f];
        var method = new Affine { Bits = 4, PerChannel = false, AsymmetricWeights = true };
        var probe = new MethodProbe(method, QuantizerSites.Weights, w);
        CollectionAssert.AreEqual(new[] { 1, 4, 5, 8, 15 }, probe.Codes());
        Assert.AreEqual(0, probe.Hard()[1]);
        Assert.IsTrue(probe.Hard().Zip(w, (a, b) => Math.Abs(a - b)).Max() <= 1f / 14 / 2 + 1e-6f);
        Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(method with { PerChannel = true }));
    }

    [TestMethod]
    public void Chance_rounding_takes_the_two_neighbours_and_is_right_on_average()
    {
        const int Count = 10000;
        float[] x = [.. Enumerable.Repeat(.3f, Count)];
        var probe = new MethodProbe(new Affine { Bits = 2, PerChannel = false, Stochastic = true }, QuantizerSites.Activations, x, [0, 3]);
        float[] soft = probe.Soft();
        Assert.IsTrue(soft.All(v => v is 0 or 1) && probe.Hard().All(v => v == 0));
        Assert.AreEqual(.3, soft.Average(v => (double)v), .02291);
        probe = new MethodProbe(probe.Method, QuantizerSites.Activations, [0, 1, 2, 3, 7, -4], [0, 3]);
        CollectionAssert.AreEqual(new float[] { 0, 1, 2, 3, 3, 0 }, probe.Soft(), "a point of the grid stays");
    }
}
