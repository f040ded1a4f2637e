using System;
using System.Linq;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

[TestClass]
public sealed class HistogramTests
{
    private static readonly float[] _a = [.3f, -.7f, .9f, 0f];
    private static readonly float[] _b = [3.9f, -1.2f, .3f];

    [TestMethod]
    public void Bins_follow_the_written_vectors()
    {
        Histogram a = Histogram.Of(_a, 8);
        Assert.AreEqual(-2, a.Exponent);
        CollectionAssert.AreEqual(new long[] { 0, 1, 0, 0, 0, 1, 0, 1 }, a.Bins.ToArray());
        Assert.AreEqual(1, a.ZeroCount);

        Histogram b = Histogram.Of(_b, 8);
        Assert.AreEqual(0, b.Exponent);
        CollectionAssert.AreEqual(new long[] { 0, 0, 1, 0, 1, 0, 0, 1 }, b.Bins.ToArray());

        Histogram merged = Histogram.Merge(a, b);
        Assert.AreEqual(0, merged.Exponent);
        CollectionAssert.AreEqual(new long[] { 0, 0, 1, 1, 3, 0, 0, 1 }, merged.Bins.ToArray());
        AssertSame(Histogram.Of([.. _a, .. _b], 8), merged);
    }

    [TestMethod]
    [DataRow(1f, -1, 6)]
    [DataRow(4f, 1, 6)]
    public void An_edge_is_exclusive_and_forces_growth(float value, int exponent, int bin)
    {
        Histogram histogram = Histogram.Of([value], 8);
        Assert.AreEqual(exponent, histogram.Exponent);
        Assert.AreEqual(1, histogram.Bins[bin]);
    }

    [TestMethod]
    public void Any_partition_in_any_order_gives_the_same_histogram()
    {
        float[] values = Samples(10_000, 7);
        Histogram whole = Histogram.Of(values, 256);
        foreach (int shard in new[] { 1, 7, 128, 4096 })
        {
            Histogram[] parts = [.. values.Chunk(shard).Select(c => Histogram.Of(c, 256))];
            AssertSame(whole, Histogram.Merge(parts));
            Array.Reverse(parts);
            AssertSame(whole, Histogram.Merge(parts));
        }
    }

    [TestMethod]
    public void Merging_is_associative_and_leaves_its_parts_alone()
    {
        Histogram[] parts = [Histogram.Of(Samples(500, 1)), Histogram.Of(Samples(300, 2).Select(v => v * 1000).ToArray()), Histogram.Of([0, -0f])];
        Histogram left = Histogram.Merge(Histogram.Merge(parts[0], parts[1]), parts[2]);
        Histogram right = Histogram.Merge(parts[0], Histogram.Merge(parts[1], parts[2]));
        AssertSame(left, right);
        Assert.AreEqual(500, parts[0].Count);
    }

    [TestMethod]
    public void Every_value_lies_in_the_bin_that_plain_arithmetic_gives()
    {
        float[] values = [.. Samples(3000, 3), 1e-45f, -1e-45f, 1e-38f, -1e-38f, 0f, -0f, 12345.678f, -16384f];
        Histogram histogram = Histogram.Of(values);
        var expected = new long[histogram.BinCount];
        foreach (double value in values.Where(v => v != 0))
        {
            expected[(int)Math.Floor(value / histogram.BinWidth) + (histogram.BinCount / 2)]++;
        }

        CollectionAssert.AreEqual(expected, histogram.Bins.ToArray());
        Assert.AreEqual(values.Count(v => v == 0), histogram.ZeroCount);
        Assert.AreEqual(values.Length, histogram.Count);
        Assert.AreEqual(values.Min(), histogram.Minimum);
        Assert.AreEqual(values.Max(), histogram.Maximum);
    }

    [TestMethod]
    [DataRow(1e-45f)]
    [DataRow(float.MaxValue)]
    [DataRow(-float.MaxValue)]
    public void Extreme_magnitudes_have_a_bin(float value)
    {
        float[] values = [.. Enumerable.Repeat(value, 40)];
        Histogram histogram = Histogram.Of(values);
        Assert.AreEqual(40, histogram.Bins.ToArray().Sum());
        Assert.IsTrue(Math.Abs((double)value) < histogram.BinWidth * histogram.BinCount / 2);
        Assert.IsTrue(Math.Abs((double)value) >= histogram.BinWidth * histogram.BinCount / 4);
    }

    [TestMethod]
    public void Values_that_are_not_finite_are_counted_apart()
    {
        Histogram histogram = Histogram.Of([float.NaN, 1, float.PositiveInfinity, float.NegativeInfinity, float.NegativeInfinity, 0]);
        Assert.AreEqual((1L, 1L, 2L), (histogram.NanCount, histogram.PositiveInfinityCount, histogram.NegativeInfinityCount));
        Assert.AreEqual((2L, 1L), (histogram.Count, histogram.ZeroCount));
        Assert.AreEqual((0f, 1f), (histogram.Minimum, histogram.Maximum));
    }

    [TestMethod]
    public void Extremes_do_not_depend_on_the_sign_of_zero()
    {
        Histogram a = Histogram.Of([-0f, 1]);
        Assert.AreEqual(0, BitConverter.SingleToInt32Bits(a.Minimum));
    }

    [TestMethod]
    public void Zeros_that_sparse_rows_leave_out_count_as_data()
    {
        var sparse = new Observer();
        sparse.Observe([3f, 2f], 1, 5);
        var dense = new Observer();
        dense.Observe([3f, 0, 0, 2f, 0, 0, 0], 1);
        AssertSame(dense.ToStatistics().Histogram, sparse.ToStatistics().Histogram);
        Assert.AreEqual(0f, sparse.ToStatistics().Histogram.Minimum);
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(4)]
    [DataRow(1000)]
    [DataRow(1 << 17)]
    public void A_number_of_bins_that_is_no_power_of_two_in_range_is_refused(int bins)
        => Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => new Histogram(bins)).Code);

    [TestMethod]
    public void Histograms_of_different_sizes_or_none_do_not_merge()
    {
        Assert.AreEqual(QuantizationErrorCode.StatisticsMismatch, Assert.ThrowsException<QuantizationException>(() => Histogram.Merge(new Histogram(8), new Histogram(16))).Code);
        Assert.AreEqual(QuantizationErrorCode.StatisticsMismatch, Assert.ThrowsException<QuantizationException>(() => Histogram.Merge()).Code);
    }

    [TestMethod]
    public void Moments_follow_from_the_counts()
    {
        float[] values = Samples(20_000, 5);
        Histogram histogram = Histogram.Of(values);
        Assert.AreEqual(values.Average(), histogram.Mean(), histogram.BinWidth);
        Assert.AreEqual(values.Average(v => (double)v * v), histogram.MeanSquare(), 1e-2);
        Assert.AreEqual(values.Average(v => Math.Abs((double)v)), histogram.MeanMagnitude(), histogram.BinWidth);
    }

    internal static float[] Samples(int count, ulong seed)
    {
        var random = new CounterRandom(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            float sum = 0;
            for (int j = 0; j < 4; j++)
            {
                sum += random.Uniform((i * 4L) + j) - 0.5f;
            }

            values[i] = i % 11 == 0 ? 0 : sum * (i % 97 == 0 ? 6 : 1);
        }

        return values;
    }

    internal static void AssertSame(Histogram expected, Histogram actual)
    {
        Assert.AreEqual(expected.Exponent, actual.Exponent);
        Assert.AreEqual(expected.BinCount, actual.BinCount);
        CollectionAssert.AreEqual(expected.Bins.ToArray(), actual.Bins.ToArray());
        Assert.AreEqual((expected.Count, expected.ZeroCount, expected.NanCount), (actual.Count, actual.ZeroCount, actual.NanCount));
        Assert.AreEqual((expected.PositiveInfinityCount, expected.NegativeInfinityCount), (actual.PositiveInfinityCount, actual.NegativeInfinityCount));
        Assert.AreEqual((expected.Minimum, expected.Maximum), (actual.Minimum, actual.Maximum));
    }
}
