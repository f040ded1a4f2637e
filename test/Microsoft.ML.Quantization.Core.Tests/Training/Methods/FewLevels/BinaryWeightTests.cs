using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Weights of one bit: BinaryConnect, BNN, BWN, XNOR-Net, Bi-Real, IR-Net, Tang, HashNet.</summary>
[TestClass]
public sealed class BinaryWeightTests
{
    private static readonly float[] _w = [0.4f, -0.8f, 0.1f, 0.3f];
    private static readonly float[] _g = [1, 2, -1, 0.5f];

    [TestMethod]
    public void Branches_of_group_net_have_one_scale_a_layer_and_pass_gradients_on()
    {
        float[] w = [0.4f, -0.8f, 0.1f, 2.3f];
        var use = new Use(new GroupNet { Bits = 1 }, w, Shape.Of(2, 2));
        Use.Near([0.9f, -0.9f, 0.9f, 0.9f], use.Hard());
        CollectionAssert.AreEqual((float[])[1, 2, -1, 0.5f], use.Back(1, 2, -1, 0.5f).Dx);
        CollectionAssert.AreEqual(w, use.After(w));
        Use.Near([0, 1, 2, 1.4f, 0], new Use(new GroupNet { Bits = 1 }, [-1.5f, -0.5f, 0, 0.3f, 1], site: QuantizerSites.Activations).Back(1, 1, 1, 1, 1).Dx);
    }

    [TestMethod]
    public void BinaryConnect_draws_signs_with_the_hard_sigmoid()
    {
        float[] probabilities = [.. new[] { -0.5f, -0.25f, -0.1f, 0, 0.05f, 0.2f, 0.25f }.Select(w => BinaryConnect.Probability(w, 0.25f))];
        Use.Near([0, 0, 0.3f, 0.5f, 0.6f, 0.9f, 1], probabilities);
    }

    [TestMethod]
    public void BinaryConnect_has_two_values_whose_mean_over_steps_is_the_hard_tanh()
    {
        float[] w = [-1.5f, -0.4f, 0, 0.25f, 0.9f];
        double[] sums = new double[w.Length];
        const int Draws = 2000;
        var method = new BinaryConnect { Bits = 1, Stochastic = true };
        for (int step = 0; step < Draws; step++)
        {
            float[] drawn = new Use(method, w, context: new MethodContext(3, step, 100, 100)).Soft();
            Assert.IsTrue(drawn.All(v => v is 1 or -1));
            sums = [.. sums.Zip(drawn, (a, b) => a + b)];
        }

        for (int i = 0; i < w.Length; i++)
        {
            Assert.AreEqual(Math.Clamp(w[i], -1, 1), sums[i] / Draws, 0.08, $"{w[i]}");
        }

        CollectionAssert.AreEqual((float[])[-1, -1, 1, 1, 1], new Use(method, w).Hard());
    }

    [TestMethod]
    public void BinaryConnect_passes_gradients_and_clips_behind_the_step()
    {
        // √(1.5 / (4 + 20)) = 0.25.
        var use = new Use(new BinaryConnect { Bits = 1, Glorot = true }, new float[80], Shape.Of(20, 4));
        float[] stepped = [.. Enumerable.Repeat(0.24f + 0.02f, 40), .. Enumerable.Repeat(-0.115f, 40)];
        CollectionAssert.AreEqual((float[])[.. Enumerable.Repeat(0.25f, 40), .. Enumerable.Repeat(-0.115f, 40)], use.After(stepped));
        float[] g = [.. Enumerable.Range(0, 80).Select(i => i * 0.1f)];
        CollectionAssert.AreEqual(g, use.Back(g).Dx);
        Assert.AreEqual(0.25f, use.Hard().Max());
    }

    [TestMethod]
    [DataRow(784, 4096, 57.04f)]
    [DataRow(4096, 4096, 73.90f)]
    public void Steps_are_longer_by_the_size_of_the_layer(int inputs, int outputs, float factor)
        => Assert.AreEqual(factor, 1 / LatentWeights.Glorot(Shape.Of(outputs, inputs)), 0.01f);

    [TestMethod]
    public void Steps_of_kernels_count_their_places() => Assert.AreEqual(39.19f, 1 / LatentWeights.Glorot(Shape.Of(128, 128, 3, 3)), 0.01f);

    [TestMethod]
    public void Bnn_lengthens_the_step_and_clips()
    {
        var use = new Use(new Bnn { Bits = 1 }, [0.5f, -0.5f]);
        float factor = 1 / LatentWeights.Glorot(Shape.Of(1, 2));
        Use.Near([0.5f + (0.01f * factor), -1], use.After(0.51f, -2));
        CollectionAssert.AreEqual((float[])[1, -1], use.Hard());
        Use.Near([0.3f, 7], use.Back(0.3f, 7).Dx);
    }

    [TestMethod]
    [DataRow(ScaleGradient.Constant, new float[] { 0.4f, 0.8f, -0.4f, 0.2f })]
    [DataRow(ScaleGradient.Paper, new float[] { 0.65f, 1.3f, -0.65f, 0.325f })]
    [DataRow(ScaleGradient.Exact, new float[] { 0.025f, 1.175f, -0.775f, -0.175f })]
    public void Xnor_gradients_are_those_of_their_policy(ScaleGradient policy, float[] expected)
    {
        var use = new Use(new Xnor { Bits = 1, WeightsOnly = true, Gradient = policy }, _w);
        Use.Near([0.4f, -0.4f, 0.4f, 0.4f], use.Hard());
        Assert.AreEqual(0.26, use.Hard().Zip(_w, (a, b) => (a - b) * (a - b)).Sum(), 1e-6);
        Use.Near(expected, use.Back(_g).Dx);
    }

    [TestMethod]
    public void Weights_of_tbn_have_the_scale_of_their_channel_and_nothing_else_of_xnor()
    {
        QuantizationMethod weights = TrainingRecipes.Find("TBN").Scheme(1, 2).Weights!;
        var use = new Use(weights, [1, -3, 0.5f, 0.25f, 0, 0], Shape.Of(3, 2));
        Use.Near([2, -2, 0.375f, 0.375f, 1e-12f, 1e-12f], use.Hard());
        float[] g = [1, -2, 3, 0.5f, -1, 7];
        CollectionAssert.AreEqual(g, use.Back(g).Dx, "beyond 1 as well, and of dead channels");
        Assert.IsFalse(weights.ActsAfterStep);
        CollectionAssert.AreEqual((float[])[5, 4, 3, 2, -1, -9], use.After(5, 4, 3, 2, -1, -9));
        Assert.AreEqual(weights, QuantizationMethods.Create("BWN", weights.Settings));
        Assert.AreNotEqual(weights, QuantizationMethods.Find("BWN").Default(1));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("BWN", [1, 1, 0, 1, 1])).Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("XNOR", [1, 1, 4])).Code);
    }

    [TestMethod]
    public void Xnor_scales_belong_to_output_channels()
    {
        float[] hard = new Use(new Xnor { Bits = 1 }, [1, -3, 0.5f, 0.25f, 0, 0], Shape.Of(3, 2)).Hard();
        Use.Near([2, -2, 0.375f, 0.375f, LevelTable.SmallestScale, LevelTable.SmallestScale], hard, 0);
    }

    [TestMethod]
    public void Xnor_centres_over_input_channels_at_each_place_and_clips()
    {
        var use = new Use(new Xnor { Bits = 1 }, new float[8], Shape.Of(2, 2, 2));
        Use.Near([-1, -0.5f, 1, 0.5f, 0, 1, 0, -1], use.After(1, 2, 4, 3, 7, 5, 7, 1));
        var single = new Use(new Xnor { Bits = 1 }, new float[2], Shape.Of(1, 1, 2));
        Use.Near([0.5f, -1], single.After(0.5f, -2));
    }

    [TestMethod]
    public void BiReal_leaves_the_scale_out_of_the_gradient_unless_magnitude_aware()
    {
        float[] w = [0.5f, -1.5f];
        Use.Near([1, -1], new Use(new BiReal { Bits = 1 }, w).Hard());
        Use.Near([3, 0], new Use(new BiReal { Bits = 1 }, w).Back(3, 3).Dx);
        Use.Near([3, 0], new Use(new BiReal { Bits = 1, MagnitudeAware = true }, w).Back(3, 3).Dx);
        Use.Near([0.6f, 0.6f], new Use(new BiReal { Bits = 1, MagnitudeAware = true }, [0.2f, 0.2f]).Back(3, 3).Dx);
    }

    [TestMethod]
    public void IrNet_standardizes_and_takes_a_power_of_two()
    {
        float[] w = [0.5f, -0.1f, 0.2f, 0.4f];
        (float mean, float deviation) = IrNet.Moments(w);
        Use.Near([0.944911f, -1.322876f, -0.188982f, 0.566947f], [.. w.Select(v => (v - mean) / deviation)]);
        Use.Near([1, -1, -1, 1], new Use(new IrNet { Bits = 1 }, w).Hard());
    }

    [TestMethod]
    [DataRow(0, 1f)]
    [DataRow(300, 1f)]
    [DataRow(399, 9.7723722f)]
    public void IrNet_sharpens_over_the_run(int epoch, float slope)
    {
        var method = new IrNet { Bits = 1 };
        Assert.AreEqual(slope, method.Slope.At(new MethodContext(1, epoch * 10L, 10, 400)).Slope(0), 1e-3f);
    }

    [TestMethod]
    public void IrNet_gradient_is_that_of_the_soft_form_with_the_scale_held()
    {
        float[] w = RandomTensors.Floats(Shape.Of(2, 6), 4).Values<float>().ToArray();
        float[] g = RandomTensors.Floats(Shape.Of(2, 6), 5).Values<float>().ToArray();
        var context = new MethodContext(1, 395, 10, 40);
        var use = new Use(new IrNet { Bits = 1, Slope = Estimator.Tanh(2, 2) }, w, Shape.Of(2, 6), context: context);
        float[] scales = [.. use.Hard().Select(Math.Abs)];
        float[] dx = use.Back(g).Dx;
        for (int i = 0; i < w.Length; i++)
        {
            const double Step = 1e-4;
            double up = Soft(w, g, scales, i, Step);
            double down = Soft(w, g, scales, i, -Step);
            Assert.AreEqual((up - down) / (2 * Step), dx[i], 2e-3 * Math.Max(1, Math.Abs(dx[i])), $"[{i}]");
        }
    }

    [TestMethod]
    [DataRow(0.7f, 0.5f)]
    [DataRow(3f, 4f)]
    [DataRow(-0.3f, -0.25f)]
    [DataRow(1.4f, 1f)]
    [DataRow(1.5f, 2f)]
    [DataRow(0f, 0f)]
    [DataRow(-5f, -4f)]
    public void Nearest_power_of_two_in_the_logarithm(float x, float power) => Assert.AreEqual(power, PowerOfTwo.Nearest(x));

    [TestMethod]
    public void Tang_pulls_weights_to_both_ends()
    {
        var use = new Use(new BipolarWeights { Bits = 1, Pull = 1e-3f }, [0.5f, -0.9f, 0, 1]);
        Use.Near([-5e-4f, 9e-4f, 0, -1e-3f], use.Back(0, 0, 0, 0).Dx, 1e-8f);
        CollectionAssert.AreEqual((float[])[1, -1, 0.5f, 1], use.After(1.5f, -3, 0.5f, 1));
    }

    [TestMethod]
    [DataRow(0.1f, 1, 0.099668f, 0.990066f)]
    [DataRow(0.1f, 600, 0.197375f, 1.922086f)]
    [DataRow(0.1f, 19800, 0.761594f, 4.199743f)]
    [DataRow(0.5f, 19800, 0.999909f, 0.001816f)]
    public void HashNet_has_the_exact_derivative_of_its_soft_sign(float x, int step, float y, float slope)
    {
        // β² = 1 + 0.005·step, refreshed every 200 steps: 1, 2 and 10 at 0, 600 and 19800.
        var use = new Use(new HashNet { Bits = 1 }, [x], context: new MethodContext(1, step, 100, 1000));
        Use.Near([y], use.Soft(), 1e-5f);
        Use.Near([slope], use.Back(1).Dx, 1e-4f);
        Use.Near([1], use.Hard());
    }

    [TestMethod]
    public void HashNet_begins_with_weights_in_units_of_their_mean_size()
    {
        var method = new HashNet { Bits = 1 };
        Use.Near([1, -2, 0.25f, 0.75f], method.FirstWeights(Tensor.Create<float>(Shape.Of(1, 4), [0.02f, -0.04f, 0.005f, 0.015f]))!.Values<float>().ToArray());
        Assert.IsNull(method.FirstWeights(Tensor.Create<float>(Shape.Of(1, 2), [0, 0])));
        Assert.IsNull(method.FirstWeights(Tensor.Create<float>(Shape.Of(1, 2), [0, float.NaN])));
    }

    [TestMethod]
    [DataRow(0, 1f)]
    [DataRow(199, 1f)]
    [DataRow(200, 1.4142f)]
    [DataRow(1000, 2.4495f)]
    [DataRow(10000, 7.1414f)]
    public void HashNet_sharpens_in_steps_of_its_schedule(int step, float beta)
    {
        Assert.AreEqual(beta, new HashNet { Bits = 1 }.Sharpness(new MethodContext(1, step, 100, 1000)), 1e-4f);
        Assert.AreEqual(10f, new HashNet { Bits = 1, Final = 10 }.Sharpness(new MethodContext(1, 1000, 100, 10)), 1e-4f);
    }

    /// <summary>Σ g·scale·k/t·tanh(t·z)·t of the surrogate's antiderivative, in double.</summary>
    private static double Soft(float[] w, float[] g, float[] scales, int moved, double by)
    {
        double sum = 0;
        int length = w.Length / 2;
        for (int row = 0; row < 2; row++)
        {
            double[] v = [.. Enumerable.Range(row * length, length).Select(i => w[i] + (i == moved ? by : 0))];
            double mean = v.Average();
            double deviation = Math.Sqrt(v.Sum(x => (x - mean) * (x - mean)) / (length - 1));
            sum += v.Select((x, i) => g[(row * length) + i] * scales[(row * length) + i] * Math.Tanh(2 * (x - mean) / deviation)).Sum();
        }

        return sum;
    }
}
