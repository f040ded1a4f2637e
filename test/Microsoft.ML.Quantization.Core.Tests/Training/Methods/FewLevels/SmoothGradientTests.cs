using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Gradients of few-level methods that are derivatives of something: of the hard form where it is smooth, of the form that a surrogate stands for where it is not.</summary>
[TestClass]
public sealed class SmoothGradientTests
{
    private const double Step = 1.0 / 1024;

    [TestMethod]
    public void The_scale_of_xnor_has_the_gradient_of_differences_while_signs_stay()
    {
        // Sizes from 0.2: no step changes a sign, and mean|w| is a straight line between.
        Shape shape = Shape.Of(3, 5);
        float[] w = [.. RandomTensors.Floats(shape, 3, 0.7f).Values<float>().ToArray().Select(v => v < 0 ? v - 0.2f : v + 0.2f)];
        float[] g = RandomTensors.Floats(shape, 4).Values<float>().ToArray();
        float[] exact = new Use(new Xnor { Bits = 1, WeightsOnly = true, Gradient = ScaleGradient.Exact }, w, shape).Back(g).Dx;
        float[] constant = new Use(new Xnor { Bits = 1, WeightsOnly = true }, w, shape).Back(g).Dx;
        for (int i = 0; i < w.Length; i++)
        {
            double difference = Slope(v => Dot(g, new Use(new Xnor { Bits = 1, WeightsOnly = true }, v, shape).Hard()), w, i, 1.0 / 16);
            Assert.AreEqual(difference, exact[i] - constant[i], 2e-5, $"[{i}]");
        }
    }

    [TestMethod]
    public void Scales_of_abc_planes_have_the_gradient_of_differences()
    {
        (float[] x, float[] g, float[] shifts, float[] scales) = Abc();
        double[] sums = Activations(x, shifts, scales).Back(g).Sums;
        for (int n = 0; n < scales.Length; n++)
        {
            Assert.AreEqual(Slope(v => Dot(g, Activations(x, shifts, v).Hard()), scales, n, 1.0 / 16), sums[scales.Length + n], 1e-4, $"scale {n}");
        }
    }

    [TestMethod]
    public void Shifts_of_abc_planes_and_x_have_the_gradient_of_clipped_lines()
    {
        (float[] x, float[] g, float[] shifts, float[] scales) = Abc();
        (float[] dx, double[] sums) = Activations(x, shifts, scales).Back(g);
        double Soft(float[] at, float[] by) => at.Select((v, i) => g[i] * by.Select((s, n) => scales[n] * Math.Clamp((double)v + s, 0, 1)).Sum()).Sum();

        // Values keep away from the corners of the lines.
        Assert.IsTrue(x.All(v => shifts.All(s => Math.Abs(v + s) > 2 * Step && Math.Abs(v + s - 1) > 2 * Step)));
        for (int n = 0; n < shifts.Length; n++)
        {
            Assert.AreEqual(Slope(v => Soft(x, v), shifts, n, Step), sums[n], 1e-4, $"shift {n}");
        }

        for (int i = 0; i < x.Length; i++)
        {
            Assert.AreEqual(Slope(v => Soft(v, shifts), x, i, Step), dx[i], 1e-5, $"[{i}]");
        }
    }

    [TestMethod]
    public void A_shift_in_a_graph_has_the_gradient_by_hand()
        => Use.Near([-3], Shifted([-0.5f, 0.1f, 0.9f, 1.5f], [1, 1, 1, 1], [0.2f], [-1, -1, 1, 1]));

    [TestMethod]
    public void Shifts_of_channels_have_the_gradient_of_the_parabolas_their_signs_stand_for()
    {
        float[] x = RandomTensors.Floats(Shape.Of(3, 8), 5, 1.5f).Values<float>().ToArray();
        float[] g = RandomTensors.Floats(Shape.Of(3, 8), 6).Values<float>().ToArray();
        float[] shifts = [0.2f, -0.35f, 0];
        float[] found = Shifted(x, g, shifts);

        // The slope 2 − 2|u| inside [−1, 1] is that of 2u − u·|u|.
        static double Parabola(double u) => Math.Abs(u) >= 1 ? Math.Sign(u) : (2 * u) - (u * Math.Abs(u));
        double Soft(float[] by) => x.Select((v, i) => g[i] * Parabola((double)v - by[i / 8])).Sum();
        for (int c = 0; c < shifts.Length; c++)
        {
            Assert.AreEqual(Slope(Soft, shifts, c, Step), found[c], 5e-3, $"channel {c}");
        }
    }

    [TestMethod]
    public void A_bent_rectifier_in_a_graph_learns_its_place_its_slope_and_its_height()
    {
        // γ = 0.3, b = 0.25, ζ = −0.1 at −1, 0.2, 1: slopes 0.25, 0.25, 1.
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Microsoft.ML.Quantization.Graphs.ValueType.Float(Shape.Of(1, 1, 1, 3)));
        Binary last = LearnedShifts.Bend(builder, "r", x);
        builder.AddOutput(builder.Add(last, "y"));
        (float[] y, Dictionary<string, float[]> gradients) = Run(builder.Build(), Tensor.Create<float>(Shape.Of(1, 1, 1, 3), [-1, 0.2f, 1]), [1, 1, 1], ("r.before.value", [0.3f]), ("r.behind.value", [-0.1f]));
        Use.Near([-0.425f, -0.125f, 0.6f], y);
        Use.Near([-1.5f], gradients["r.before.value"]);
        Use.Near([-1.3f - 0.1f], gradients["r.prelu.value"]);
        Use.Near([3], gradients["r.behind.value"]);
    }

    [TestMethod]
    public void The_pull_to_both_ends_is_the_gradient_of_its_regularizer()
    {
        // R = (λ/2)·Σ (1 − w²), 0 at ±1: the trapezoid from the ends to w is exact for a straight line.
        float[] w = [0.5f, -0.9f, 0, 1];
        float[] ends = [1, -1, 1, 1];
        float[] Pull(float[] at) => new Use(new BipolarWeights { Bits = 1, Pull = 1e-3f }, at).Back(0, 0, 0, 0).Dx;
        double[] sums = [.. Pull(w).Zip(Pull(ends), (a, b) => ((double)a + b) / 2)];
        Assert.AreEqual(9.7e-4, sums.Select((s, i) => s * (w[i] - ends[i])).Sum(), 1e-9);
    }

    /// <summary>The gradients of the shifts of channels in front of signs, each channel of x as long as the others; the signs are checked where they are given.</summary>
    private static float[] Shifted(float[] x, float[] g, float[] shifts, float[]? signs = null)
    {
        Shape shape = Shape.Of(1, shifts.Length, 1, x.Length / shifts.Length);
        var builder = new GraphBuilder();
        ValueId moved = LearnedShifts.Shift(builder, "s", builder.AddInput("x", Microsoft.ML.Quantization.Graphs.ValueType.Float(shape)));
        builder.AddOutput(builder.Add(new LearnedQuantize { Method = new BiReal { Bits = 1 }, Site = QuantizerSites.Activations, Inputs = [moved] }, "y"));
        (float[] y, Dictionary<string, float[]> gradients) = Run(builder.Build(), Tensor.Create(shape, x), g, ("s.shift.value", shifts));
        CollectionAssert.AreEqual(signs ?? x.Select((v, i) => v - shifts[i / shape[3]] >= 0 ? 1f : -1).ToArray(), y);
        return gradients["s.shift.value"];
    }

    private static (float[] Output, Dictionary<string, float[]> Gradients) Run(Graph graph, Tensor x, float[] g, params (string Name, float[] Values)[] constants)
    {
        Dictionary<string, Tensor> all = new TrainingState(graph, 0).Constants;
        foreach ((string name, float[] values) in constants)
        {
            values.CopyTo(all[name].Writable<float>());
        }

        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([x], all, training: true);
        float[] y = pass["y"].Values<float>().ToArray();
        return (y, reverse.Backward(pass, Tensor.Create(x.Shape, g)).ToDictionary(p => p.Key, p => p.Value.Values<float>().ToArray(), StringComparer.Ordinal));
    }

    private static (float[] X, float[] G, float[] Shifts, float[] Scales) Abc()
        => (RandomTensors.Floats(Shape.Of(40), 7).Values<float>().ToArray(), RandomTensors.Floats(Shape.Of(40), 8).Values<float>().ToArray(), [0.5f, 0.125f, -0.5f], [0.2f, 0.3f, 0.4f]);

    private static Use Activations(float[] x, float[] shifts, float[] scales)
        => new Use(new AbcActivations { Bits = shifts.Length }, x, site: QuantizerSites.Activations).With(0, shifts).With(1, scales);

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();

    private static double Slope(Func<float[], double> of, float[] at, int index, double step)
    {
        double At(double by) => of([.. at.Select((v, i) => i == index ? (float)(v + by) : v)]);
        return (At(step) - At(-step)) / (2 * step);
    }
}
