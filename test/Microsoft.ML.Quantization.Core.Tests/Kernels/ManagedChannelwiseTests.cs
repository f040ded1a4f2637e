using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: depthwise convolution and pooling of every managed width equal the plain kernels, row by row.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class ManagedChannelwiseTests
{
    private static readonly PlainKernels _plain = new();

    [TestMethod]
    [DataRow(128)]
    [DataRow(256)]
    [DataRow(512)]
    public void DepthwiseEqualsPlain(int bits)
    {
        ManagedKernels kernels = new(bits);
        foreach (KernelCase test in KernelCases.Channelwise())
        {
            ConvolutionGeometry g = test.Geometry;
            float[] floats = KernelOperands.Floats(g.InLength, test.Seed, 1);
            float[] weights = KernelOperands.Floats((long)g.Taps * g.OutChannels, test.Seed, 2);
            float[] bias = KernelOperands.Floats(g.OutChannels, test.Seed, 3);
            KernelAssert.SameBits(
                Rows<float>(g, g.OutLength, 1, (y, begin, end) => _plain.DepthwiseFloat(g, floats, weights, bias, -1, 3, y, begin, end)),
                Rows<float>(g, g.OutLength, 2, (y, begin, end) => kernels.DepthwiseFloat(g, floats, weights, bias, -1, 3, y, begin, end)),
                $"{test}, {bits} bits");

            byte[] codes = KernelOperands.Codes(g.InLength, test.Seed, 4, test.Extreme);
            sbyte[] small = KernelOperands.Weights((long)g.Taps * g.OutChannels, test.Seed, 5, test.Extreme, 1);
            foreach (AccumulatorOutput output in Enum.GetValues<AccumulatorOutput>())
            {
                DepthwiseBytes(kernels, test, codes, small, output);
            }
        }
    }

    [TestMethod]
    [DataRow(128)]
    [DataRow(256)]
    [DataRow(512)]
    public void PoolingEqualsPlain(int bits)
    {
        ManagedKernels kernels = new(bits);
        foreach (KernelCase test in KernelCases.Channelwise())
        {
            ConvolutionGeometry g = test.Geometry;
            float[] floats = KernelOperands.Floats(g.InLength, test.Seed, 1);
            floats[floats.Length / 2] = float.NaN;
            byte[] codes = KernelOperands.Codes(g.InLength, test.Seed, 4, test.Extreme);
            ComparePools(_plain, kernels, g, floats, codes, $"{test}, {bits} bits");
        }
    }

    [TestMethod]
    [DataRow(128)]
    [DataRow(256)]
    [DataRow(512)]
    public void GlobalAverageFollowsTheSixteenLanes(int bits)
    {
        ManagedKernels kernels = new(bits);
        foreach ((int pixels, int channels) in new[] { (1, 1), (7, 20), (16, 16), (49, 70), (1000, 3) })
        {
            float[] source = KernelOperands.Floats(2 * pixels * channels, 9, (ulong)pixels);
            float[] expected = new float[2 * channels];
            float[] found = new float[2 * channels];
            _plain.GlobalAverageFloat(2, pixels, channels, source, expected);
            kernels.GlobalAverageFloat(2, pixels, channels, source, found);
            KernelAssert.SameBits(expected, found, $"{pixels} pixels, {channels} channels, {bits} bits");
        }
    }

    private static void ComparePools(KernelSet plain, KernelSet kernels, ConvolutionGeometry g, float[] floats, byte[] codes, string what)
    {
        KernelAssert.SameBits(
            Rows<float>(g, g.OutLength, 1, (y, begin, end) => plain.MaxPoolFloat(g, floats, y, begin, end)),
            Rows<float>(g, g.OutLength, 2, (y, begin, end) => kernels.MaxPoolFloat(g, floats, y, begin, end)),
            what + ", max float");
        KernelAssert.SameBytes(
            Rows<byte>(g, g.OutLength, 1, (y, begin, end) => plain.MaxPoolByte(g, codes, y, begin, end)),
            Rows<byte>(g, g.OutLength, 2, (y, begin, end) => kernels.MaxPoolByte(g, codes, y, begin, end)),
            what + ", max byte");
        foreach (bool all in new[] { false, true })
        {
            KernelAssert.SameBits(
                Rows<float>(g, g.OutLength, 1, (y, begin, end) => plain.AveragePoolFloat(g, all, floats, y, begin, end)),
                Rows<float>(g, g.OutLength, 2, (y, begin, end) => kernels.AveragePoolFloat(g, all, floats, y, begin, end)),
                what + ", mean float");
            KernelAssert.SameBytes(
                Rows<byte>(g, g.OutLength, 1, (y, begin, end) => plain.AveragePoolByte(g, all, codes, 120, 0.9f, 7, 1, 250, y, begin, end)),
                Rows<byte>(g, g.OutLength, 2, (y, begin, end) => kernels.AveragePoolByte(g, all, codes, 120, 0.9f, 7, 1, 250, y, begin, end)),
                what + ", mean byte");
        }
    }

    private static void DepthwiseBytes(ManagedKernels kernels, KernelCase test, byte[] codes, sbyte[] weights, AccumulatorOutput output)
    {
        ConvolutionGeometry g = test.Geometry;
        long length = g.OutLength * KernelCheck.ElementSize(output);
        byte[] expected = new byte[length];
        byte[] found = new byte[length];
        IntegerEpilogue epilogue = KernelOperands.Epilogue(g.OutChannels, g.Taps, test.Seed, output);
        int rows = g.Batch * g.OutDepth * g.OutHeight;
        _plain.DepthwiseByte(g, codes, 131, weights, epilogue, expected, 0, rows);
        kernels.DepthwiseByte(g, codes, 131, weights, epilogue, found, rows / 2, rows);
        kernels.DepthwiseByte(g, codes, 131, weights, epilogue, found, 0, rows / 2);
        KernelAssert.SameBytes(expected, found, $"{test}, {kernels.Name}, {output}");
    }

    private static T[] Rows<T>(in ConvolutionGeometry g, long length, int parts, Action<T[], int, int> run)
    {
        T[] destination = new T[length];
        int rows = g.Batch * g.OutDepth * g.OutHeight;
        for (int part = parts - 1; part >= 0; part--)
        {
            run(destination, rows * part / parts, rows * (part + 1) / parts);
        }

        return destination;
    }
}
