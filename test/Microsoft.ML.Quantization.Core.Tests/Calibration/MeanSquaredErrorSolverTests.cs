using System;
using System.Linq;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

[TestClass]
public sealed class MeanSquaredErrorSolverTests
{
    [TestMethod]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(6)]
    public void A_one_sided_range_is_as_good_as_the_best_of_a_fine_search_on_the_raw_values(int bits)
    {
        float[] values = [.. HistogramTests.Samples(20_000, 9).Select(v => MathF.Max(v, 0))];
        RangeTarget target = RangeTarget.Unsigned(bits);
        RangeSolution solution = RangeSolverTests.Solve(RangeSource.MeanSquaredError, values, target);
        double width = Histogram.Of(values).BinWidth;
        (double bestHigh, double least) = (0, double.MaxValue);
        for (double high = width; high <= values.Max(); high += width / 2)
        {
            double error = Exact(values, target, new ClippingRange(0, high));
            (bestHigh, least) = error < least ? (high, error) : (bestHigh, least);
        }

        double found = Exact(values, target, solution.Range);
        Assert.IsTrue(found <= least * 1.002, $"{solution.Range} {found} against {bestHigh} {least}");
        Assert.AreEqual(found, solution.MeanSquaredError, least * 0.01);
        Assert.AreEqual(0, solution.Range.Low);
        Assert.IsTrue(solution.MeanSquaredError <= solution.MinMaxError);
    }

    [TestMethod]
    [DataRow(3)]
    [DataRow(4)]
    public void Both_ends_are_as_good_as_the_best_pair_of_a_grid_on_the_raw_values(int bits)
    {
        float[] values = [.. HistogramTests.Samples(4000, 10).Select(v => v < 0 ? v * 0.4f : v)];
        RangeTarget target = RangeTarget.Unsigned(bits);
        RangeSolution solution = RangeSolverTests.Solve(RangeSource.MeanSquaredError, values, target);
        double least = double.MaxValue;
        for (int i = 5; i <= 60; i++)
        {
            for (int j = 5; j <= 60; j++)
            {
                least = Math.Min(least, Exact(values, target, new ClippingRange(values.Min() * i / 60.0, values.Max() * j / 60.0)));
            }
        }

        Assert.IsTrue(Exact(values, target, solution.Range) <= least * 1.01, $"{solution} {Exact(values, target, solution.Range)} against {least}");
    }

    [TestMethod]
    [DataRow(4)]
    [DataRow(8)]
    public void A_symmetric_range_beats_or_meets_the_extremes_on_the_raw_values(int bits)
    {
        float[] values = HistogramTests.Samples(20_000, 11);
        RangeTarget target = RangeTarget.SymmetricSigned(bits);
        RangeSolution solution = RangeSolverTests.Solve(RangeSource.MeanSquaredError, values, target);
        Assert.IsTrue(Exact(values, target, solution.Range) <= Exact(values, target, RangeSolver.Extremes(Histogram.Of(values))));
    }

    [TestMethod]
    public void The_error_of_a_histogram_is_that_of_the_quantizer()
    {
        float[] values = HistogramTests.Samples(50_000, 12);
        var error = new HistogramError(Histogram.Of(values));
        foreach (RangeTarget target in new[] { RangeTarget.Unsigned(4), RangeTarget.Unsigned(8), RangeTarget.SymmetricSigned(3), new(IntegerRange.Signed(5), false) })
        {
            foreach (double scale in new[] { 0.3, 0.7, 1.0 })
            {
                var range = new ClippingRange(values.Min() * scale, values.Max() * scale);
                double exact = Exact(values, target, range);
                Assert.AreEqual(exact, error.Mean(target.Parameters(range), target.Range), exact * 0.02);
            }
        }
    }

    [TestMethod]
    public void Data_that_already_lie_on_a_grid_keep_it()
    {
        float[] values = [.. Enumerable.Range(0, 6000).Select(i => (float)(i % 16))];
        RangeSolution solution = RangeSolverTests.Solve(RangeSource.MeanSquaredError, values, RangeTarget.Unsigned(4));
        Assert.AreEqual(1, solution.Parameters.Scale, 0.002);
    }

    [TestMethod]
    public void The_same_statistics_give_the_same_bits()
    {
        float[] values = HistogramTests.Samples(5000, 13);
        Assert.AreEqual(
            RangeSolverTests.Solve(RangeSource.MeanSquaredError, values).Range,
            RangeSolverTests.Solve(RangeSource.MeanSquaredError, [.. values.Reverse()]).Range);
    }

    private static double Exact(float[] values, RangeTarget target, ClippingRange range)
    {
        AffineParameters parameters = target.Parameters(range);
        return values.Average(v =>
        {
            double d = (double)v - parameters.Dequantize(parameters.Quantize(v, target.Range));
            return d * d;
        });
    }
}
