using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Derivatives that stand in for those of steps.</summary>
[TestClass]
public sealed class EstimatorTests
{
    private static readonly float[] _x = [-1.5f, -1, -0.5f, 0, 0.5f, 1, 1.5f];

    public static IEnumerable<object[]> Table =>
    [
        [Estimator.Identity, new double[] { 1, 1, 1, 1, 1, 1, 1 }],
        [Estimator.Clip(), new double[] { 0, 1, 1, 1, 1, 1, 0 }],
        [Estimator.Window(0, 1), new double[] { 0, 0, 0, 1, 1, 1, 0 }],
        [Estimator.Rectifier, new double[] { 0, 0, 0, 0, 1, 1, 1 }],
        [Estimator.ClippedRectifier(1), new double[] { 0, 0, 0, 0, 1, 1, 0 }],
        [Estimator.LogTail(1), new double[] { 0, 0, 0, 0, 1, 1, 1 / 1.5 }],
        [Estimator.Polynomial, new double[] { 0, 0, 1, 2, 1, 0, 0 }],
        [Estimator.Swish(), new[] { -.03034, -.19499, -.08462, 5, -.08462, -.19499, -.03034 }],
        [Estimator.Tanh(1, 1), new[] { .18071, .41997, .78645, 1, .78645, .41997, .18071 }],
        [Estimator.Tanh(2, 2), new[] { .01973, .14130, .83995, 2, .83995, .14130, .01973 }],
        [Estimator.Tents(0.5f), new double[] { 0, 0, 2, 0, 2, 0, 0 }],
    ];

    [TestMethod]
    [DynamicData(nameof(Table))]
    public void Slopes_are_those_of_the_table(Estimator estimator, double[] expected)
    {
        for (int i = 0; i < _x.Length; i++)
        {
            Assert.AreEqual(expected[i], estimator.Slope(_x[i]), 6e-6, $"{estimator} at {_x[i]}");
        }

        Assert.AreEqual(estimator, Estimator.Of(estimator.Settings.AsSpan()));
    }

    [TestMethod]
    [DynamicData(nameof(Table))]
    public void Wide_lanes_give_the_bits_of_one(Estimator estimator, double[] expected)
    {
        float[] x = [.. Enumerable.Range(0, 37).Select(i => (expected.Length * 0.05f * i) - 6.5f), float.NegativeInfinity, float.PositiveInfinity];
        var dx = new float[x.Length];
        estimator.Pass(x, [.. x.Select(_ => 1f)], dx);
        CollectionAssert.AreEqual(x.Select(estimator.Slope).ToArray(), dx);
        Assert.IsTrue(estimator == Estimator.Identity || float.IsNaN(estimator.Slope(float.NaN)), "NaN vanished");
        Assert.IsTrue(dx.All(float.IsFinite), "not finite");
    }

    [TestMethod]
    public void Slopes_of_a_sign_sum_to_its_jump()
    {
        foreach (Estimator estimator in (Estimator[])[Estimator.Clip(), Estimator.Polynomial, Estimator.Swish(), Estimator.Tanh(2, 2)])
        {
            double sum = Enumerable.Range(-40000, 80001).Sum(i => estimator.Slope(i * 2e-4f) * 2e-4);
            Assert.AreEqual(2, sum, 1e-3, $"{estimator}");
        }
    }

    [TestMethod]
    [DataRow(0f, 5)]
    [DataRow(0.2f, 3.023661)]
    [DataRow(0.5f, -0.084622)]
    [DataRow(1f, -0.194992)]
    public void The_swish_of_signs_falls_below_zero(float x, double expected) => Assert.AreEqual(expected, Estimator.Swish().Slope(x), 5e-6);

    [TestMethod]
    [DataRow(0, 0.1f)]
    [DataRow(10, 0.316228f)]
    [DataRow(20, 1f)]
    [DataRow(30, 3.16228f)]
    [DataRow(40, 10f)]
    public void Error_decay_rises_with_the_run(int step, float expected)
        => Assert.AreEqual(expected, Estimator.Tanh().At(new MethodContext(1, step, 10, 4)).First, expected * 1e-5f);

    [TestMethod]
    public void Unit_and_factor_scale_x_and_the_slope()
    {
        var dx = new float[2];
        Estimator.Polynomial.Pass([0.5f, -3], [2, 5], dx, step: 2, factor: 3);
        CollectionAssert.AreEqual(new[] { 9f, 0 }, dx);
    }

    [TestMethod]
    public void Families_and_numbers_out_of_range_are_refused()
    {
        foreach (float[] settings in (float[][])[[1], [99, 0, 0], [1, 1, -1], [3, 0, 0], [7, 1, 0], [8, 1.5f, 1], [6, float.NaN, 0]])
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => Estimator.Of(settings)).Code);
        }
    }
}
