using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>The identities that turn products of few-bit numbers into counts of bits: examples worked out by hand, and all lengths by their place in a word, in every available set.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EverySetPlaneIdentityTests
{
    private static readonly int[] _a = [1, -1, 1, 1, -1, -1, 1, 1];
    private static readonly int[] _w = [1, 1, -1, 1, -1, 1, 1, 1];
    private static readonly int[] _u = [1, 0, 1, 1, 0, 0, 1, 1];
    private static readonly int[] _ternary = [1, 0, -1, 1, 0, 0, -1, 1];
    private static readonly int[] _ternaryWeights = [1, -1, -1, 0, 0, 1, 1, 1];
    private static readonly int[] _two = [3, 0, 2, 1, 3, 1];
    private static readonly int[] _twoWeights = [1, 3, 0, 2, 3, 2];

    private static readonly Lazy<Case[]> _cases = new(() => [.. Lengths().SelectMany((n, i) => PlaneCases.Pairings.Where((_, p) => p % 4 == i % 4 || n < 3).Select(p => Case.Of(n, p)))]);

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => new object[] { s.Name });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void PlanesOfTheExamplesAreThoseByHand(string name)
    {
        KernelSet set = Find(name);

        // By hand with a bit for −1: 0x32 and 0x14; planes hold a bit for +1, which leaves the exclusive or as it is.
        uint a = PlaneSums.Planes(set, 8, 1, Signs(_a))[0];
        uint w = PlaneSums.Planes(set, 8, 1, Signs(_w))[0];
        Assert.AreEqual((0x32u ^ 0xFF, 0x14u ^ 0xFF, 0x26u), (a, w, a ^ w), name);
        uint longA = PlaneSums.Planes(set, 10, 1, Signs([.. _a, 1, -1]))[0];
        uint longW = PlaneSums.Planes(set, 10, 1, Signs([.. _w, -1, -1]))[0];
        Assert.AreEqual((0x232u ^ 0x3FF, 0x314u ^ 0x3FF, 0x126u), (longA, longW, longA ^ longW), name);
        Assert.AreEqual(0xCDu, PlaneSums.Planes(set, 8, 1, Bytes(_u))[0], name);
        CollectionAssert.AreEqual((uint[])[0x39, 0x15], PlaneSums.Planes(set, 6, 2, Bytes(_two)), name);
        CollectionAssert.AreEqual((uint[])[0x13, 0x3A], PlaneSums.Planes(set, 6, 2, Bytes(_twoWeights)), name);
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void SumsOfTheExamplesAreThoseByHand(string name)
    {
        KernelSet set = Find(name);
        Assert.AreEqual(2, Dot(set, PlaneKind.MidRise, 1, Signs(_a), PlaneKind.MidRise, 1, Halves(_w)), "±1 by ±1");
        Assert.AreEqual(2, Dot(set, PlaneKind.MidRise, 1, Signs([.. _a, 1, -1]), PlaneKind.MidRise, 1, Halves([.. _w, -1, -1])), "±1 by ±1, ten channels");
        Assert.AreEqual(3, Dot(set, PlaneKind.Unsigned, 1, Bytes(_u), PlaneKind.MidRise, 1, Halves(_w)), "{0, 1} by ±1");
        Assert.AreEqual(2, Dot(set, PlaneKind.MidRise, 1, Signs(_a), PlaneKind.Ternary, 2, Plain(_ternaryWeights)), "±1 by ternary");
        Assert.AreEqual(16, Dot(set, PlaneKind.Unsigned, 2, Bytes(_two), PlaneKind.Unsigned, 2, Plain(_twoWeights)), "two bits by two bits");
        Assert.AreEqual(-1, Dot(set, PlaneKind.Unsigned, 2, Bytes(_two), PlaneKind.Signed, 2, Plain([1, -1, 0, -2, -1, 1])), "two bits by two's complement");

        // Ternary activations are codes 0, 1, 2 with the zero point 1: the sum of the weights comes off.
        byte[] shifted = Bytes([.. _ternary.Select(t => t + 1)]);
        Assert.AreEqual(2, Dot(set, PlaneKind.Unsigned, 2, shifted, PlaneKind.Ternary, 2, Plain(_ternaryWeights)) - _ternaryWeights.Sum(), "ternary by ternary");
        Assert.AreEqual(3, Dot(set, PlaneKind.Unsigned, 2, shifted, PlaneKind.MidRise, 1, Halves(_w)) - _w.Sum(), "ternary by ±1");
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void WeighedSumsOfTheExamplesAreThoseByHand(string name)
    {
        KernelSet set = Find(name);

        // Planes with scales: a = 0.4·a₁ + 0.9·a₂, w = 0.3·w₁ + 0.7·w₂, row by row [a₁w₁, a₁w₂, a₂w₁, a₂w₂].
        int[] rows = [1, -1, 1, 1, -1, 1, -1, -1, 1, -1, 1, 1];
        int[] filters = [1, 1, -1, -1, 1, -1, 1, -1, 1, -1, -1, 1];
        PlaneGeometry geometry = new(ConvolutionGeometry.Dense(2, 6, 2), PlaneKind.MidRise, 1, PlaneKind.MidRise, 1);
        int[] sums = PlaneSums.Of(set, geometry, Signs(rows), Halves(filters));
        CollectionAssert.AreEqual((int[])[-4, 4, -2, 2], sums, name);
        Assert.AreEqual(1.36, (0.4 * ((0.3 * sums[0]) + (0.7 * sums[1]))) + (0.9 * ((0.3 * sums[2]) + (0.7 * sums[3]))), 1e-12, name);

        // Eight planes of x = (200, 3, 17, 90) by ±1.
        int[] x = [200, 3, 17, 90];
        int total = Enumerable.Range(0, 8).Sum(p => (1 << p) * Dot(set, PlaneKind.Unsigned, 1, [.. x.Select(v => (byte)((v >> p) & 1))], PlaneKind.MidRise, 1, Halves([1, -1, -1, 1])));
        Assert.AreEqual(270, total, name);

        // DoReFa: (2·16/3 − 10)/3 from the two-bit sum, and the same from weights of −3, −1, 1, 3 thirds.
        int sum = Dot(set, PlaneKind.Unsigned, 2, Bytes(_two), PlaneKind.Unsigned, 2, Plain(_twoWeights));
        Assert.AreEqual(0.222222, ((2 * sum / 3.0) - _two.Sum()) / 3, 5e-7, name);
        Assert.AreEqual(0.222222, Dot(set, PlaneKind.Unsigned, 2, Bytes(_two), PlaneKind.MidRise, 2, Plain(_twoWeights)) / 9.0, 5e-7, name);
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void SignsAreTwiceTheirBitsLessOne(string name)
    {
        // With a = 2u − 1 and w = 2v − 1: Σ aw = 4·Σ uv − 2·Σ u − 2·Σ v + n, each sum by the kernels of its kinds.
        KernelSet set = Find(name);
        foreach (int n in Lengths())
        {
            byte[] u = KernelOperands.Codes(n, (ulong)n, 1, false).Select(c => (byte)(c & 1)).ToArray();
            sbyte[] v = KernelOperands.Codes(n, (ulong)n, 2, false).Select(c => (sbyte)(c & 1)).ToArray();
            sbyte[] ones = [.. Enumerable.Repeat((sbyte)1, n)];
            int bits = Dot(set, PlaneKind.Unsigned, 1, u, PlaneKind.Unsigned, 1, v);
            int sources = Dot(set, PlaneKind.Unsigned, 1, u, PlaneKind.Unsigned, 1, ones);
            int weights = v.Sum(b => b);
            Assert.AreEqual((4 * bits) - (2 * sources) - (2 * weights) + n, Dot(set, PlaneKind.MidRise, 1, u, PlaneKind.MidRise, 1, v), $"{name}, {n} channels");
            Assert.AreEqual((2 * bits) - sources, Dot(set, PlaneKind.Unsigned, 1, u, PlaneKind.MidRise, 1, v), $"{name}, {n} channels, signs of weights only");
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void SumsOfEveryLengthModuloAWordAreThoseOfALoop(string name)
    {
        KernelSet set = Find(name);
        foreach (Case test in _cases.Value)
        {
            CollectionAssert.AreEqual(test.Sums, PlaneSums.Of(set, test.Geometry, test.Codes, test.Weights), $"{name}, {test.Geometry}");
        }

        Assert.AreEqual(64, _cases.Value.Select(c => c.Weights.Length % 64).Distinct().Count());
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void TailsOfPlanesAreZeroWhateverStoodThere(string name)
    {
        KernelSet set = Find(name);
        foreach (int n in Lengths())
        {
            uint free = n % 32 == 0 ? 0 : uint.MaxValue << (n % 32);
            uint[] last = [.. Enumerable.Range(1, 3).Select(i => PlaneSums.Planes(set, n, 1, Signs([.. Enumerable.Repeat(1, i * n)]))[^1])];
            CollectionAssert.AreEqual(Enumerable.Repeat(~free, 3).ToArray(), last, $"{name}, {n} channels");
            uint[] planes = new uint[PlaneLayout.Length(2, n, 1)];
            Array.Fill(planes, uint.MaxValue);
            set.ThresholdFloat(2, n, new float[2 * n], new() { Count = 1, Values = new float[n], PlaneBits = 1 }, MemoryMarshal.AsBytes(planes.AsSpan()));
            Assert.AreEqual((~free, 2L * n), (planes[^1], planes.Sum(p => uint.PopCount(p))), $"{name}, signs of floats, {n} channels");
            Array.Fill(planes, uint.MaxValue);
            set.ThresholdInt32(2, n, new int[2 * n], new() { Count = 1, Values = new int[n], PlaneBits = 1 }, MemoryMarshal.AsBytes(planes.AsSpan()));
            Assert.AreEqual((~free, 2L * n), (planes[^1], planes.Sum(p => uint.PopCount(p))), $"{name}, signs of integers, {n} channels");
        }
    }

    /// <summary>1 to 64 in every case, then each place in a word three times more, up to 2000.</summary>
    private static IEnumerable<int> Lengths()
        => Enumerable.Range(1, 64).Concat(Enumerable.Range(0, 192).Select(i => Math.Min(2000, (i % 64) + (64 * (1 + (i * 11 % 30)))))).Append(2000);

    private static KernelSet Find(string name) => KernelRegistry.Available.Single(s => s.Name == name);

    private static int Dot(KernelSet set, PlaneKind source, int sourceBits, byte[] codes, PlaneKind weights, int weightBits, sbyte[] w)
        => PlaneSums.Of(set, new PlaneGeometry(ConvolutionGeometry.Dense(1, w.Length, 1), source, sourceBits, weights, weightBits), codes, w)[0];

    private static byte[] Signs(int[] values) => Array.ConvertAll(values, v => (byte)((v + 1) / 2));

    private static byte[] Bytes(int[] values) => Array.ConvertAll(values, v => (byte)v);

    private static sbyte[] Halves(int[] values) => Array.ConvertAll(values, v => (sbyte)((v + 1) / 2));

    private static sbyte[] Plain(int[] values) => Array.ConvertAll(values, v => (sbyte)v);

    /// <summary>Two rows of one length by one filter, and the sums of a plain loop.</summary>
    private sealed record Case(PlaneGeometry Geometry, byte[] Codes, sbyte[] Weights, int[] Sums)
    {
        public static Case Of(int n, (PlaneKind Source, int SourceBits, PlaneKind Weights, int WeightBits) kinds)
        {
            PlaneGeometry geometry = new(ConvolutionGeometry.Dense(2, n, 1), kinds.Source, kinds.SourceBits, kinds.Weights, kinds.WeightBits);
            (int least, int most) = PlaneGeometry.CodesOf(kinds.Weights, kinds.WeightBits);
            CounterRandom random = new((ulong)n, 2);
            byte[] codes = new byte[2 * n];
            sbyte[] weights = new sbyte[n];
            int[] sums = new int[2];
            for (int i = 0; i < 2 * n; i++)
            {
                codes[i] = (byte)random.Integer(i, 0, (1 << kinds.SourceBits) - 1);
                weights[i % n] = (sbyte)random.Integer(4000 + (i % n), least, most);
                sums[i / n] += PlaneGeometry.ValueOf(kinds.Source, kinds.SourceBits, codes[i]) * PlaneGeometry.ValueOf(kinds.Weights, kinds.WeightBits, weights[i % n]);
            }

            return new Case(geometry, codes, weights, sums);
        }
    }
}
