using System;
using System.Linq;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

[TestClass]
public sealed class RangeSolverTests
{
    private static readonly RangeTarget _unsigned8 = RangeTarget.Unsigned(8);

    [TestMethod]
    public void Every_method_but_the_automatic_one_has_one_solver()
    {
        CollectionAssert.AreEquivalent(Enum.GetValues<RangeMethod>().Where(m => m != RangeMethod.Automatic).ToArray(), RangeSolver.Methods.ToArray());
        Assert.AreEqual(RangeMethod.MeanSquaredError, RangeSolver.For(RangeSource.Automatic).Method);
        Assert.AreEqual(Histogram.EntropyBinCount, CalibrationOptions.For(RangeSource.Entropy).BinCount);
        Assert.AreEqual(0.01, CalibrationOptions.For(RangeSource.MovingAverage()).MovingAverage);
    }

    [TestMethod]
    public void MinMax_holds_zero_and_the_exact_extremes()
    {
        Assert.AreEqual(new ClippingRange(0, 3), Solve(RangeSource.MinMax, [.5f, 3f]).Range);
        Assert.AreEqual(new ClippingRange(-3, 0), Solve(RangeSource.MinMax, [-3f, -1f]).Range);
        Assert.AreEqual(new ClippingRange(-1, 3), Solve(RangeSource.MinMax, [-1f, 3f]).Range);
        Assert.AreEqual(64, Solve(RangeSource.MinMax, [-1f, 3f]).Parameters.ZeroPoint);
    }

    [TestMethod]
    [DataRow(0.9999, 100000.0, 0.0)]
    [DataRow(0.999, 999.0, 128.0)]
    [DataRow(0.99, 990.0, 128.0)]
    public void Percentile_is_within_one_bin_of_the_exact_one(double share, double expected, double width)
    {
        float[] values = [.. Enumerable.Range(1, 999).Select(i => (float)i), 100000f];
        Assert.AreEqual(width == 0 ? 128 : width, Histogram.Of(values).BinWidth);
        RangeSolution solution = Solve(RangeSource.Percentile(share), values);
        Assert.AreEqual(expected, solution.Range.High, width);
        Assert.AreEqual(0, solution.Range.Low);
        Assert.AreEqual(width == 0, solution.Notes.Any(n => n.Contains("leaves none out", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Percentile_cuts_both_ends_or_the_magnitude()
    {
        float[] values = [.. HistogramTests.Samples(100_000, 1)];
        double width = Histogram.Of(values).BinWidth;
        float[] sorted = [.. values.Order()];
        RangeSolution both = Solve(RangeSource.Percentile(0.98), values);
        Assert.AreEqual(sorted[1000], both.Range.Low, width);
        Assert.AreEqual(sorted[^1000], both.Range.High, width);
        float[] magnitudes = [.. values.Select(Math.Abs).Order()];
        RangeSolution symmetric = Solve(RangeSource.Percentile(0.98), values, RangeTarget.SymmetricSigned(8));
        Assert.AreEqual(magnitudes[^2000], symmetric.Range.Bound, width);
    }

    [TestMethod]
    public void Entropy_follows_the_written_vectors()
    {
        Assert.AreEqual(0.150315, new EntropyPrefix([1, 0, 2, 3, 5, 3, 1, 7]).Divergence(8, 2), 5e-7);
        long[] first = [10, 8, 6, 4, 0, 2, 0, 1];
        double[] expected = [.110149, .038123, .013075, double.PositiveInfinity, .020632, double.PositiveInfinity, .052953];
        var prefix = new EntropyPrefix(first);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], prefix.Divergence(i + 2, 2), 5e-7);
        }

        Assert.AreEqual(4, EntropySolver.Threshold(first, 2, out double least));
        Assert.AreEqual(.013075, least, 5e-7);
        long[] second = [30, 20, 12, 8, 5, 3, 2, 1, 1, 0, 0, 0, 0, 0, 0, 1];
        Assert.AreEqual(9, EntropySolver.Threshold(second, 4, out least));
        Assert.AreEqual(.023979, least, 5e-7);
        Assert.AreEqual(.116297, new EntropyPrefix(second).Divergence(16, 4), 5e-7);
    }

    [TestMethod]
    public void Entropy_ignores_how_many_zeros_there_are()
    {
        float[] values = [.. HistogramTests.Samples(50_000, 4).Where(v => v > 0)];
        RangeSolution few = Solve(RangeSource.Entropy, values);
        RangeSolution many = Solve(RangeSource.Entropy, [.. values, .. new float[100_000]]);
        Assert.AreEqual(few.Range, many.Range);
        Assert.AreEqual(0, few.Range.Low);
    }

    [TestMethod]
    [DataRow(RangeMethod.Percentile)]
    [DataRow(RangeMethod.Entropy)]
    [DataRow(RangeMethod.MeanSquaredError)]
    public void Few_rows_fall_back_to_the_extremes_and_say_so(RangeMethod method)
    {
        var statistics = new ValueStatistics(31, Histogram.Of(HistogramTests.Samples(5000, 1), 4096));
        var source = new RangeSource(method, method == RangeMethod.Percentile ? 0.9 : 0);
        RangeSolution solution = RangeSolver.For(source).Solve(statistics, RangeTarget.Unsigned(3));
        Assert.AreEqual(RangeSolver.Extremes(statistics.Histogram), solution.Range);
        Assert.IsTrue(solution.Notes.Any(n => n.Contains("31 rows are too few", StringComparison.Ordinal)));
        Assert.AreNotEqual(solution.Range, RangeSolver.For(source).Solve(statistics with { Rows = 32 }, RangeTarget.Unsigned(3)).Range);
    }

    [TestMethod]
    public void Every_method_survives_constants_zeros_single_values_and_nothing()
    {
        float[][] data = [[], [0f], [0f, -0f, 0f], [2.5f], [-2.5f, -2.5f], [1e-42f], [float.NaN], [float.PositiveInfinity, 1f]];
        foreach (RangeMethod method in RangeSolver.Methods)
        {
            foreach (float[] values in data)
            {
                foreach (RangeTarget target in new[] { RangeTarget.Unsigned(2), RangeTarget.Unsigned(8), RangeTarget.SymmetricSigned(4), new(IntegerRange.Signed(8), false) })
                {
                    RangeSolution solution = Solve(method == RangeMethod.Percentile ? RangeSource.Percentile() : new RangeSource(method, method == RangeMethod.MovingAverage ? 0.5 : 0), values, target);
                    Assert.IsTrue(solution.Range.Low <= 0 && solution.Range.High >= 0);
                    Assert.IsTrue(float.IsNormal(solution.Parameters.Scale), $"{method} {string.Join(",", values)} {solution}");
                    Assert.IsTrue(double.IsFinite(solution.MeanSquaredError));
                }
            }
        }
    }

    [TestMethod]
    public void A_constant_is_an_end_of_its_range_and_nothing_gives_scale_one()
    {
        Assert.AreEqual(new ClippingRange(0, 2.5), Solve(RangeSource.Automatic, [2.5f, 2.5f]).Range);
        Assert.AreEqual(new AffineParameters(1, 0), Solve(RangeSource.Automatic, [0f]).Parameters);
        Assert.AreEqual(new AffineParameters(1, 0), Solve(RangeSource.Automatic, [float.NaN]).Parameters);
        Assert.IsTrue(Solve(RangeSource.Automatic, [float.NaN]).Notes.Any(n => n.Contains("1 NaN", StringComparison.Ordinal)));
        Assert.IsTrue(Solve(RangeSource.Automatic, [float.NaN]).Notes.Any(n => n.Contains("No finite value", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_giant_outlier_is_noticed()
    {
        var histogram = new Histogram();
        histogram.AddZeros(20_000_000);
        histogram.Add(HistogramTests.Samples(1000, 1));
        histogram.Add([1e6f]);
        RangeSolution solution = RangeSolver.For(RangeSource.MinMax).Solve(new ValueStatistics(100, histogram), _unsigned8);
        Assert.IsTrue(solution.Notes.Any(n => n.Contains("outlier", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Nearly_only_zeros_keep_the_values_that_are_not()
    {
        var histogram = new Histogram();
        histogram.AddZeros(1_000_000);
        histogram.Add([5f]);
        RangeSolution solution = RangeSolver.For(RangeSource.Percentile(0.99)).Solve(new ValueStatistics(100, histogram), _unsigned8);
        Assert.AreEqual(new ClippingRange(0, 5), solution.Range);
    }

    [TestMethod]
    public void Sixteen_bit_streams_take_the_extremes()
    {
        float[] values = HistogramTests.Samples(5000, 1);
        RangeSolution solution = Solve(RangeSource.Automatic, values, new RangeTarget(IntegerRange.SignedNarrow(16), true));
        Assert.AreEqual(new ClippingRange(values.Min(), values.Max()), solution.Range);
    }

    [TestMethod]
    public void A_moving_average_follows_its_formula_and_its_order()
    {
        var observer = new Observer(movingAverage: 0.25);
        observer.Observe([-1f, 4f], 1);
        observer.Observe([-3f, 8f], 1);
        observer.Observe([float.NaN], 1);
        MovingAverage average = observer.ToStatistics().Average!;
        Assert.AreEqual(new MovingAverage(0.25, 2, -1.5, 5), average);
        Assert.AreEqual(new MovingAverage(0, 2, -2, 6), new MovingAverage(0, 0, 0, 0).Next(-1, 4).Next(-3, 8));
        RangeSolution solution = RangeSolver.For(RangeSource.MovingAverage(0.25)).Solve(observer.ToStatistics(), _unsigned8);
        Assert.AreEqual(new ClippingRange(-1.5, 5), solution.Range);
        Assert.IsFalse(observer.IsMergeable);
    }

    [TestMethod]
    public void A_moving_average_must_have_been_collected()
    {
        var statistics = new ValueStatistics(100, Histogram.Of([1f]));
        QuantizationException e = Assert.ThrowsException<QuantizationException>(() => RangeSolver.For(RangeSource.MovingAverage()).Solve(statistics, _unsigned8));
        Assert.AreEqual(QuantizationErrorCode.StatisticsMismatch, e.Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => new Observer(movingAverage: 2)).Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => new PercentileSolver(0.4)).Code);
    }

    internal static RangeSolution Solve(RangeSource source, float[] values, RangeTarget? target = null)
    {
        RangeSolver solver = RangeSolver.For(source);
        var observer = new Observer(solver.BinCount, source.Method == RangeMethod.MovingAverage ? source.Parameter : null);
        observer.Observe(values, 1000);
        return solver.Solve(observer.ToStatistics(), target ?? _unsigned8);
    }
}
