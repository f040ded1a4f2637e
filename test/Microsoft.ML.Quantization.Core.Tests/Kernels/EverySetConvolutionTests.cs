using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: convolution of every available set equals the plain one bit for bit, however the tiles are shared out.</summary>
[TestClass]
public sealed class EverySetConvolutionTests
{
    private static readonly PlainKernels _plain = new();

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => new object[] { s.Name });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void FloatChainsEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (KernelCase test in KernelCases.Convolutions())
        {
            foreach (int parts in new[] { 1, 2, 5 })
            {
                KernelAssert.SameBytes(PlainCache.Float(test), RunFloat(set, test, parts), $"{test}, {name}, {parts} parts");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void IntegersEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (KernelCase test in KernelCases.Convolutions())
        {
            foreach (AccumulatorOutput output in Enum.GetValues<AccumulatorOutput>())
            {
                byte[] expected = PlainCache.Code(test, output);
                foreach (int parts in output == AccumulatorOutput.UInt8 ? new[] { 1, 2, 5 } : [1])
                {
                    KernelAssert.SameBytes(expected, RunCode(set, test, output, parts), $"{test}, {name}, {output}, {parts} parts");
                }
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void UnusualEpiloguesEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (KernelCase test in KernelCases.Convolutions().Where(c => c.Geometry.OutLength * c.Geometry.Depth < 200000))
        {
            ConvolutionGeometry g = test.Geometry;
            byte[] wild = RunCode(_plain, test, KernelOperands.WildEpilogue(g.OutChannels, g.Depth, test.Seed), 1);
            KernelAssert.SameBytes(wild, RunCode(set, test, KernelOperands.WildEpilogue(g.OutChannels, g.Depth, test.Seed), 1), $"{test}, {name}, wild");
            byte[] centered = RunCode(_plain, test, KernelOperands.CenteredEpilogue(g.OutChannels, g.Depth, test.Seed), 1);
            KernelAssert.SameBytes(centered, RunCode(set, test, KernelOperands.CenteredEpilogue(g.OutChannels, g.Depth, test.Seed), 1), $"{test}, {name}, centered");
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void PaddingOfZerosThatKernelsLeaveOutEqualsPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        KernelCase[] rows = [new("rows of 9", KernelCases.Image(5, 1, 9, 8, 8, 3, 1, 1), 401), new("7x7 of 7x7", KernelCases.Image(2, 7, 7, 8, 36, 7, 1, 3), 402), new("5x5 of 15x8", KernelCases.Image(3, 15, 8, 4, 33, 5, 1, 2), 403)];
        foreach (KernelCase test in KernelCases.Convolutions().Concat(rows).Where(c => c.Geometry.PadHeight > 0))
        {
            IntegerEpilogue epilogue = KernelOperands.Epilogue(test.Geometry.OutChannels, test.Geometry.Depth, test.Seed, AccumulatorOutput.UInt8);
            byte[] expected = RunCode(_plain, test, epilogue, 1, padding: 0);
            KernelAssert.SameBytes(expected, RunCode(set, test, epilogue, 1, padding: 0), $"{test}, {name}");
            KernelAssert.SameBytes(expected, RunCode(set, test, epilogue, 3, padding: 0), $"{test}, {name}, 3 parts");
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void WeightsOfSevenBitsEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (KernelCase test in KernelCases.Convolutions())
        {
            KernelCase seven = test with { Geometry = test.Geometry with { WeightBits = 7 } };
            IntegerEpilogue epilogue = KernelOperands.Epilogue(test.Geometry.OutChannels, test.Geometry.Depth, test.Seed, AccumulatorOutput.Int32);
            byte[] expected = RunCode(_plain, seven, epilogue, 1);
            KernelAssert.SameBytes(expected, RunCode(set, seven, epilogue, 1), $"{test}, {name}");
            KernelAssert.SameBytes(expected, RunCode(set, seven, epilogue, 3), $"{test}, {name}, 3 parts");
            KernelAssert.SameBytes(RunCode(_plain, seven, epilogue, 1, padding: 0), RunCode(set, seven, epilogue, 1, padding: 0), $"{test}, {name}, padded with 0");
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void ProductsOfTheLargestCodesAndSevenBitWeightsDoNotSaturate(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach ((int channels, sbyte weight) in new (int, sbyte)[] { (8, 64), (8, -64), (7, 64), (7, -64) })
        {
            ConvolutionGeometry g = ConvolutionGeometry.Dense(3, channels, 5) with { WeightBits = 7 };
            using PackedWeights packed = set.PackConvolutionByte(g, [.. Enumerable.Repeat(weight, channels * 5)]);
            byte[] sums = new byte[15 * sizeof(int)];
            set.ConvolutionByte(g, [.. Enumerable.Repeat((byte)255, 3 * channels)], 0, packed, new IntegerEpilogue { Bias = new int[5], Output = AccumulatorOutput.Int32 }, sums, 0, set.CountConvolutionByteTiles(g));
            CollectionAssert.AreEqual(Enumerable.Repeat(255 * weight * channels, 15).ToArray(), MemoryMarshal.Cast<byte, int>(sums).ToArray(), $"{channels} channels, {weight}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void WeightsBeyondSevenBitsAreRefusedWhereTheGeometryPromisesNone(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        ConvolutionGeometry g = ConvolutionGeometry.Dense(1, 4, 4) with { WeightBits = 7 };
        foreach (sbyte large in new sbyte[] { 65, -65, sbyte.MinValue })
        {
            ArgumentException error = Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionByte(g, [.. new sbyte[15], large]));
            StringAssert.Contains(error.Message, "64");
        }

        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionCodebook(g, new byte[16], new sbyte[64]));
        ConvolutionGeometry eight = g with { WeightBits = 0 };
        using PackedWeights packed = set.PackConvolutionByte(eight, new sbyte[16]);
        if (packed.Layout.StartsWith("mlq/", StringComparison.Ordinal))
        {
            Assert.ThrowsException<ArgumentException>(() => set.ConvolutionByte(g, new byte[4], 0, packed, new IntegerEpilogue { Bias = new int[4], Output = AccumulatorOutput.Int32 }, new byte[16], 0, 1), "packed for another geometry");
        }
    }

    internal static byte[] RunFloat(KernelSet set, KernelCase test, int parts)
    {
        ConvolutionGeometry g = test.Geometry;
        float[] source = KernelOperands.Floats(g.InLength, test.Seed, 1);
        float[] weights = KernelOperands.Floats((long)g.Depth * g.OutChannels, test.Seed, 2);
        float[] bias = KernelOperands.Floats(g.OutChannels, test.Seed, 3);
        float[] destination = new float[g.OutLength];
        using PackedWeights packed = set.PackConvolutionFloat(g, weights);
        int tiles = set.CountConvolutionFloatTiles(g);
        for (int part = parts - 1; part >= 0; part--)
        {
            set.ConvolutionFloat(g, source, packed, bias, -2, float.PositiveInfinity, destination, tiles * part / parts, tiles * (part + 1) / parts);
        }

        return MemoryMarshal.AsBytes(destination.AsSpan()).ToArray();
    }

    internal static sbyte[] Weights(KernelCase test)
    {
        ConvolutionGeometry g = test.Geometry;
        sbyte[] weights = KernelOperands.Weights((long)g.Depth * g.OutChannels, test.Seed, 2, test.Extreme, g.Depth);
        return g.WeightBits == 0 ? weights : Array.ConvertAll(weights, w => sbyte.Clamp(w, -ConvolutionGeometry.LargestSevenBitWeight, ConvolutionGeometry.LargestSevenBitWeight));
    }

    internal static byte[] RunCode(KernelSet set, KernelCase test, AccumulatorOutput output, int parts)
        => RunCode(set, test, KernelOperands.Epilogue(test.Geometry.OutChannels, test.Geometry.Depth, test.Seed, output), parts);

    private static byte[] RunCode(KernelSet set, KernelCase test, in IntegerEpilogue epilogue, int parts, byte padding = 117)
    {
        ConvolutionGeometry g = test.Geometry;
        byte[] source = KernelOperands.Codes(g.InLength, test.Seed, 1, test.Extreme);
        sbyte[] weights = Weights(test);
        byte[] destination = new byte[g.OutLength * KernelCheck.ElementSize(epilogue.Output)];
        using PackedWeights packed = set.PackConvolutionByte(g, weights);
        int tiles = set.CountConvolutionByteTiles(g);
        for (int part = parts - 1; part >= 0; part--)
        {
            set.ConvolutionByte(g, source, padding, packed, epilogue, destination, tiles * part / parts, tiles * (part + 1) / parts);
        }

        return destination;
    }

    /// <summary>The plain results, computed once for all sets.</summary>
    private static class PlainCache
    {
        private static readonly Dictionary<(string Name, ulong Seed, int Output), byte[]> _results = [];

        public static byte[] Float(KernelCase test) => Get(test, -1, () => RunFloat(_plain, test, 1));

        public static byte[] Code(KernelCase test, AccumulatorOutput output) => Get(test, (int)output, () => RunCode(_plain, test, output, 1));

        private static byte[] Get(KernelCase test, int output, Func<byte[]> compute)
        {
            lock (_results)
            {
                if (!_results.TryGetValue((test.Name, test.Seed, output), out byte[]? result))
                {
                    result = compute();
                    _results.Add((test.Name, test.Seed, output), result);
                }

                return result;
            }
        }
    }
}
