using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: dense layers with weights in groups give the plain loop's bits in every available set, however the tiles are shared out.</summary>
[TestClass]
public sealed class EverySetGroupedTests
{
    private static readonly PlainKernels _plain = new();

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => s.Name).Union(["managed128", "managed256", "managed512"]).Select(n => new object[] { n });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void GroupedDenseEqualsPlain(string name)
    {
        KernelSet set = Find(name);
        int[] inputs = [1, 15, 17, 63, 97, 160, 320];
        int[] groupSizes = [1, 7, 32, 64, 128, 1000];
        for (int seed = 0; seed < 120; seed++)
        {
            CounterRandom random = new(5, (ulong)seed);
            int rows = seed % 4 == 0 ? 1 : random.Integer(0, 1, 40);
            var g = new GroupedGeometry(rows, inputs[random.Integer(1, 0, 6)], random.Integer(2, 1, 70), groupSizes[random.Integer(3, 0, 5)], 2 + (seed % 7)) { ScaleBits = seed % 3 == 0 ? 16 : 32 };
            Same(set, g, (ulong)seed, seed % 5 == 4);
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void LongGroupsAndManyRowsEqualPlain(string name)
    {
        KernelSet set = Find(name);
        foreach (int bits in new[] { 2, 4, 8 })
        {
            Same(set, new GroupedGeometry(3, 3000, 5, 3000, bits), 1, true);
            Same(set, new GroupedGeometry(301, 33, 3, 32, bits), 2, false);
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void RowsThatAreNotFiniteGiveNaNAndSmallOnesLoseNothingElse(string name)
    {
        KernelSet set = Find(name);
        var g = new GroupedGeometry(6, 20, 3, 16, 4);
        float[] x = new float[g.Rows * g.Inputs];
        Array.Fill(x, 1f, 0, 3 * g.Inputs);
        x[3] = float.NaN;
        x[g.Inputs + 19] = float.NegativeInfinity;
        Array.Fill(x, 1e-45f, 3 * g.Inputs, g.Inputs);
        Array.Fill(x, float.MaxValue, 5 * g.Inputs, g.Inputs);
        sbyte[] w = [.. Enumerable.Repeat((sbyte)1, g.Outputs * g.Inputs)];
        float[] scales = [.. Enumerable.Repeat(0.5f, g.Outputs * g.Groups)];
        float[] y = Run(set, g, x, w, scales, new float[g.Outputs], float.NegativeInfinity, float.PositiveInfinity, 1);
        Assert.IsTrue(y[..6].All(float.IsNaN));
        float one = 20 * 127 * 0.5f * (1f / 127);
        Assert.IsTrue(y[6..9].All(v => v == one), string.Join(", ", y));
        Assert.IsTrue(y[9..15].All(v => v == 0f), string.Join(", ", y));
        Assert.IsTrue(y[15..].All(float.IsPositiveInfinity), string.Join(", ", y));
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void ScalesThatAreNoHalvesAreRefusedAsSuch(string name)
    {
        var g = new GroupedGeometry(1, 4, 1, 4, 4) { ScaleBits = 16 };
        KernelSet set = Find(name);
        set.PackGroupedDense(g, new sbyte[4], [1.5f]).Dispose();
        Assert.ThrowsException<ArgumentException>(() => set.PackGroupedDense(g, new sbyte[4], [0.1f]));
    }

    /// <summary>Scales as a geometry asks for them; halves with the smallest ones among them.</summary>
    internal static float[] Scales(in GroupedGeometry g, ulong seed)
    {
        float[] scales = KernelOperands.Floats((long)g.Outputs * g.Groups, seed, 3);
        return g.ScaleBits == 32 ? scales : [.. scales.Select((s, i) => (float)(Half)(i % 5 == 4 ? s / 100000 : s))];
    }

    private static KernelSet Find(string name) => KernelRegistry.Available.FirstOrDefault(s => s.Name == name) ?? new ManagedKernels(int.Parse(name[^3..], CultureInfo.InvariantCulture));

    private static void Same(KernelSet set, GroupedGeometry g, ulong seed, bool extreme)
    {
        float[] x = KernelOperands.Floats((long)g.Rows * g.Inputs, seed, 1);
        CounterRandom random = new(seed, 2);
        int least = -(1 << (g.Bits - 1));
        sbyte[] w = new sbyte[g.Outputs * g.Inputs];
        for (int i = 0; i < w.Length; i++)
        {
            w[i] = (sbyte)(extreme ? least : random.Integer(i, least, -least - 1));
        }

        if (extreme)
        {
            Array.Fill(x, -3f);
        }

        float[] scales = Scales(g, seed);
        float[] bias = KernelOperands.Floats(g.Outputs, seed, 4);
        float[] expected = Run(_plain, g, x, w, scales, bias, -100, 150, 1);
        foreach (int parts in new[] { 1, 3 })
        {
            float[] found = Run(set, g, x, w, scales, bias, -100, 150, parts);
            KernelAssert.SameBytes(MemoryMarshal.AsBytes(expected.AsSpan()), MemoryMarshal.AsBytes(found.AsSpan()), $"{g}, {set.Name}, {parts} parts");
        }
    }

    internal static float[] Run(KernelSet set, GroupedGeometry g, float[] x, sbyte[] w, float[] scales, float[] bias, float low, float high, int parts)
    {
        sbyte[] codes = new sbyte[g.Rows * g.RowStride];
        Array.Fill(codes, (sbyte)99);
        int[] sums = new int[g.Rows * g.Groups];
        float[] rowScales = new float[g.Rows];
        float[] y = new float[g.OutLength];
        using PackedWeights packed = set.PackGroupedDense(new GroupedGeometry(1, g.Inputs, g.Outputs, g.GroupSize, g.Bits) { ScaleBits = g.ScaleBits }, w, scales);
        int tiles = set.CountGroupedDenseTiles(g);
        for (int part = parts - 1; part >= 0; part--)
        {
            set.QuantizeRows(g, x, codes, sums, rowScales, g.Rows * part / parts, g.Rows * (part + 1) / parts);
        }

        for (int part = parts - 1; part >= 0; part--)
        {
            set.GroupedDense(g, codes, sums, rowScales, packed, bias, low, high, y, tiles * part / parts, tiles * (part + 1) / parts);
        }

        return y;
    }
}
