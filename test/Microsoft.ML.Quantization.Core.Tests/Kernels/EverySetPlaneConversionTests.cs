using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: packing, unpacking, thresholds and max-pooling of bit planes equal the plain loops in every set.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EverySetPlaneConversionTests
{
    private static readonly PlainKernels _plain = new();
    private static readonly int[] _channels = [1, 2, 7, 31, 32, 33, 63, 64, 65, 100, 128, 200];

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => new object[] { s.Name });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void PackingEqualsPlainAndUnpackingGivesTheCodesBack(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (int channels in _channels)
        {
            for (int bits = 1; bits <= 2; bits++)
            {
                byte[] codes = KernelOperands.Codes(3 * channels, 7, (ulong)channels, false);
                uint[] expected = new uint[PlaneLayout.Length(3, channels, bits)];
                uint[] found = [.. Enumerable.Repeat(uint.MaxValue, expected.Length)];
                _plain.PackPlanes(3, channels, bits, codes, expected);
                set.PackPlanes(3, channels, bits, codes, found);
                CollectionAssert.AreEqual(expected, found, $"{name}, {channels} channels, {bits} bits");
                byte[] back = new byte[codes.Length];
                set.UnpackPlanes(3, channels, bits, found, back);
                CollectionAssert.AreEqual(codes.Select(c => (byte)(c & ((1 << bits) - 1))).ToArray(), back, $"{name}, {channels} channels, {bits} bits");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void ThresholdsOfFloatsEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (int channels in _channels)
        {
            float[] x = KernelOperands.Floats(5 * channels, 8, (ulong)channels);
            for (int i = 0; i < x.Length; i += 11)
            {
                x[i] = (i % 3) switch { 0 => float.NaN, 1 => float.NegativeInfinity, _ => float.PositiveInfinity };
            }

            float[] values = KernelOperands.Floats(15 * channels, 9, (ulong)channels);
            values[0] = float.NaN;
            (_, int[] directions) = PlaneCases.Thresholds(1, channels, 1, (ulong)channels);
            foreach ((int count, int bits) in new[] { (1, 0), (15, 0), (1, 1), (3, 2) })
            {
                Same(name, channels, count, bits, (kernels, y) => kernels.ThresholdFloat(5, channels, x, new() { Count = count, Values = values, Directions = directions, PlaneBits = bits }, y), set);
                Same(name, channels, count, bits, (kernels, y) => kernels.ThresholdFloat(5, channels, x, new() { Count = count, Values = values, PlaneBits = bits }, y), set);
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void ThresholdsOfIntegersEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (int channels in _channels)
        {
            int[] x = MemoryMarshal.Cast<byte, int>(KernelOperands.Codes(5 * 4 * channels, 8, (ulong)channels, false)).ToArray();
            (int[] values, int[] directions) = PlaneCases.Thresholds(15, channels, 1, (ulong)channels);
            for (int i = 0; i < x.Length; i += 2)
            {
                x[i] = (i % 14) switch { 0 => int.MinValue, 2 => int.MaxValue, _ => values[i % values.Length] };
            }

            foreach ((int count, int bits) in new[] { (1, 0), (15, 0), (1, 1), (3, 2) })
            {
                Same(name, channels, count, bits, (kernels, y) => kernels.ThresholdInt32(5, channels, x, new() { Count = count, Values = values, Directions = directions, PlaneBits = bits }, y), set);
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void MaxPoolingEqualsPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (KernelCase test in KernelCases.Channelwise())
        {
            ConvolutionGeometry g = test.Geometry;
            int rows = g.Batch * g.OutDepth * g.OutHeight;
            for (int bits = 1; bits <= 2; bits++)
            {
                uint[] source = PlaneCases.Planes((int)(g.InLength / g.InChannels), g.InChannels, bits, test.Seed);
                uint[] expected = new uint[PlaneLayout.Length(g.OutPixels, g.OutChannels, bits)];
                uint[] found = new uint[expected.Length];
                _plain.MaxPoolPlanes(g, bits, source, expected, 0, rows);
                set.MaxPoolPlanes(g, bits, source, found, rows / 2, rows);
                set.MaxPoolPlanes(g, bits, source, found, 0, rows / 2);
                CollectionAssert.AreEqual(expected, found, $"{test}, {name}, {bits} bits");
            }
        }
    }

    [TestMethod]
    public void ASignIsOneThresholdOfZero()
    {
        float[] x = [-1f, -0f, 0f, float.Epsilon, -float.Epsilon, float.NaN, 5f];
        byte[] planes = new byte[4];
        foreach (KernelSet set in KernelRegistry.Available)
        {
            set.ThresholdFloat(1, x.Length, x, new() { Count = 1, Values = new float[x.Length], PlaneBits = 1 }, planes);
            CollectionAssert.AreEqual(new byte[] { 0b1001110, 0, 0, 0 }, planes, set.Name);
        }
    }

    private static void Same(string name, int channels, int count, int bits, Action<KernelSet, byte[]> run, KernelSet set)
    {
        long bytes = new ThresholdTable<int> { PlaneBits = bits }.DestinationBytes(5, channels);
        byte[] expected = new byte[bytes];
        byte[] found = new byte[bytes];
        run(_plain, expected);
        run(set, found);
        KernelAssert.SameBytes(expected, found, $"{name}, {channels} channels, {count} thresholds, {bits} bits");
    }
}
