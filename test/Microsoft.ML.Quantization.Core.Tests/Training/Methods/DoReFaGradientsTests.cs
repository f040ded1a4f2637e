using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Quantized gradients.</summary>
[TestClass]
public sealed class DoReFaGradientsTests
{
    [TestMethod]
    public void Levels_are_those_of_the_vectors()
    {
        var dx = new float[4];
        DoReFaGradients.Quantize([.04f, -.01f, 0, -.02f], [.8f, .05f, .6f, .3f], .04f, 3, dx);
        MethodProbe.AreNear([.04, -.0133333, .0133333, -.0133333], dx);
    }

    [TestMethod]
    [DataRow("DoReFa-G", 2)]
    [DataRow("DoReFa-G", 4)]
    [DataRow("SR-G", 3)]
    public void The_expectation_is_the_gradient(string name, int bits)
    {
        // One row: the largest at its first element, then many of one value; 5 standard errors of the coarsest grid.
        const int Count = 20000;
        foreach (float value in (float[])[.37f, -.01f, 0, -.999f])
        {
            float[] g = [1, .. Enumerable.Repeat(value, Count)];
            MethodProbe probe = Probe(name, bits, 1, g.Length);
            (float[] dx, _) = probe.Back(g);
            Assert.AreEqual(value, dx.Skip(1).Average(d => (double)d), 5 * 2.0 / ((1 << (bits - (name == "SR-G" ? 1 : 0))) - 1) * 0.5 / Math.Sqrt(Count));
            Assert.IsTrue(dx.Distinct().Count() <= 3, "more than the two neighbours");
            CollectionAssert.AreEqual(dx, probe.Back(g).Dx, "another draw at the same step");
            probe.Call = probe.Call with { Context = probe.Call.Context with { Step = 1 } };
            Assert.IsTrue(name == "SR-G" && value == 0 ? dx.Skip(1).All(d => d == 0) : !dx.SequenceEqual(probe.Back(g).Dx), "the same draw at another step");
        }
    }

    [TestMethod]
    [DataRow("DoReFa-G")]
    [DataRow("SR-G")]
    public void Rows_have_their_own_size_and_rows_of_zeros_stay_zeros(string name)
    {
        (float[] dx, _) = Probe(name, 4, 3, 4).Back([1, .5f, -.2f, .1f, 0, 0, 0, 0, 1e-6f, -1e-6f, 5e-7f, 0]);
        Assert.IsTrue(dx[..4].Max(Math.Abs) == 1 && dx[8..].Max(Math.Abs) is > 9e-7f and < 1.1e-6f);
        Assert.IsTrue(dx[4..8].All(d => d == 0));
    }

    private static MethodProbe Probe(string name, int bits, int rows, int columns)
        => new(QuantizationMethods.Find(name).Default(bits), QuantizerSites.Gradients, Tensor.Allocate(ElementType.Float32, Shape.Of(rows, columns)));
}
