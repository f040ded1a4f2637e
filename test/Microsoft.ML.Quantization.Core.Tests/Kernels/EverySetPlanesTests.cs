using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: layers over bit planes give the bytes of the plain loop in every available set, for every pair of kinds, however the tiles are shared out.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EverySetPlanesTests
{
    private static readonly PlainKernels _plain = new();

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => new object[] { s.Name });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void AccumulatorsEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (PlaneCase test in PlaneCases.All())
        {
            byte[] expected = PlainCache.Values(test, AccumulatorOutput.Int32);
            KernelAssert.SameBytes(expected, Run(set, test, AccumulatorOutput.Int32, 1), $"{test}, {name}");
            KernelAssert.SameBytes(expected, Run(set, test, AccumulatorOutput.Int32, 5), $"{test}, {name}, 5 parts");
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void EveryOutputEqualsPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (PlaneCase test in PlaneCases.All().Where((_, i) => i % 3 == 0))
        {
            foreach (AccumulatorOutput output in Enum.GetValues<AccumulatorOutput>())
            {
                KernelAssert.SameBytes(PlainCache.Values(test, output), Run(set, test, output, 2), $"{test}, {name}, {output}");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void ThresholdsEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (PlaneCase test in PlaneCases.All())
        {
            ConvolutionGeometry g = test.Geometry.Convolution;
            foreach ((int count, int bits) in new[] { (1, 0), (15, 0), (1, 1), (1, 2), (2, 2), (3, 2) })
            {
                if (bits == 0 || g.Groups == 1 || g.GroupOutChannels % 32 == 0)
                {
                    KernelAssert.SameBytes(PlainCache.Codes(test, count, bits), Codes(set, test, count, bits, 3), $"{test}, {name}, {count} thresholds, {bits} bits");
                }
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void ConstantChannelsAreThresholdsAtTheEndsOfTheIntegers(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        PlaneGeometry geometry = new(ConvolutionGeometry.Dense(9, 40, 8), PlaneKind.MidRise, 1, PlaneKind.MidRise, 1);
        int[] ends = [int.MinValue, int.MaxValue, int.MinValue, int.MaxValue, int.MinValue, int.MaxValue, int.MinValue, int.MaxValue];
        int[] directions = [1, 1, -1, -1, 1, 1, -1, -1];
        int[] bias = [0, 0, 0, 0, 1 << 30, -1 << 30, -1 << 30, 1 << 30];
        byte[] expected = [1, 0, 0, 1, 1, 0, 0, 1];
        uint[] source = PlaneCases.Planes(9, 40, 1, 1);
        using PackedWeights packed = set.PackConvolutionPlanes(geometry, new sbyte[320]);
        foreach ((int count, int bits) in new[] { (1, 1), (3, 2), (15, 0) })
        {
            int[] values = [.. Enumerable.Range(0, count * 8).Select(i => ends[i % 8])];
            PlaneEpilogue epilogue = new() { Integer = new() { Bias = bias }, Thresholds = new() { Count = count, Values = values, Directions = directions, PlaneBits = bits } };
            byte[] destination = new byte[epilogue.Thresholds.DestinationBytes(9, 8)];
            set.ConvolutionPlanes(geometry, source, packed, epilogue, destination, 0, set.CountConvolutionPlanesTiles(geometry));
            byte[] codes = bits == 0 ? destination : new byte[72];
            if (bits > 0)
            {
                set.UnpackPlanes(9, 8, bits, MemoryMarshal.Cast<byte, uint>(destination), codes);
            }

            CollectionAssert.AreEqual(Enumerable.Range(0, 72).Select(i => (byte)(expected[i % 8] * count)).ToArray(), codes, $"{name}, {count} thresholds");
        }
    }

    [TestMethod]
    public void AnyCodeInPaddingIsReadAndOtherwisePaddingIsNothing()
    {
        ConvolutionGeometry g = KernelCases.Image(1, 1, 1, 1, 1, 3, 1, 1);
        int[] sums = new int[1];
        foreach (KernelSet set in KernelRegistry.Available)
        {
            foreach ((int code, int expected) in new[] { (-1, 1), (0, 1 - 8), (1, 9) })
            {
                PlaneGeometry planes = new(g, PlaneKind.MidRise, 1, PlaneKind.MidRise, 1) { PaddingCode = code };
                using PackedWeights packed = set.PackConvolutionPlanes(planes, [1, 1, 1, 1, 1, 1, 1, 1, 1]);
                PlaneEpilogue epilogue = new() { Integer = new() { Bias = new int[1], Output = AccumulatorOutput.Int32 } };
                set.ConvolutionPlanes(planes, [1u], packed, epilogue, MemoryMarshal.AsBytes(sums.AsSpan()), 0, set.CountConvolutionPlanesTiles(planes));
                Assert.AreEqual(expected, sums[0], $"{set.Name}, code {code}");
            }
        }
    }

    [TestMethod]
    public void SizesKindsAndCodesThatNoKernelHasAreRefused()
    {
        ManagedKernels set = new();
        ConvolutionGeometry g = ConvolutionGeometry.Dense(1, 8, 4);
        sbyte[] w = new sbyte[32];
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionPlanes(new(g, PlaneKind.Signed, 1, PlaneKind.MidRise, 1), w));
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionPlanes(new(g, PlaneKind.MidRise, 3, PlaneKind.MidRise, 1), w));
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionPlanes(new(g, PlaneKind.MidRise, 1, PlaneKind.Ternary, 1), w));
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionPlanes(new(g, PlaneKind.MidRise, 1, PlaneKind.MidRise, 1) { PaddingCode = 2 }, w));
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionPlanes(new(g with { Groups = 2 }, PlaneKind.MidRise, 1, PlaneKind.MidRise, 1), w));
        w[5] = 2;
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionPlanes(new(g, PlaneKind.MidRise, 1, PlaneKind.MidRise, 1), w));
        w[5] = 1;
        PlaneGeometry planes = new(g, PlaneKind.MidRise, 1, PlaneKind.MidRise, 1);
        using PackedWeights packed = set.PackConvolutionPlanes(planes, w);
        Assert.ThrowsException<ArgumentException>(() => Call(set, planes with { Convolution = ConvolutionGeometry.Dense(2, 8, 4) }, packed, 1, 1, 4));
        Assert.ThrowsException<ArgumentException>(() => Call(set, new(g, PlaneKind.Unsigned, 1, PlaneKind.MidRise, 1), packed, 1, 1, 4));
        Assert.ThrowsException<ArgumentException>(() => Call(set, planes, packed, 2, 1, 4));
        Assert.ThrowsException<ArgumentException>(() => Call(set, planes, packed, 16, 0, 4));
        Assert.ThrowsException<ArgumentException>(() => Call(set, planes, packed, 1, 0, 3));
        Call(set, planes, packed, 1, 0, 4);
    }

    internal static byte[] Run(KernelSet set, PlaneCase test, AccumulatorOutput output, int parts)
    {
        ConvolutionGeometry g = test.Geometry.Convolution;
        byte[] destination = new byte[g.OutLength * KernelCheck.ElementSize(output)];
        Run(set, test, new PlaneEpilogue { Integer = KernelOperands.Epilogue(g.OutChannels, g.Depth, test.Seed, output) }, destination, parts);
        return destination;
    }

    internal static byte[] Codes(KernelSet set, PlaneCase test, int count, int bits, int parts)
    {
        ConvolutionGeometry g = test.Geometry.Convolution;
        (int[] values, int[] directions) = PlaneCases.Thresholds(count, g.OutChannels, g.Depth, test.Seed);
        PlaneEpilogue epilogue = new()
        {
            Integer = new() { Bias = KernelOperands.Epilogue(g.OutChannels, g.Depth, test.Seed, AccumulatorOutput.Int32).Bias.ToArray().Select(b => b / 500).ToArray() },
            Thresholds = new() { Count = count, Values = values, Directions = test.Seed % 3 == 0 ? [] : directions, PlaneBits = bits },
        };
        byte[] destination = new byte[epilogue.Thresholds.DestinationBytes(g.OutPixels, g.OutChannels)];
        Run(set, test, epilogue, destination, parts);
        return destination;
    }

    private static void Run(KernelSet set, PlaneCase test, in PlaneEpilogue epilogue, byte[] destination, int parts)
    {
        uint[] source = PlaneCases.Source(test);
        using PackedWeights packed = set.PackConvolutionPlanes(test.Geometry, PlaneCases.Weights(test));
        int tiles = set.CountConvolutionPlanesTiles(test.Geometry);
        for (int part = parts - 1; part >= 0; part--)
        {
            set.ConvolutionPlanes(test.Geometry, source, packed, epilogue, destination, tiles * part / parts, tiles * (part + 1) / parts);
        }
    }

    private static void Call(KernelSet set, in PlaneGeometry geometry, PackedWeights packed, int thresholds, int bits, int bytes)
    {
        PlaneEpilogue epilogue = new()
        {
            Integer = new() { Bias = new int[4] },
            Thresholds = new() { Count = thresholds, Values = new int[4 * thresholds], PlaneBits = bits },
        };
        set.ConvolutionPlanes(geometry, new uint[1], packed, epilogue, new byte[bytes], 0, 1);
    }

    /// <summary>The plain results, computed once for all sets.</summary>
    internal static class PlainCache
    {
        private static readonly Dictionary<(ulong Seed, int Output, int Bits), byte[]> _results = [];

        public static byte[] Values(PlaneCase test, AccumulatorOutput output) => Get((test.Seed, -1 - (int)output, 0), () => Run(_plain, test, output, 1));

        public static byte[] Codes(PlaneCase test, int count, int bits) => Get((test.Seed, count, bits), () => EverySetPlanesTests.Codes(_plain, test, count, bits, 1));

        private static byte[] Get((ulong Seed, int Output, int Bits) key, Func<byte[]> compute)
        {
            lock (_results)
            {
                if (!_results.TryGetValue(key, out byte[]? result))
                {
                    result = compute();
                    _results.Add(key, result);
                }

                return result;
            }
        }
    }
}
