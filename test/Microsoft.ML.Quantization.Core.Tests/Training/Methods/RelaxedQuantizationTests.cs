using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Relaxed Quantization against worked numbers, its closed forms in double, and its limits. Grids with an offset β are shifted to β = 0, which changes x̂ by β alone.</summary>
[TestClass]
public sealed class RelaxedQuantizationTests
{
    private static readonly double[] _gumbel = [0.2, -0.3, 0.5, 0.1];

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Gradients_of_both_numbers_are_sums_over_the_root_of_their_length(bool straight)
    {
        var plain = new RelaxedQuantization { Bits = 3, StraightThrough = straight, ScalesGradient = false };
        double[] sums = new MethodProbe(plain, QuantizerSites.Weights, MethodProbe.W7).Back().Totals;
        double[] scaled = new MethodProbe(plain with { ScalesGradient = true }, QuantizerSites.Weights, MethodProbe.W7).Back().Totals;
        Assert.IsTrue(sums.All(s => s != 0));
        CollectionAssert.AreEqual(sums.Select(s => s * (1 / Math.Sqrt(7))).ToArray(), scaled);
    }

    [TestMethod]
    [DataRow(0.3, 1.0, 1 / 3.0, 1.0, 0.216907491)]
    [DataRow(0.3, 1.0, 1 / 3.0, 0.5, 0.128435293)]
    [DataRow(0.3, 1.0, 1 / 3.0, 0.05, 6.83e-9)]
    [DataRow(0.2, 0.8, 0.25, 0.7, 0.2185907687 - 0.1)]
    public void A_sample_with_given_noise_is_the_worked_one(double x, double step, double noise, double temperature, double expected)
        => Assert.AreEqual(expected, Sample(new RelaxedGrid((float)step, (float)noise, -2, 1, 4, (float)temperature), x).Value, 2e-6);

    [TestMethod]
    public void Gradients_with_given_noise_are_the_worked_ones()
    {
        (double value, double dx, double logStep, double logNoise) = Sample(new RelaxedGrid(0.8f, 0.25f, -2, 1, 4, 0.7f), 0.2);
        double noise = logNoise / 0.25;
        double step = (logStep - logNoise) / 0.8;
        Assert.AreEqual(0.6258807752, dx, 2e-5);
        Assert.AreEqual(-0.1242703174, step, 2e-5);
        Assert.AreEqual(0.3713234702, noise, 2e-5);
        Assert.AreEqual(value, (0.2 * dx) + (0.8 * step) + (0.25 * noise), 2e-5, "of degree 1 in x, step and noise together");
    }

    [TestMethod]
    public void The_local_grid_is_the_sample_of_its_window()
    {
        var grid = new RelaxedGrid(0.5f, 0.2f, -128, 127, 1, 1);
        Assert.AreEqual(3, grid.Width);
        foreach (double x in (double[])[0.3, -1.4, 63.6, -64.2])
        {
            int nearest = Math.Clamp((int)Math.Round(x / 0.5), -128, 127);
            (int low, int high) = (Math.Max(-128, nearest - 1), Math.Min(127, nearest + 1));
            double[] uniforms = [.. _gumbel.Skip(low - nearest + 1).Take(high - low + 1).Select(Uniform)];
            double At(double moved) => Exact(moved, 0.5, 0.2, low, high, 1, uniforms);
            (double value, double dx, _, _) = Sample(grid, x);
            Assert.AreEqual(At(x), value, 2e-5, $"{x}");
            Assert.AreEqual((At(x + 1e-5) - At(x - 1e-5)) / 2e-5, dx, 1e-3, $"{x}, the window held");
        }
    }

    [TestMethod]
    public void Frequencies_of_points_follow_the_probabilities()
    {
        const int Count = 20000;
        double[] expected = [0.0043892, 0.080845, 0.57799, 0.33678];
        float[] y = Train(true, 2, Enumerable.Repeat(0.3f, Count).ToArray(), 1, 1 / 3f);
        CollectionAssert.IsSubsetOf(y.Distinct().ToArray(), (float[])[-2, -1, 0, 1]);
        for (int i = 0; i < 4; i++)
        {
            double share = y.Count(v => v == i - 2) / (double)Count;
            Assert.AreEqual(expected[i], share, 5 * Math.Sqrt(expected[i] * (1 - expected[i]) / Count), $"code {i - 2}");
        }
    }

    [TestMethod]
    [DataRow(0.2f, 0.24898)]
    [DataRow(0.1f, 0.11886)]
    [DataRow(0.05f, 0.017986)]
    [DataRow(0.02f, 4.54e-5)]
    public void Less_noise_goes_to_hard_rounding(float noise, double expected)
    {
        const int Count = 20000;
        float[] y = Train(true, 2, Enumerable.Repeat(0.3f, Count).ToArray(), 1, noise);
        Assert.AreEqual(expected, y.Average(v => (double)v), 5 * Math.Sqrt(0.25 / Count));
    }

    [TestMethod]
    public void Far_outside_the_grid_the_law_is_truncated_geometric_and_the_gradient_ends()
    {
        const int Count = 20000;
        float[] far = [.. Enumerable.Repeat(1e6f, Count)];
        float[] y = Train(true, 2, far, 1, 1 / 3f);
        Assert.AreEqual(0.950219, y.Count(v => v == 1) / (double)Count, 5 * Math.Sqrt(0.05 / Count));
        (_, double dx, _, double noise) = Sample(new RelaxedGrid(1, 1 / 3f, -2, 1, 4, 1), 1e6);
        Assert.AreEqual(0, dx, 1e-4);
        Assert.IsTrue(double.IsFinite(noise));
        Assert.IsTrue(Train(false, 2, [float.PositiveInfinity, float.NegativeInfinity], 1, 0.3f).All(float.IsFinite));
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(4)]
    [DataRow(8)]
    public void Gradients_are_those_of_the_sample(int bits)
    {
        const double Small = 2e-3;
        Shape shape = Shape.Of(4, 5);
        Tensor x = RandomTensors.Floats(shape, 5);
        var method = new RelaxedQuantization { Bits = bits, ScalesGradient = false };
        Tensor g = Tensor.Create<float>(shape, [.. Enumerable.Repeat(1f, shape.Count)]);
        Tensor dx = Tensor.Allocate(ElementType.Float32, shape);
        MethodCall call = Call(x, 0.2, 0.4);
        double[] sums = MethodShares.Backward(method, call, method.Prepare(call), g, dx);
        double Total(double stepChange, double noiseChange)
        {
            MethodCall moved = Call(x, 0.2 * Math.Exp(stepChange), 0.4 * Math.Exp(noiseChange));
            return Run(method, moved).Sum(v => (double)v);
        }

        Assert.AreEqual((Total(Small, 0) - Total(-Small, 0)) / (2 * Small), sums[0], 0.02 * Math.Max(1, Math.Abs(sums[0])), "step");
        Assert.AreEqual((Total(0, Small) - Total(0, -Small)) / (2 * Small), sums[1], 0.02 * Math.Max(1, Math.Abs(sums[1])), "noise");
        for (int i = 0; i < shape.Count; i++)
        {
            double At(double move) => Run(method, Call(Tensor.Create<float>(shape, [.. x.Values<float>().ToArray().Select((v, j) => j == i ? (float)(v + move) : v)]), 0.2, 0.4))[i];
            double h = 1e-3;
            double difference = (At(h) - At(-h)) / (2 * h);
            Assert.AreEqual(difference, dx.Values<float>()[i], 0.02, $"x[{i}] = {x.Values<float>()[i]}");
        }
    }

    [TestMethod]
    public void Noise_is_that_of_the_step_and_evaluation_has_none()
    {
        float[] x = [-3, -0.5f, 0.3f, 0.49f, 0.51f, 2];
        float[] shifted = [.. x.Select(v => v - 0.1f)];
        var method = new RelaxedQuantization { Bits = 2 };
        MethodCall call = Call(Tensor.Create<float>(Shape.Of(6, 1), shifted), 0.8, 0.3);
        Tensor y = Tensor.Allocate(ElementType.Float32, Shape.Of(6, 1));
        MethodShares.Forward(method, call, method.Prepare(call), y, training: false);
        float[] expected = [-1.5f, -0.7f, 0.1f, 0.1f, 0.9f, 0.9f];
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], y.Values<float>()[i] + 0.1f, 1e-6f);
        }

        CollectionAssert.AreEqual(Run(method, call), Run(method, call));
        CollectionAssert.AreNotEqual(Run(method, call), Run(method, call with { Context = new MethodContext(1, 8, 10, 3) }));
    }

    [TestMethod]
    public void Options_out_of_range_are_refused()
    {
        foreach (RelaxedQuantization wrong in (RelaxedQuantization[])[new() { Bits = 4, Temperature = 0 }, new() { Bits = 4, Reach = -1 }, new() { Bits = 4, Temperature = float.NaN }])
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(wrong)).Code);
        }
    }

    private static double Uniform(double gumbel) => Math.Exp(-Math.Exp(-gumbel));

    /// <summary>x̂, ∂x̂/∂x, ∂x̂/∂log α with σ/α held, ∂x̂/∂log σ with the worked noise.</summary>
    private static unsafe (double Value, double Dx, double LogStep, double LogNoise) Sample(RelaxedGrid grid, double x)
    {
        Lanes1* scratch = stackalloc Lanes1[Math.Max(4, (2 * grid.Width) + 1)];
        for (int i = 0; i < 4; i++)
        {
            scratch[i] = new Lanes1((float)Uniform(_gumbel[i]));
        }

        float from = (float)x;
        (float to, float dx, float step, float noise) = (0, 0, 0, 0);
        grid.Sample(&from, &to, scratch, straight: false, &dx, &step, &noise);
        return (to, dx, step, noise);
    }

    /// <summary>The definition, in double: differences of sigmoids, Gumbel noise, softmax.</summary>
    private static double Exact(double x, double step, double noise, int low, int high, double temperature, double[] uniforms)
    {
        double Cdf(double edge) => 1 / (1 + Math.Exp(-((edge * step) - x) / noise));
        double[] weights = [.. Enumerable.Range(low, high - low + 1).Select((c, i) => Math.Exp((Math.Log(Cdf(c + 0.5) - Cdf(c - 0.5)) - Math.Log(-Math.Log(uniforms[i]))) / temperature))];
        return weights.Select((w, i) => w * (low + i) * step).Sum() / weights.Sum();
    }

    private static MethodCall Call(Tensor x, double step, double ratio)
        => new(x, [Tensor.Create<float>(Shape.Of(1), [(float)Math.Log(step)]), Tensor.Create<float>(Shape.Of(1), [(float)Math.Log(ratio)])], new MethodContext(1, 7, 10, 3), QuantizerSites.Weights, 3, WorkerPool.Single);

    private static float[] Run(RelaxedQuantization method, MethodCall call)
    {
        Tensor y = Tensor.Allocate(ElementType.Float32, call.X.Shape);
        MethodShares.Forward(method, call, method.Prepare(call), y, training: true);
        return y.Values<float>().ToArray();
    }

    private static float[] Train(bool straight, int bits, float[] x, double step, double ratio)
    {
        var method = new RelaxedQuantization { Bits = bits, StraightThrough = straight, ScalesGradient = false };
        return Run(method, Call(Tensor.Create<float>(Shape.Of(x.Length, 1), x), step, ratio));
    }
}
