using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: depthwise convolution, pooling and element-wise kernels of every available set equal the plain ones bit for bit.</summary>
[TestClass]
public sealed class EverySetChannelwiseTests
{
    private static readonly PlainKernels _plain = new();

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => new object[] { s.Name });

    private delegate void RowKernel(KernelSet set, byte[] destination, int begin, int end);

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void DepthwiseAndPoolsEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (KernelCase test in KernelCases.Channelwise())
        {
            ConvolutionGeometry g = test.Geometry;
            float[] x = KernelOperands.Floats(g.InLength, test.Seed, 1);
            float[] w = KernelOperands.Floats((long)g.Taps * g.OutChannels, test.Seed, 2);
            float[] bias = KernelOperands.Floats(g.OutChannels, test.Seed, 3);
            byte[] codes = KernelOperands.Codes(g.InLength, test.Seed, 4, test.Extreme);
            sbyte[] small = KernelOperands.Weights((long)g.Taps * g.OutChannels, test.Seed, 5, test.Extreme, 1);
            Same(set, test, 4, (s, y, b, e) => s.DepthwiseFloat(g, x, w, bias, -1, 3, MemoryMarshal.Cast<byte, float>(y.AsSpan()), b, e));
            foreach (AccumulatorOutput output in Enum.GetValues<AccumulatorOutput>())
            {
                Same(set, test, KernelCheck.ElementSize(output), (s, y, b, e) =>
                    s.DepthwiseByte(g, codes, 131, small, KernelOperands.Epilogue(g.OutChannels, g.Taps, test.Seed, output), y, b, e));
            }

            Same(set, test, 1, (s, y, b, e) => s.DepthwiseByte(g, codes, 131, small, KernelOperands.WildEpilogue(g.OutChannels, g.Taps, test.Seed), y, b, e));
            Same(set, test, 1, (s, y, b, e) => s.DepthwiseByte(g, codes, 131, small, KernelOperands.SteepEpilogue(g.OutChannels, g.Taps, test.Seed), y, b, e));
            Same(set, test, 1, (s, y, b, e) => s.DepthwiseByte(g, codes, 131, small, KernelOperands.CenteredEpilogue(g.OutChannels, g.Taps, test.Seed), y, b, e));
            Same(set, test, 1, (s, y, b, e) => s.MaxPoolByte(g, codes, y, b, e));
            short[] wide = [.. codes.Select((code, i) => (short)((code << 8) + (i % 251) - 32768))];
            Same(set, test, sizeof(short), (s, y, b, e) => s.MaxPoolWide(g, short.MinValue, wide, MemoryMarshal.Cast<byte, short>(y.AsSpan()), b, e));
            Same(set, test, 1, (s, y, b, e) => s.AveragePoolByte(g, false, codes, 120, 0.9f, 7, 1, 250, y, b, e));
            Same(set, test, 1, (s, y, b, e) => s.AveragePoolByte(g, true, codes, 3, 0.9f, 7, 1, 250, y, b, e));
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void EveryLengthEqualsPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        float[] specials = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 3e9f, -3e9f, -0f, 0.05f, 0.15f, float.Epsilon];
        for (int length = 0; length <= 256; length++)
        {
            float[] x = KernelOperands.Floats(length, 1, (ulong)length);
            for (int i = 0; i < length; i += 5)
            {
                x[i] = specials[i / 5 % specials.Length];
            }

            byte[] a = KernelOperands.Codes(length, 3, (ulong)length, false);
            byte[] c = KernelOperands.Codes(length, 4, (ulong)length, false);
            SameElements(set, length, 1, (s, y) => s.QuantizeFloat(x, 0.1f, 64, 3, 250, y));
            SameElements(set, length, 1, (s, y) => s.AddByte(a, 13, 0.37f, c, 200, 1.25f, 99, 2, 251, y));
            SameElements(set, length, 4, (s, y) => s.DequantizeByte(a, 0.3f, 77, MemoryMarshal.Cast<byte, float>(y.AsSpan())));
        }
    }

    private static void Same(KernelSet set, KernelCase test, int size, RowKernel run)
    {
        ConvolutionGeometry g = test.Geometry;
        int rows = g.Batch * g.OutDepth * g.OutHeight;
        byte[] expected = new byte[g.OutLength * size];
        run(_plain, expected, 0, rows);
        foreach (int parts in new[] { 1, 2, 5 })
        {
            byte[] found = new byte[g.OutLength * size];
            for (int part = parts - 1; part >= 0; part--)
            {
                run(set, found, rows * part / parts, rows * (part + 1) / parts);
            }

            KernelAssert.SameBytes(expected, found, $"{test}, {set.Name}, {parts} parts");
        }
    }

    private static void SameElements(KernelSet set, int length, int size, Action<KernelSet, byte[]> run)
    {
        byte[] expected = new byte[length * size];
        byte[] found = new byte[length * size];
        run(_plain, expected);
        run(set, found);
        KernelAssert.SameBytes(expected, found, $"{set.Name}, length {length}");
    }
}
