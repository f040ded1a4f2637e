using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Weights and activations of DoReFa-Net: worked codes, gradients with and without the largest one's share, and weights that are all 0.</summary>
[TestClass]
public sealed class DoReFaTests
{
    [TestMethod]
    [DataRow(2, new[] { 0, 1, 1, 2, 2, 2, 3 })]
    [DataRow(3, new[] { 0, 2, 3, 4, 4, 5, 7 })]
    [DataRow(4, new[] { 0, 4, 7, 8, 9, 11, 14 })]
    public void Codes_of_weights_are_those_of_the_vectors(int bits, int[] codes)
    {
        MethodProbe probe = Weights(new DoReFaWeights { Bits = bits });
        CollectionAssert.AreEqual(codes, probe.Codes());
        int top = (1 << bits) - 1;
        MethodProbe.AreNear([.. codes.Select(c => ((2.0 * c) - top) / top)], probe.Hard());
    }

    [TestMethod]
    public void One_bit_is_the_mean_size_of_the_tensor_with_the_sign()
    {
        MethodProbe probe = Weights(new DoReFaWeights { Bits = 1 });
        MethodProbe.AreNear([.. new double[] { -1, -1, -1, 1, 1, 1, 1 }.Select(s => s * .371428571)], probe.Hard());
        Assert.IsTrue(probe.Back().Dx.All(d => d == 1));
    }

    [TestMethod]
    public void Gradients_of_weights_are_those_of_the_vectors()
    {
        double[] constant = [.679769, 1.19453, 1.39258, 1.39607, 1.3822, 1.2381, .780479];
        MethodProbe.AreNear(constant, Weights(new DoReFaWeights { Bits = 2, MaximumIsConstant = true }).Back().Dx);
        MethodProbe.AreNear([.635997, .. constant[1..]], Weights(new DoReFaWeights { Bits = 2 }).Back().Dx);
    }

    [TestMethod]
    [DataRow(1, new[] { 0, 0, 0, 0, 1, 1, 1 })]
    [DataRow(2, new[] { 0, 0, 0, 1, 2, 3, 3 })]
    [DataRow(3, new[] { 0, 0, 1, 2, 4, 6, 7 })]
    public void Codes_of_activations_are_those_of_the_vectors(int bits, int[] codes)
    {
        var probe = new MethodProbe(new DoReFaActivations { Bits = bits }, QuantizerSites.Activations, MethodProbe.A7);
        CollectionAssert.AreEqual(codes, probe.Codes());
        CollectionAssert.AreEqual(new float[] { 0, 0, 1, 1, 1, 1, 0 }, probe.Back().Dx);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(4)]
    public void Weights_of_nothing_but_zeros_stay_next_to_nothing_in_the_codes_too(int bits)
    {
        var probe = new MethodProbe(new DoReFaWeights { Bits = bits }, QuantizerSites.Weights, new float[5]);
        WeightPlane plane = ((HardForm.Weights)probe.Method.Export(probe.Call)).Planes[0];
        float[] decoded = plane.Quantizer.Decode(plane.Codes).Values<float>().ToArray();
        Assert.IsTrue(decoded.All(w => Math.Abs(w) < 1e-30f), $"{decoded[0]}");
        CollectionAssert.AreEqual(decoded, probe.Hard());
        CollectionAssert.AreEqual(new float[] { 1, 1, 1, 1, 1 }, probe.Back().Dx);
    }

    private static MethodProbe Weights(DoReFaWeights method) => new(method, QuantizerSites.Weights, MethodProbe.W7);
}
