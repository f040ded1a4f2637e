using System;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: normalisations, reductions and interpolation are their written formulas, however the lines are split.</summary>
[TestClass]
public sealed class NormalizationTests
{
    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(10, 1)]
    [DataRow(37, 1)]
    [DataRow(5, 7)]
    public void SoftmaxFollowsItsFormula(int size, int inner)
    {
        float[] source = KernelOperands.Floats(3 * size * inner, 5, 1);
        foreach (bool logarithm in new[] { false, true })
        {
            float[] found = new float[source.Length];
            Normalizations.Softmax(source, size, inner, logarithm, found, 0, inner);
            Normalizations.Softmax(source, size, inner, logarithm, found, inner, 3 * inner);
            float[] expected = new float[source.Length];
            for (int line = 0; line < 3 * inner; line++)
            {
                PlainSoftmax(source, size, inner, logarithm, expected, line);
            }

            KernelAssert.SameBits(expected, found, $"size {size}, inner {inner}, logarithm {logarithm}");
        }
    }

    [TestMethod]
    public void LayerAndInstanceFollowTheirFormula()
    {
        const int Size = 45;
        float[] source = KernelOperands.Floats(4 * Size, 6, 1);
        float[] gamma = KernelOperands.Floats(Size, 6, 2);
        float[] beta = KernelOperands.Floats(Size, 6, 3);
        float[] layer = new float[source.Length];
        float[] instance = new float[source.Length];
        Normalizations.Layer(source, Size, gamma, beta, 1e-5f, layer, 0, 4);
        Normalizations.Instance(source, 2, Size, gamma, beta, 1e-5f, instance, 0, 4);
        for (int i = 0; i < source.Length; i++)
        {
            ReadOnlySpan<float> row = source.AsSpan(i / Size * Size, Size);
            float mean = FloatReduction.Sum(row) / Size;
            float inverse = 1 / MathF.Sqrt((FloatReduction.SumSquaredDifferences(row, mean) / Size) + 1e-5f);
            float normal = (source[i] - mean) * inverse;
            Assert.AreEqual((normal * gamma[i % Size]) + beta[i % Size], layer[i]);
            Assert.AreEqual((normal * gamma[i / Size % 2]) + beta[i / Size % 2], instance[i]);
        }
    }

    [TestMethod]
    public void BatchIsOneFusedStep()
    {
        float[] source = KernelOperands.Floats(2 * 3 * 19, 8, 1);
        float[] found = new float[source.Length];
        ChannelStatistics statistics = new() { Gamma = [1.5f, -2, 0.3f], Beta = [0.1f, 0, -7], Mean = [0.4f, 1, -1], Variance = [0.5f, 2, 1e-8f], Epsilon = 1e-5f };
        Normalizations.Batch(source, 19, statistics, found, 0, 6);
        for (int i = 0; i < source.Length; i++)
        {
            int c = i / 19 % 3;
            float multiplier = statistics.Gamma[c] / MathF.Sqrt(statistics.Variance[c] + 1e-5f);
            float shift = statistics.Mean[c] * multiplier;
            Assert.AreEqual(MathF.FusedMultiplyAdd(source[i], multiplier, statistics.Beta[c] - shift), found[i]);
        }
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    [DataRow(5)]
    [DataRow(100)]
    public void LocalResponseSumsTheChannelsThatExist(int size)
    {
        const int Channels = 7;
        const int Pixels = 18;
        float[] source = KernelOperands.Floats(Channels * Pixels, 9, 1);
        float[] found = new float[source.Length];
        Normalizations.LocalResponse(source, Channels, Pixels, new LocalResponseWindow(size, 1e-2f, 0.75f, 1.5f), found, 0, Channels);
        for (int i = 0; i < source.Length; i++)
        {
            int c = i / Pixels;
            float sum = 0;
            for (int k = Math.Max(0, c - ((size - 1) / 2)); k <= Math.Min(Channels - 1, c + (size / 2)); k++)
            {
                float v = source[(k * Pixels) + (i % Pixels)];
                sum = MathF.FusedMultiplyAdd(v, v, sum);
            }

            Assert.AreEqual(source[i] / FloatMath.Pow(MathF.FusedMultiplyAdd(1e-2f / size, sum, 1.5f), 0.75f), found[i]);
        }
    }

    [TestMethod]
    public void StridedLinesReduceAsDenseOnes()
    {
        const int Size = 21;
        const int Inner = 5;
        float[] source = KernelOperands.Floats(2 * Size * Inner, 10, 1);
        float[] turned = new float[source.Length];
        Transposition.Run<float>(source, Size, Inner, turned, 0, 2);
        foreach (Lines.Reduction reduction in (Lines.Reduction[])[FloatReduction.Sum, Lines.Mean, Lines.L2, Lines.LogSumExp, FloatReduction.Max])
        {
            float[] found = new float[2 * Inner];
            float[] expected = new float[2 * Inner];
            Lines.Reduce(source, Size, Inner, reduction, found, 0, 4);
            Lines.Reduce(source, Size, Inner, reduction, found, 4, 10);
            Lines.Reduce(turned, Size, 1, reduction, expected, 0, 10);
            KernelAssert.SameBits(expected, found, "strided lines");
        }

        Assert.AreEqual(FloatMath.Log(6), Lines.LogSum([1, 2, 3]));
        Assert.AreEqual(float.NegativeInfinity, Lines.LogSumExp([float.NegativeInfinity, float.NegativeInfinity]));
    }

    [TestMethod]
    public void InterpolationFollowsItsChains()
    {
        float[] source = KernelOperands.Floats(2 * 3 * 5, 12, 1);
        float[] found = new float[2 * 2 * 5];
        Interpolation.Linear(source, 3, 5, [0, 1], [1, 2], [0.25f, 0.7f], found);
        float[] taps = new float[2 * 5];
        Interpolation.FourTaps(source, 3, 5, [0, 0, 1, 2], [-0.1f, 0.6f, 0.55f, -0.05f], taps);
        for (int i = 0; i < found.Length; i++)
        {
            (int outer, int position, int inner) = (i / 10, i / 5 % 2, i % 5);
            float weight = position == 0 ? 0.25f : 0.7f;
            float low = source[(((outer * 3) + position) * 5) + inner];
            Assert.AreEqual(MathF.FusedMultiplyAdd(weight, source[(((outer * 3) + position + 1) * 5) + inner], (1 - weight) * low), found[i]);
        }

        for (int i = 0; i < taps.Length; i++)
        {
            ReadOnlySpan<float> plane = source.AsSpan(i / 5 * 15, 15);
            float sum = MathF.FusedMultiplyAdd(-0.1f, plane[i % 5], 0);
            sum = MathF.FusedMultiplyAdd(0.6f, plane[i % 5], sum);
            sum = MathF.FusedMultiplyAdd(0.55f, plane[5 + (i % 5)], sum);
            Assert.AreEqual(MathF.FusedMultiplyAdd(-0.05f, plane[10 + (i % 5)], sum), taps[i]);
        }
    }

    [TestMethod]
    public void TranspositionTurnsEveryElementSize()
    {
        Turned<byte>(static i => (byte)i);
        Turned<short>(static i => (short)i);
        Turned<int>(static i => i);
        Turned<long>(static i => i);
    }

    private static void Turned<T>(Func<int, T> value)
        where T : unmanaged
    {
        foreach ((int rows, int columns) in new[] { (1, 9), (9, 1), (3, 5), (16, 16), (17, 33), (64, 49) })
        {
            T[] source = new T[2 * rows * columns];
            for (int i = 0; i < source.Length; i++)
            {
                source[i] = value(i);
            }

            T[] found = new T[source.Length];
            Transposition.Run<T>(source, rows, columns, found, 0, 2);
            for (int i = 0; i < source.Length; i++)
            {
                int cell = i % (rows * columns);
                Assert.AreEqual(source[i], found[i - cell + (cell % columns * rows) + (cell / columns)]);
            }
        }
    }

    private static void PlainSoftmax(float[] source, int size, int inner, bool logarithm, float[] destination, int line)
    {
        int start = (line / inner * size * inner) + (line % inner);
        float[] shifted = new float[size];
        float largest = float.NegativeInfinity;
        for (int i = 0; i < size; i++)
        {
            shifted[i] = source[start + (i * inner)];
            largest = shifted[i] > largest ? shifted[i] : largest;
        }

        shifted = Array.ConvertAll(shifted, x => x - largest);
        float[] exponentials = Array.ConvertAll(shifted, FloatMath.Exp);
        float sum = FloatReduction.Sum(exponentials);
        for (int i = 0; i < size; i++)
        {
            destination[start + (i * inner)] = logarithm ? shifted[i] - FloatMath.Log(sum) : exponentials[i] / sum;
        }
    }
}
