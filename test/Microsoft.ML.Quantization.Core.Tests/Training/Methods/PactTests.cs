using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Parameterized clipping.</summary>
[TestClass]
public sealed class PactTests
{
    [TestMethod]
    [DataRow(2, new[] { 0, 0, 0, 1, 1, 2, 3 }, new[] { 0, 0, 0, .4, .4, .8, 1.2 })]
    [DataRow(4, new[] { 0, 0, 1, 4, 7, 11, 15 }, new[] { 0, 0, .08, .32, .56, .88, 1.2 })]
    public void Codes_and_values_are_those_of_the_vectors(int bits, int[] codes, double[] values)
    {
        MethodProbe probe = Probe(new Pact { Bits = bits });
        CollectionAssert.AreEqual(codes, probe.Codes());
        MethodProbe.AreNear(values, probe.Hard());
        MethodProbe again = new(probe.Method, QuantizerSites.Activations, probe.Hard(), [1.2f]);
        CollectionAssert.AreEqual(probe.Hard(), again.Hard(), "not idempotent");
    }

    [TestMethod]
    public void Gradients_pass_inside_and_the_clip_learns_from_what_it_cuts()
    {
        (float[] dx, double[] totals) = Probe(new Pact { Bits = 2 }).Back();
        CollectionAssert.AreEqual(new float[] { 0, 1, 1, 1, 1, 1, 0 }, dx);
        Assert.AreEqual(1, totals[0], 1e-6);
    }

    [TestMethod]
    public void The_full_residual_adds_what_rounding_moves()
    {
        double[] each = [0, 0, -.083333, .05, -.125, -.083333, 1];
        MethodProbe probe = Probe(new Pact { Bits = 2, FullResidual = true });
        for (int i = 0; i < each.Length; i++)
        {
            Assert.AreEqual(each[i], probe.Back([.. Enumerable.Range(0, 7).Select(j => j == i ? 1f : 0)]).Totals[0], 1e-6, $"element {i}");
        }
    }

    [TestMethod]
    public void The_clip_begins_at_the_given_value_or_at_a_quantile()
    {
        float[] sample = [.. Enumerable.Range(0, 10000).Select(i => i * 1e-4f)];
        Assert.AreEqual(10, new MethodProbe(new Pact { Bits = 4, InitialClip = 10 }, QuantizerSites.Activations, sample).Call.Parameter(0)[0]);
        Assert.AreEqual(0.999, new MethodProbe(new Pact { Bits = 4 }, QuantizerSites.Activations, sample).Call.Parameter(0)[0], 1e-4);
        Assert.AreEqual(1, new MethodProbe(new Pact { Bits = 4 }, QuantizerSites.Activations, new float[50]).Call.Parameter(0)[0]);
    }

    [TestMethod]
    public void Options_out_of_range_are_refused()
        => Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(new Pact { Bits = 4, Decay = -1 })).Code);

    private static MethodProbe Probe(Pact method) => new(method, QuantizerSites.Activations, MethodProbe.A7, [1.2f]);
}
