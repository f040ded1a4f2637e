using System;
using System.Linq;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

/// <summary>Levels of least squared error on a line.</summary>
[TestClass]
public sealed class LineClustersTests
{
    private static readonly double[] _spread = [0, 1, 10, 11, 20, 21, 22, 100];

    [TestMethod]
    public void The_optimum_follows_the_written_vectors()
    {
        Check([0, .1, .2, 1, 1.1, 5], null, [.1, 1.05, 5], .025);
        Check([0, .1, .2, 1, 1.1, 5], null, [.48, 5], 1.108);
        Check(_spread, null, [.5, 10.5, 21, 100], 3);
        Check(_spread, null, [5.5, 21, 100], 103);
        Check([0, 1, 3, 6], null, [4.0 / 3, 6], 14.0 / 3);
        Check([0, 1, 3, 6], [1, 1, 8, 1], [.5, 10.0 / 3], 8.5);
        Check([10000, 10000.1, 10000.2, 10001, 10001.1], null, [10000.1, 10001.05], .025);
    }

    [TestMethod]
    public void The_optimum_is_that_of_all_partitions()
    {
        for (ulong seed = 0; seed < 60; seed++)
        {
            var random = new CounterRandom(seed, 4);
            int n = random.Integer(0, 3, 12);
            double[] values = [.. Enumerable.Range(1, n).Select(i => random.Integer(i, -9, 9) / 2.0)];
            double[] weights = [.. Enumerable.Range(1, n).Select(i => (double)random.Integer(i + 100, 0, 3))];
            for (int k = 2; k <= 4; k++)
            {
                double[] levels = LineClusters.Levels(Points(values, weights), k);
                double best = Enumerable.Range(1, k).Min(parts => BruteForce(values, weights, parts));
                Assert.AreEqual(best, Error(values, weights, levels), 1e-9, $"seed {seed}, {k} levels");
                CollectionAssert.AreEqual(levels.Order().ToArray(), levels);
            }
        }
    }

    [TestMethod]
    public void More_values_than_bins_lose_next_to_nothing()
    {
        var random = new CounterRandom(5);
        double[] values = [.. Enumerable.Range(0, 40000).Select(i => (double)(random.Uniform(i) + random.Uniform(i + 50000) + random.Uniform(i + 100000)))];
        double[] weights = [.. values.Select(_ => 1.0)];
        LinePoints points = Points(values, weights);
        Assert.IsTrue(points.Count > LinePoints.Most);
        double[] levels = LineClusters.Levels(points, 16);
        double[] polished = LineLloyd.Levels(points, 16, CodebookMethod.Quantiles, random);
        Assert.IsTrue(Error(values, weights, levels) <= Error(values, weights, polished) * 1.0001, "no worse than Lloyd's iteration on all values");
    }

    [TestMethod]
    public void Starts_follow_the_written_vectors()
    {
        LinePoints points = Points([-1, -.5, -.2, -.1, 0, .1, .2, .3, .6, 1.4], null);
        double[] linear = LineLloyd.Linear(points, 4);
        double[] expected = [-1, -.2, .6, 1.4];
        Assert.IsTrue(linear.Zip(expected).All(p => Math.Abs(p.First - p.Second) < 1e-12));
        CollectionAssert.AreEqual(new[] { -.5, -.1, .2, .6 }, LineLloyd.Quantiles(points, 4));
    }

    [TestMethod]
    [DataRow(CodebookMethod.KMeansPlusPlus)]
    [DataRow(CodebookMethod.Quantiles)]
    [DataRow(CodebookMethod.Linear)]
    public void Lloyds_iteration_fills_empty_cells_and_is_never_better_than_the_optimum(CodebookMethod start)
    {
        for (ulong seed = 0; seed < 40; seed++)
        {
            var random = new CounterRandom(seed, 8);
            double[] values = seed == 0 ? _spread : [.. Enumerable.Range(0, 60).Select(i => Math.Pow(random.Uniform(i), 5))];
            double[] weights = [.. values.Select((_, i) => 1 + (double)random.Uniform(i + 100))];
            LinePoints points = Points(values, weights);
            double[] levels = LineLloyd.Levels(points, 4, start, random);
            double error = Error(values, weights, levels);
            double optimum = Error(values, weights, LineClusters.Levels(points, 4));
            Assert.IsTrue(error >= optimum * (1 - 1e-12), $"seed {seed}");
            Assert.IsTrue(levels.All(l => values.Any(v => levels.MinBy(x => Math.Abs(x - v)) == l)), $"seed {seed}: every level has a value");
            CollectionAssert.AreEqual(levels, LineLloyd.Levels(Points(values, weights), 4, start, random), "the same again");
        }
    }

    [TestMethod]
    public void Fewer_values_than_levels_are_the_levels()
    {
        LinePoints points = Points([3, 1, 3, 2], null);
        CollectionAssert.AreEqual(new double[] { 1, 2, 3 }, LineClusters.Levels(points, 4));
        CollectionAssert.AreEqual(new double[] { 1, 2, 3 }, LineLloyd.Levels(points, 3, CodebookMethod.Linear, default));
    }

    private static void Check(double[] values, double[]? weights, double[] expected, double error)
    {
        double[] levels = LineClusters.Levels(Points(values, weights), expected.Length);
        Assert.IsTrue(levels.Zip(expected).All(p => Math.Abs(p.First - p.Second) < 1e-9), string.Join(", ", levels));
        Assert.AreEqual(error, Error(values, weights ?? [.. values.Select(_ => 1.0)], levels), 1e-6);
    }

    private static LinePoints Points(double[] values, double[]? weights) => LinePoints.Of([.. values], weights is null ? [.. values.Select(_ => 1.0)] : [.. weights]);

    private static double Error(double[] values, double[] weights, double[] levels) => values.Select((v, i) => weights[i] * levels.Min(l => (v - l) * (v - l))).Sum();

    private static double BruteForce(double[] values, double[] weights, int parts)
    {
        (double V, double W)[] sorted = [.. values.Zip(weights).Order()];
        double Cost(int from, int to)
        {
            double w = sorted[from..to].Sum(p => p.W);
            double mean = w > 0 ? sorted[from..to].Sum(p => p.W * p.V) / w : 0;
            return sorted[from..to].Sum(p => p.W * (p.V - mean) * (p.V - mean));
        }

        double Best(int end, int k) => k == 1 ? Cost(0, end) : Enumerable.Range(0, end + 1).Min(cut => Best(cut, k - 1) + Cost(cut, end));
        return Best(sorted.Length, parts);
    }
}
