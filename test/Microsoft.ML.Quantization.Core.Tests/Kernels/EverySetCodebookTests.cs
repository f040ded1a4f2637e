using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Convolutions whose weights are codes of 4 bits: every set gives what it gives for the signed bytes that they look up.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EverySetCodebookTests
{
    private static readonly KernelSet _plain = new PlainKernels();

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => new object[] { s.Name });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void CodesEqualPlain(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        KernelCase[] wide = [new("dense 1", ConvolutionGeometry.Dense(1, 1030, 200), 501), new("dense 5", ConvolutionGeometry.Dense(5, 67, 130), 502), new("dense 40", ConvolutionGeometry.Dense(40, 64, 96), 503)];
        foreach (KernelCase test in KernelCases.Convolutions().Concat(wide))
        {
            foreach (AccumulatorOutput output in new[] { AccumulatorOutput.UInt8, AccumulatorOutput.Int32 })
            {
                byte[] expected = Run(_plain, test, output, 1);
                KernelAssert.SameBytes(expected, Run(set, test, output, 1), $"{test}, {name}, {output}");
                KernelAssert.SameBytes(expected, Run(set, test, output, 3), $"{test}, {name}, {output}, 3 parts");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void CodesTakeAtMostHalfTheBytes(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        ConvolutionGeometry g = ConvolutionGeometry.Dense(1, 1024, 256);
        using PackedWeights codes = set.PackConvolutionCodebook(g, new byte[1024 * 256], new sbyte[16 * 256]);
        Assert.IsTrue(codes.ByteLength < (1024 * 256 / 2) + (256 * 16), $"{codes.ByteLength} bytes");
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void CodesOrLevelsThatCannotBeAreRefused(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        ConvolutionGeometry g = ConvolutionGeometry.Dense(1, 4, 3);
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionCodebook(g, Enumerable.Repeat((byte)16, 12).ToArray(), new sbyte[48]));
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionCodebook(g, new byte[12], [.. new sbyte[47], 1]));
        Assert.ThrowsException<ArgumentException>(() => set.PackConvolutionCodebook(g, new byte[11], new sbyte[48]));
    }

    private static byte[] Run(KernelSet set, KernelCase test, AccumulatorOutput output, int parts)
    {
        ConvolutionGeometry g = test.Geometry;
        var random = new CounterRandom(test.Seed, 6);
        byte[] source = KernelOperands.Codes(g.InLength, test.Seed, 1, test.Extreme);
        byte[] codes = [.. Enumerable.Range(0, g.Depth * g.OutChannels).Select(i => (byte)random.Integer(i, 0, 15))];
        sbyte[] levels = new sbyte[g.OutChannels * 16];
        for (int i = 0; i < levels.Length; i++)
        {
            int run = i / 16 / g.GroupOutChannels * 1000 + (i / 16 % g.GroupOutChannels / 64);
            levels[i] = test.Extreme ? sbyte.MinValue : (sbyte)random.Integer((run * 16) + (i % 16) + 1_000_000, -128, 127);
        }

        IntegerEpilogue epilogue = KernelOperands.Epilogue(g.OutChannels, g.Depth, test.Seed, output);
        byte[] destination = new byte[g.OutLength * KernelCheck.ElementSize(output)];
        using PackedWeights packed = set.PackConvolutionCodebook(g, codes, levels);
        int tiles = set.CountConvolutionByteTiles(g);
        for (int part = parts - 1; part >= 0; part--)
        {
            set.ConvolutionByte(g, source, 117, packed, epilogue, destination, tiles * part / parts, tiles * (part + 1) / parts);
        }

        return destination;
    }
}
