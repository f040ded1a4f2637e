using System;
using System.Linq;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

[TestClass]
public sealed class WeightFitterTests
{
    private static readonly float[] _sixteen = [.1f, -.2f, .3f, -.4f, .5f, .6f, -.7f, .35f, -.15f, .25f, -.3f, .45f, -.55f, .05f, -.1f, 2];

    [TestMethod]
    [DataRow(3, .037049, 1.70, .030729)]
    [DataRow(4, .00655, 1.92, .006446)]
    public void The_grid_search_follows_the_written_vectors(int bits, double minMax, double bound, double error)
    {
        WeightTarget target = WeightTarget.Symmetric(bits) with { Granularity = Granularity.PerTensor, LeastSquaresRefit = false };
        AffineParameters found = MeanSquaredErrorWeightFitter.Search(_sixteen, new ClippingRange(-.7f, 2), target, out int step, out double sum);
        Assert.AreEqual(bound, 2 * step / 100.0, 1e-9);
        Assert.AreEqual(error, sum / 16, 6e-7);
        WeightFit fit = Fit(RangeSource.MeanSquaredError, Row(_sixteen), target);
        Assert.AreEqual(minMax, fit.MinMaxError, 6e-6);
        Assert.AreEqual(error, fit.Error, 6e-7);
        Assert.AreEqual(found, fit.Quantization.Single);
    }

    [TestMethod]
    public void The_refit_is_taken_only_when_the_error_falls()
    {
        WeightTarget plain = WeightTarget.Symmetric(3) with { Granularity = Granularity.PerTensor, LeastSquaresRefit = false };
        WeightFit without = Fit(RangeSource.MeanSquaredError, Row(_sixteen), plain);
        WeightFit with = Fit(RangeSource.MeanSquaredError, Row(_sixteen), plain with { LeastSquaresRefit = true });
        Assert.AreEqual(1, with.RefittedGroups);
        Assert.IsTrue(with.Error < without.Error);
        AffineParameters p = without.Quantization.Single;
        int[] codes = [.. _sixteen.Select(x => p.Quantize(x, plain.Range))];
        double expected = _sixteen.Zip(codes, (x, q) => (double)x * q).Sum() / codes.Sum(q => q * q);
        Assert.AreEqual((float)expected, with.Quantization.Single.Scale);

        WeightFit exact = Fit(RangeSource.MeanSquaredError, Row([-3, -2, -1, 0, 1, 2, 3]), plain with { LeastSquaresRefit = true });
        Assert.AreEqual((0.0, 0), (exact.Error, exact.RefittedGroups));
        Assert.AreEqual(1, exact.Quantization.Single.Scale);
    }

    [TestMethod]
    [DataRow(4)]
    [DataRow(8)]
    public void Affine_parameters_follow_the_written_vectors(int bits)
    {
        WeightFit narrow = Fit(RangeSource.MinMax, Row([-1, 1]), WeightTarget.Symmetric(bits) with { Granularity = Granularity.PerTensor });
        Assert.AreEqual(1f / ((1 << (bits - 1)) - 1), narrow.Quantization.Single.Scale, 1e-9f);
        Assert.AreEqual(0, narrow.Quantization.Single.ZeroPoint);
        var asymmetric = new WeightTarget { Code = new CodeType(new BitWidth(8), false), Range = IntegerRange.Unsigned(8), IsSymmetric = false, Granularity = Granularity.PerTensor };
        WeightFit unsigned = Fit(RangeSource.MinMax, Row([-1, 3]), asymmetric);
        Assert.AreEqual(new AffineParameters((float)(4.0 / 255), 64), unsigned.Quantization.Single);
    }

    [TestMethod]
    public void Each_channel_along_any_axis_is_fitted_on_its_own()
    {
        Tensor weights = Tensor.Create(Shape.Of(2, 3), [1f, 20, 300, -4, 50, -600]);
        WeightFit rows = Fit(RangeSource.MinMax, weights, WeightTarget.Symmetric(8));
        CollectionAssert.AreEqual(new[] { 300f / 127, 600f / 127 }, rows.Quantization.Scales.ToArray());
        WeightFit columns = Fit(RangeSource.MinMax, weights, WeightTarget.Symmetric(8, axis: -1));
        CollectionAssert.AreEqual(new[] { 4f / 127, 50f / 127, 600f / 127 }, columns.Quantization.Scales.ToArray());
        AffineRules.Check(columns.Quantization, "weights");
    }

    [TestMethod]
    public void Groups_run_along_the_axis_and_the_last_may_be_short()
    {
        Tensor weights = Tensor.Create(Shape.Of(2, 5), [1f, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        WeightFit fit = Fit(RangeSource.MinMax, weights, WeightTarget.Symmetric(4, axis: 1) with { Granularity = Granularity.PerGroup, GroupSize = 2 });
        CollectionAssert.AreEqual(new[] { 2f / 7, 4f / 7, 5f / 7, 7f / 7, 9f / 7, 10f / 7 }, fit.Quantization.Scales.ToArray());
    }

    [TestMethod]
    public void Channels_of_zeros_get_scale_one_and_are_counted()
    {
        foreach (RangeMethod method in WeightFitter.Methods)
        {
            Tensor weights = Tensor.Create(Shape.Of(4, 3), [0f, -0f, 0, 1, 2, 3, 1e-42f, 0, -1e-42f, 5, 5, 5]);
            WeightFit fit = Fit(new RangeSource(method, method == RangeMethod.Percentile ? 0.9 : 0), weights, WeightTarget.Symmetric(4));
            Assert.AreEqual((1, 1), (fit.ZeroGroups, fit.SubnormalGroups), method.ToString());
            Assert.AreEqual(1f, fit.Quantization.Scales[0]);
            Assert.AreEqual(1f, fit.Quantization.Scales[2]);
            AffineRules.Check(fit.Quantization, "weights");
        }
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    [DataRow(float.NegativeInfinity)]
    public void A_weight_that_is_not_finite_is_refused_with_tensor_and_index(float value)
    {
        Tensor weights = Tensor.Create(Shape.Of(2, 3), [0f, 1, 2, 3, value, 5]);
        QuantizationException e = Assert.ThrowsException<QuantizationException>(() => WeightFitter.For(RangeSource.Automatic, 4).Fit("conv1.w", weights, WeightTarget.Symmetric(4)));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteWeight, e.Code);
        StringAssert.Contains(e.Message, "conv1.w", StringComparison.Ordinal);
        StringAssert.Contains(e.Message, "index 4", StringComparison.Ordinal);
    }

    [TestMethod]
    [DataRow(.999, 999f)]
    [DataRow(.9999, 100000f)]
    [DataRow(.99, 990f)]
    public void Percentile_of_weights_is_exact(double share, float expected)
    {
        float[] values = [.. Enumerable.Range(1, 999).Select(i => (float)(i % 2 == 0 ? i : -i)), 100000f];
        WeightFit fit = Fit(RangeSource.Percentile(share), Row(values), WeightTarget.Symmetric(8) with { Granularity = Granularity.PerTensor });
        Assert.AreEqual(2 * expected / 254, fit.Quantization.Single.Scale);
    }

    [TestMethod]
    public void The_vectorised_error_is_that_of_the_quantizer()
    {
        for (int length = 0; length <= 40; length++)
        {
            float[] values = HistogramTests.Samples(length, (ulong)length);
            var parameters = new AffineParameters(0.07f, 3);
            var range = new IntegerRange(-2, 9);
            double expected = values.Sum(x => Math.Pow((double)x - parameters.Dequantize(parameters.Quantize(x, range)), 2));
            Assert.AreEqual(expected, WeightError.Sum(values, parameters, range), 1e-12);
        }
    }

    [TestMethod]
    public void Automatic_minimises_the_error_of_few_bits_and_activation_methods_are_refused()
    {
        Assert.AreEqual(RangeMethod.MeanSquaredError, WeightFitter.For(RangeSource.Automatic, 4).Method);
        Assert.AreEqual(RangeMethod.MinMax, WeightFitter.For(RangeSource.Automatic, 8).Method);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => WeightFitter.For(RangeSource.Entropy, 8)).Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => new PercentileWeightFitter(1.5)).Code);
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(4)]
    [DataRow(7)]
    public void The_fitted_error_is_never_above_that_of_the_extremes(int bits)
    {
        Tensor weights = Tensor.Create(Shape.Of(8, 9, 5), HistogramTests.Samples(360, 3));
        WeightFit fit = Fit(RangeSource.MeanSquaredError, weights, WeightTarget.Symmetric(bits));
        Assert.IsTrue(fit.Error <= fit.MinMaxError);
        Tensor decoded = fit.Quantization.Decode(fit.Quantization.Encode(weights));
        double error = weights.Values<float>().ToArray().Zip(decoded.Values<float>().ToArray(), (a, b) => Math.Pow((double)a - b, 2)).Average();
        Assert.AreEqual(error, fit.Error, 1e-12);
    }

    private static Tensor Row(float[] values) => Tensor.Create(Shape.Of(1, values.Length), values);

    private static WeightFit Fit(RangeSource source, Tensor weights, WeightTarget target) => WeightFitter.For(source, target.Code.Bits.Bits).Fit("w", weights, target);
}
