using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Statistics-aware weight binning.</summary>
[TestClass]
public sealed class SawbTests
{
    [TestMethod]
    public void Codes_and_values_are_those_of_the_vectors()
    {
        MethodProbe probe = Probe(new Sawb { Bits = 2, First = 3.12f, Second = 2.064f });
        CollectionAssert.AreEqual(new[] { 0, 1, 1, 2, 2, 2, 3 }, probe.Codes());
        MethodProbe.AreNear([-.791141, -.263714, -.263714, .263714, .263714, .263714, .791141], probe.Hard());
    }

    [TestMethod]
    public void The_clip_is_proportional_to_the_weights_and_near_the_optimum_of_a_normal()
    {
        float[] twice = [.. Probe(new Sawb { Bits = 3 }, [.. MethodProbe.W7.Select(w => 2 * w)]).Hard()];
        MethodProbe.AreNear([.. twice.Select(w => w / 2.0)], Probe(new Sawb { Bits = 3 }).Hard(), 1e-4);
        float[] normal = [.. Enumerable.Range(0, 4000).Select(i => HwgqTests.Quantile((i + 0.5) / 4000))];
        double[] optimum = [1.494, 2.051, 2.514];
        for (int bits = 2; bits <= 4; bits++)
        {
            Assert.AreEqual(optimum[bits - 2], Probe(new Sawb { Bits = bits }, normal).Hard().Max(), 0.07);
        }
    }

    [TestMethod]
    public void Weights_of_two_values_take_their_size()
        => Assert.AreEqual(0.3f, Probe(new Sawb { Bits = 4 }, [0.3f, -0.3f, 0.3f, -0.3f]).Hard()[0], 1e-6f);

    [TestMethod]
    public void The_estimator_decides_what_moves_beyond_the_clip()
    {
        Assert.IsTrue(Probe(new Sawb { Bits = 2 }).Back().Dx.All(d => d == 1));
        CollectionAssert.AreEqual(new float[] { 0, 1, 1, 1, 1, 1, 0 }, Probe(new Sawb { Bits = 2, Estimator = Estimator.Clip() }).Back().Dx);
    }

    private static MethodProbe Probe(Sawb method, float[]? w = null) => new(method, QuantizerSites.Weights, w ?? MethodProbe.W7);
}
