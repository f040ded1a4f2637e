using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: every managed width gives the bytes of the plain kernels, however the tiles are split.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class ManagedConvolutionTests
{
    private static readonly PlainKernels _plain = new();

    [TestMethod]
    [DataRow(128)]
    [DataRow(256)]
    [DataRow(512)]
    public void FloatConvolutionEqualsThePlainChain(int bits)
    {
        ManagedKernels kernels = new(bits);
        foreach (KernelCase test in KernelCases.Convolutions())
        {
            ConvolutionGeometry g = test.Geometry;
            float[] source = KernelOperands.Floats(g.InLength, test.Seed, 1);
            float[] weights = KernelOperands.Floats((long)g.OutChannels * g.Depth, test.Seed, 2);
            float[] bias = KernelOperands.Floats(g.OutChannels, test.Seed, 3);
            (float low, float high) = test.Seed % 2 == 0 ? (0f, 6f) : (float.NegativeInfinity, float.PositiveInfinity);
            float[] expected = RunFloat(_plain, g, source, weights, bias, low, high, 1);
            KernelAssert.SameBits(expected, RunFloat(kernels, g, source, weights, bias, low, high, 1), $"{test}, {bits} bits");
            KernelAssert.SameBits(expected, RunFloat(kernels, g, source, weights, bias, low, high, 3), $"{test}, {bits} bits, split");
        }
    }

    [TestMethod]
    [DataRow(128)]
    [DataRow(256)]
    [DataRow(512)]
    public void ByteConvolutionIsExact(int bits)
    {
        ManagedKernels kernels = new(bits);
        foreach (KernelCase test in KernelCases.Convolutions())
        {
            ConvolutionGeometry g = test.Geometry;
            byte[] source = KernelOperands.Codes(g.InLength, test.Seed, 1, test.Extreme);
            sbyte[] weights = KernelOperands.Weights((long)g.OutChannels * g.Depth, test.Seed, 2, test.Extreme, g.Depth);
            byte padding = (byte)(test.Seed * 37);
            foreach (AccumulatorOutput output in Enum.GetValues<AccumulatorOutput>())
            {
                IntegerEpilogue epilogue = KernelOperands.Epilogue(g.OutChannels, g.Depth, test.Seed, output);
                byte[] expected = RunByte(_plain, g, source, padding, weights, epilogue, 1);
                KernelAssert.SameBytes(expected, RunByte(kernels, g, source, padding, weights, epilogue, 1), $"{test}, {bits} bits, {output}");
                KernelAssert.SameBytes(expected, RunByte(kernels, g, source, padding, weights, epilogue, 3), $"{test}, {bits} bits, {output}, split");
            }
        }
    }

    [TestMethod]
    public void WeightsOfAnotherLayoutAreRefused()
    {
        ConvolutionGeometry g = ConvolutionGeometry.Dense(1, 4, 4);
        using PackedWeights packed = new ManagedKernels(128).PackConvolutionFloat(g, new float[16]);
        float[] x = new float[4];
        Assert.ThrowsException<ArgumentException>(() => new ManagedKernels(512).ConvolutionFloat(g, x, packed, x, 0, 1, x, 0, 1));
    }

    [TestMethod]
    public void ShortSpansAndWrongTilesAreRefused()
    {
        ConvolutionGeometry g = ConvolutionGeometry.Dense(1, 4, 4);
        ManagedKernels kernels = new();
        using PackedWeights packed = kernels.PackConvolutionFloat(g, new float[16]);
        float[] x = new float[4];
        float[] shorter = new float[3];
        Assert.ThrowsException<ArgumentException>(() => kernels.PackConvolutionFloat(g, new float[15]));
        Assert.ThrowsException<ArgumentException>(() => kernels.ConvolutionFloat(g, shorter, packed, x, 0, 1, x, 0, 1));
        Assert.ThrowsException<ArgumentException>(() => kernels.ConvolutionFloat(g, x, packed, shorter, 0, 1, x, 0, 1));
        Assert.ThrowsException<ArgumentException>(() => kernels.ConvolutionFloat(g, x, packed, x, 0, 1, shorter, 0, 1));
        Assert.ThrowsException<ArgumentException>(() => kernels.ConvolutionFloat(g, x, packed, x, 0, 1, x, 0, 2));
        Assert.ThrowsException<ArgumentException>(() => kernels.ConvolutionFloat(g, x, packed, x, 0, 1, x, -1, 1));
    }

    private static float[] RunFloat(
        KernelSet kernels, in ConvolutionGeometry g, float[] source, float[] weights, float[] bias, float low, float high, int parts)
    {
        using PackedWeights packed = kernels.PackConvolutionFloat(g, weights);
        float[] destination = new float[g.OutLength];
        int tiles = kernels.CountConvolutionFloatTiles(g);
        for (int part = parts - 1; part >= 0; part--)
        {
            kernels.ConvolutionFloat(g, source, packed, bias, low, high, destination, tiles * part / parts, tiles * (part + 1) / parts);
        }

        return destination;
    }

    private static byte[] RunByte(
        KernelSet kernels, in ConvolutionGeometry g, byte[] source, byte padding, sbyte[] weights, in IntegerEpilogue epilogue, int parts)
    {
        using PackedWeights packed = kernels.PackConvolutionByte(g, weights);
        byte[] destination = new byte[g.OutLength * KernelCheck.ElementSize(epilogue.Output)];
        int tiles = kernels.CountConvolutionByteTiles(g);
        for (int part = parts - 1; part >= 0; part--)
        {
            kernels.ConvolutionByte(g, source, padding, packed, epilogue, destination, tiles * part / parts, tiles * (part + 1) / parts);
        }

        return destination;
    }
}
