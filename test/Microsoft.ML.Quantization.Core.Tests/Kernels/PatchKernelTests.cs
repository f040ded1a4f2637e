using System;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Patches;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: the products of training equal the plain loops bit for bit at every vector width and for every split, and touch nothing outside their spans.</summary>
[TestClass]
public sealed class PatchKernelTests
{
    private static readonly PlainKernels _plain = new();

    [TestMethod]
    [DataRow(128)]
    [DataRow(256)]
    [DataRow(512)]
    public void ProductsEqualTheConvolution(int bits)
    {
        var kernels = PatchKernels.Of(bits);
        foreach (KernelCase test in KernelCases.Convolutions())
        {
            ConvolutionGeometry g = test.Geometry;
            float[] x = KernelOperands.Floats(g.InLength, test.Seed, 1);
            float[] w = KernelOperands.Floats((long)g.OutChannels * g.Depth, test.Seed, 2);
            float[] bias = [.. KernelOperands.Floats(g.OutChannels, test.Seed, 3).Select(b => b == 0 ? 0 : b)];
            var expected = new float[g.OutLength];
            using PackedWeights packed = _plain.PackConvolutionFloat(g, w);
            _plain.ConvolutionFloat(g, x, packed, bias, -3, 40, expected, 0, _plain.CountConvolutionFloatTiles(g));
            PanelOrder order = TapsFirst(g);
            using var panels = new GuardedMemory(kernels.PanelLength(order) * sizeof(float), atEnd: true);
            Assert.IsTrue(kernels.Pack(order, w, panels.Span<float>()));
            int tiles = kernels.CountTiles(g);
            foreach (int parts in new[] { 1, 3 })
            {
                using var source = GuardedMemory.Of<float>(x, atEnd: true);
                using var found = new GuardedMemory(expected.Length * sizeof(float), atEnd: true);
                for (int part = parts - 1; part >= 0; part--)
                {
                    kernels.Product(g, source.Span<float>(), panels.Span<float>(), bias, (-3, 40), found.Span<float>(), PatchPlacement.All(g), (tiles * part / parts, tiles * (part + 1) / parts));
                }

                KernelAssert.SameBits(expected, found.Span<float>(), $"{test}, {bits} bits, {parts} parts");
            }
        }
    }

    [TestMethod]
    [DataRow(128)]
    [DataRow(256)]
    [DataRow(512)]
    public void SumsOfWeightGradientsEqualThePlainLoop(int bits)
    {
        var kernels = PatchKernels.Of(bits);
        foreach (KernelCase test in KernelCases.Convolutions().Where(c => c.Geometry.OutLength * c.Geometry.Depth < 2_000_000))
        {
            ConvolutionGeometry g = test.Geometry;
            using var x = GuardedMemory.Of<float>(KernelOperands.Floats(g.InLength, test.Seed, 1), atEnd: true);
            using var dy = GuardedMemory.Of<float>(KernelOperands.Floats(g.OutLength, test.Seed, 2), atEnd: true);
            float[] expected = PlainGradients.Weights(g, x.Span<float>(), dy.Span<float>(), g.Batch / 3, g.Batch);
            for (int first = 0; first < g.OutChannels;)
            {
                int count = Math.Min(first == 0 ? 8 : 40, g.GroupOutChannels - (first % g.GroupOutChannels));
                using var sums = new GuardedMemory(kernels.SumsLength(g, count) * sizeof(float), atEnd: true);
                kernels.Outer(g, x.Span<float>(), dy.Span<float>(), (g.Batch / 3, g.Batch), (first, first + count), sums.Span<float>());
                for (int o = 0; o < count; o++)
                {
                    KernelAssert.SameBits(
                        expected.AsSpan((first + o) * g.Depth, g.Depth), sums.Span<float>().Slice(o * kernels.SumsPitch(g), g.Depth), $"{test}, {bits} bits, output {first + o}");
                }

                first += count;
            }
        }
    }

    [TestMethod]
    public void Packing_tells_whether_weights_are_finite()
    {
        foreach (float odd in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            var order = PanelOrder.Dense(37, 5, isTurned: true);
            var panels = new float[PatchKernels.Of(256).PanelLength(order)];
            var weights = new float[37 * 5];
            Assert.IsTrue(PatchKernels.Of(256).Pack(order, weights, panels));
            weights[101] = odd;
            Assert.IsFalse(PatchKernels.Of(256).Pack(order, weights, panels));
        }
    }

    private static PanelOrder TapsFirst(in ConvolutionGeometry g)
    {
        int channels = g.GroupInChannels;
        return new(g.Groups, g.GroupOutChannels, channels, [.. Enumerable.Range(0, g.Taps).Select(t => t * channels)], g.GroupOutChannels * g.Depth, g.Depth, 1);
    }
}
