using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Neither the order in which weights come nor the number of parts changes a byte of packed weights.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EverySetPackingTests
{
    private const int Parts = 5;

    public static IEnumerable<object[]> Sizes =>
        from taps in new[] { (1, 1), (3, 3), (1, 5), (5, 4) }
        from channels in new[] { (1, 40, 1), (3, 33, 1), (8, 70, 1), (72, 130, 1), (12, 90, 3), (10, 4, 2) }
        select new object[] { taps.Item1, taps.Item2, channels.Item1, channels.Item2, channels.Item3 };

    [TestMethod]
    [DynamicData(nameof(Sizes))]
    public void Packed_weights_do_not_depend_on_order_or_parts(int height, int width, int inputs, int outputs, int groups)
    {
        ConvolutionGeometry g = ConvolutionGeometry.Dense(1, inputs, outputs) with { KernelHeight = height, KernelWidth = width, Groups = groups };
        sbyte[] codes = KernelOperands.Weights((long)g.Depth * outputs, 5, 2, false, g.Depth);
        float[] floats = KernelOperands.Floats((long)g.Depth * outputs, 6, 2);
        foreach (KernelSet set in KernelRegistry.Available.Append(new PlainKernels()))
        {
            using PackedWeights codesWhole = set.PackConvolutionByte(g, codes), codesParts = set.NewConvolutionByte(g);
            using PackedWeights floatsWhole = set.PackConvolutionFloat(g, floats), floatsParts = set.NewConvolutionFloat(g);
            codesParts.Span<byte>().Fill(codesParts.Layout.StartsWith("mlq", StringComparison.Ordinal) ? (byte)0xA5 : (byte)0);
            for (int part = Parts - 1; part >= 0; part--)
            {
                set.FillConvolutionByte(g, ChannelsFirst(g, codes), WeightAxes.ChannelsFirst, codesParts, part, Parts);
                set.FillConvolutionFloat(g, ChannelsFirst(g, floats), WeightAxes.ChannelsFirst, floatsParts, part, Parts);
            }

            CollectionAssert.AreEqual(codesWhole.Span<byte>().ToArray(), codesParts.Span<byte>().ToArray(), $"{set.Name}, bytes");
            CollectionAssert.AreEqual(floatsWhole.Span<byte>().ToArray(), floatsParts.Span<byte>().ToArray(), $"{set.Name}, floats");
        }
    }

    [TestMethod]
    public void Parts_outside_their_number_and_weights_that_are_too_few_are_refused()
    {
        ConvolutionGeometry g = ConvolutionGeometry.Dense(1, 8, 8);
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using PackedWeights bytes = set.NewConvolutionByte(g), floats = set.NewConvolutionFloat(g);
            Assert.ThrowsException<ArgumentException>(() => set.FillConvolutionByte(g, new sbyte[64], WeightAxes.TapsFirst, bytes, 2, 2), set.Name);
            Assert.ThrowsException<ArgumentException>(() => set.FillConvolutionByte(g, new sbyte[63], WeightAxes.TapsFirst, bytes, 0, 1), set.Name);
            Assert.ThrowsException<ArgumentException>(() => set.FillConvolutionFloat(g, new float[64], WeightAxes.TapsFirst, floats, -1, 2), set.Name);
            Assert.ThrowsException<ArgumentException>(() => set.FillConvolutionFloat(g, new float[64], WeightAxes.TapsFirst, bytes, 0, 1), set.Name);
        }
    }

    private static T[] ChannelsFirst<T>(in ConvolutionGeometry g, T[] weights)
    {
        var turned = new T[weights.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            (int tap, int channel) = (i % g.Depth / g.GroupInChannels, i % g.GroupInChannels);
            turned[(i / g.Depth * g.Depth) + (channel * g.Taps) + tap] = weights[i];
        }

        return turned;
    }
}
