using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: dense layers whose weights stay narrow in memory give the plain loop's bits in every available set, however the tiles are shared out.</summary>
[TestClass]
public sealed class EverySetNarrowTests
{
    private static readonly PlainKernels _plain = new();

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => s.Name).Union(["managed128", "managed256", "managed512"]).Select(n => new object[] { n });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void NarrowDenseEqualsPlain(string name)
    {
        KernelSet set = Find(name);
        for (int seed = 0; seed < 84; seed++)
        {
            CounterRandom random = new(6, (ulong)seed);
            int rows = seed % 3 == 0 ? 1 : random.Integer(0, 1, 19);
            int step = random.Integer(1, 1, seed % 7 == 6 ? 1 : 2);
            var g = new NarrowGeometry(rows, random.Integer(2, 1, 400), random.Integer(3, 1, 170), 1 + (seed % 7), step);
            Same(set, g, Weights(g, (ulong)seed), KernelOperands.Codes((long)g.Rows * g.Inputs, (ulong)seed, 1, false), (AccumulatorOutput)(seed % 4), (ulong)seed);
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void TheLongestRowsOfTheLargestProductsAreExact(string name)
    {
        KernelSet set = Find(name);
        foreach (int bits in new[] { 1, 2, 4, 7 })
        {
            var g = new NarrowGeometry(2, NarrowGeometry.LongestRow, 3, bits, 1);
            sbyte[] weights = new sbyte[g.Outputs * g.Inputs];
            Array.Fill(weights, (sbyte)((1 << bits) - 1));
            for (int o = 0; o < g.Outputs; o++)
            {
                weights[o * g.Inputs] = 0;
            }

            byte[] source = new byte[g.Rows * g.Inputs];
            Array.Fill(source, byte.MaxValue, 0, g.Inputs);
            Same(set, g, weights, source, AccumulatorOutput.Int32, 1);
        }
    }

    [TestMethod]
    public void TheFewestBitsOfWeightsAreFound()
    {
        Assert.AreEqual(new NarrowGeometry(1, 4, 1, 1, 2), NarrowGeometry.Of(1, 4, 1, [-1, 1, 1, -1]));
        Assert.AreEqual(new NarrowGeometry(1, 2, 2, 1, 1), NarrowGeometry.Of(1, 2, 2, [0, 1, 5, 4]));
        Assert.AreEqual(new NarrowGeometry(1, 3, 1, 2, 1), NarrowGeometry.Of(1, 3, 1, [-1, 0, 1]));
        Assert.AreEqual(new NarrowGeometry(1, 4, 1, 2, 2), NarrowGeometry.Of(1, 4, 1, [-3, -1, 1, 3]));
        Assert.AreEqual(new NarrowGeometry(1, 2, 1, 1, 254), NarrowGeometry.Of(1, 2, 1, [-127, 127]));
        Assert.AreEqual(new NarrowGeometry(1, 3, 1, 7, 1), NarrowGeometry.Of(1, 3, 1, [-63, 64, 0]));
        Assert.AreEqual(new NarrowGeometry(1, 2, 1, 1, 1), NarrowGeometry.Of(1, 2, 1, [9, 9]));
        Assert.IsNull(NarrowGeometry.Of(1, 3, 1, [-64, 64, 1]));
        Assert.IsNull(NarrowGeometry.Of(1, NarrowGeometry.LongestRow + 1, 1, new sbyte[NarrowGeometry.LongestRow + 1]));
    }

    [TestMethod]
    public void WeightsOfAnotherFormAreRefused()
    {
        var set = new ManagedKernels();
        Assert.ThrowsException<ArgumentException>(() => set.PackDenseNarrow(new NarrowGeometry(1, 2, 1, 1, 1), [0, 2]));
        Assert.ThrowsException<ArgumentException>(() => set.PackDenseNarrow(new NarrowGeometry(1, 2, 1, 2, 2), [0, 1]));
        Assert.ThrowsException<ArgumentException>(() => set.PackDenseNarrow(new NarrowGeometry(1, 2, 1, 8, 1), [0, 1]));
    }

    /// <summary>Random weights of a geometry, each output with a least value of its own.</summary>
    internal static sbyte[] Weights(in NarrowGeometry g, ulong seed)
    {
        CounterRandom random = new(seed, 2);
        int top = (1 << g.Bits) - 1;
        sbyte[] weights = new sbyte[g.Outputs * g.Inputs];
        for (int o = 0; o < g.Outputs; o++)
        {
            int low = random.Integer(-1 - o, sbyte.MinValue, sbyte.MaxValue - (g.Step * top));
            for (int k = 0; k < g.Inputs; k++)
            {
                weights[(o * g.Inputs) + k] = (sbyte)(low + (g.Step * random.Integer((o * g.Inputs) + k, 0, top)));
            }
        }

        return weights;
    }

    private static KernelSet Find(string name) => KernelRegistry.Available.FirstOrDefault(s => s.Name == name) ?? new ManagedKernels(int.Parse(name[^3..], CultureInfo.InvariantCulture));

    private static void Same(KernelSet set, NarrowGeometry g, sbyte[] weights, byte[] source, AccumulatorOutput output, ulong seed)
    {
        byte[] expected = Run(_plain, g, weights, source, output, seed, 1);
        foreach (int parts in new[] { 1, 3 })
        {
            KernelAssert.SameBytes(expected, Run(set, g, weights, source, output, seed, parts), $"{g}, {set.Name}, {output}, {parts} parts");
        }
    }

    private static byte[] Run(KernelSet set, NarrowGeometry g, sbyte[] weights, byte[] source, AccumulatorOutput output, ulong seed, int parts)
    {
        byte[] destination = new byte[g.Rows * g.Outputs * KernelCheck.ElementSize(output)];
        IntegerEpilogue epilogue = KernelOperands.Epilogue(g.Outputs, g.Inputs, seed, output);
        using PackedWeights packed = set.PackDenseNarrow(g with { Rows = 1 }, weights);
        int tiles = set.CountDenseNarrowTiles(g);
        for (int part = parts - 1; part >= 0; part--)
        {
            set.DenseNarrow(g, source, packed, epilogue, destination, tiles * part / parts, tiles * (part + 1) / parts);
        }

        return destination;
    }
}
