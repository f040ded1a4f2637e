using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Methods that contain others: with their numbers set so, they are those, codes and gradients.</summary>
[TestClass]
public sealed class ReductionTests
{
    private const int Count = 60;

    private static readonly float[] _w = RandomTensors.Floats(Shape.Of(Count), 3, 0.9f).Values<float>().ToArray();
    private static readonly float[] _x = RandomTensors.Floats(Shape.Of(Count), 4).Values<float>().ToArray();
    private static readonly float[] _g = RandomTensors.Floats(Shape.Of(Count), 5).Values<float>().ToArray();

    [TestMethod]
    public void Abc_of_one_plane_is_the_binary_weight_network_on_centred_weights()
    {
        float mean = _w.Average();
        float[] centred = [.. _w.Select(v => v - mean)];
        float[] abc = new Use(new AbcWeights { Bits = 1 }, centred).Hard();
        float[] bwn = new Use(new Xnor { Bits = 1, WeightsOnly = true }, centred).Hard();
        CollectionAssert.AreEqual(bwn.Select(Math.Sign).ToArray(), abc.Select(Math.Sign).ToArray());

        // The ridge of 1e-6·n on the diagonal makes α smaller by as much.
        Use.Near([.. bwn.Select(v => v / (1 + 1e-6f))], abc, 2e-7f);
    }

    [TestMethod]
    public void Abc_activations_of_one_plane_at_half_are_signs()
        => CollectionAssert.AreEqual(Signs().Hard(), Activations(new AbcActivations { Bits = 1 }).With(0, 0.5f).With(1, 1).Hard());

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Horq_of_one_order_is_the_sign_of_xnor_times_its_scale(bool perOrder)
    {
        Use horq = Activations(new Horq { Bits = 1, PerOrder = perOrder });
        float scale = horq.Call.Parameter(0)[0];
        Assert.AreEqual(_x.Average(v => Math.Abs((double)v)), scale, 1e-6);
        CollectionAssert.AreEqual(Signs().Hard().Select(s => s * scale).ToArray(), horq.Hard());
        float[] slopes = Signs().Back(_g).Dx;
        CollectionAssert.AreEqual(perOrder ? slopes.Select(v => v * scale).ToArray() : slopes, horq.Back(_g).Dx);
    }

    [TestMethod]
    public void HashNet_becomes_the_sign()
    {
        double last = double.PositiveInfinity;
        foreach (long step in new[] { 0, 250, 500, 750, 1000 })
        {
            // β = 10⁵ to the share of the run.
            var use = new Use(new HashNet { Bits = 1, Final = 1e5f }, _x, site: QuantizerSites.Activations, context: new MethodContext(1, step, 100, 10));
            double apart = use.Soft().Zip(use.Hard(), (a, b) => Math.Abs((double)a - b)).Average();
            Assert.IsTrue(apart < last || apart == 0, $"step {step}: {apart} after {last}");
            last = apart;
            CollectionAssert.AreEqual(Signs().Hard(), use.Hard());
        }

        var end = new Use(new HashNet { Bits = 1, Final = 1e5f }, _x, context: new MethodContext(1, 1000, 100, 10));
        CollectionAssert.AreEqual(Signs().Hard(), end.Soft());
        CollectionAssert.AreEqual(new float[Count], end.Back(_g).Dx);
    }

    [TestMethod]
    public void Ttq_with_equal_scales_and_the_threshold_of_twn_is_twn()
    {
        float[] twn = new Use(new TernaryWeights { Bits = 2 }, _w).Hard();
        float scale = twn.Max();
        float share = 0.7f * _w.Average(Math.Abs) / _w.Max(Math.Abs);
        Use ttq = new Use(new Ttq { Bits = 2, Threshold = share }, _w).With(0, scale).With(1, scale);
        CollectionAssert.AreEqual(twn, ttq.Hard());
        Assert.AreEqual(3, twn.Distinct().Count());
        CollectionAssert.AreEqual(_g.Zip(twn, (g, t) => t == 0 ? g : g * scale).ToArray(), ttq.Back(_g).Dx);
    }

    [TestMethod]
    [DataRow(1f)]
    [DataRow(9f)]
    [DataRow(1e-6f)]
    public void Loss_aware_methods_of_even_curvature_are_bwn_and_exact_twn(float curvature)
    {
        float[] Of(LossAware method)
        {
            // From another scale than the one that is to be found.
            Use use = new Use(method, _w).With(0, 0.123f);
            use.Call = use.Call with { Curvature = Enumerable.Repeat(curvature, Count).ToArray() };
            CollectionAssert.AreEqual(_w, use.After(_w));
            return use.Hard();
        }

        Use.Near(new Use(new Xnor { Bits = 1, WeightsOnly = true }, _w).Hard(), Of(new LossAware { Bits = 1 }), 1e-6f);
        Use.Near(new Use(new TernaryWeights { Bits = 2, Exact = true }, _w).Hard(), Of(new LossAware { Bits = 2, Exact = true }), 1e-6f);
    }

    [TestMethod]
    public void Targets_scaled_by_the_gradient_are_surrogates()
    {
        float[] hard = Activations(new TargetPropagation { Bits = 1, Soft = false }).Back(_g).Dx;
        CollectionAssert.AreEqual(Signs().Back(_g).Dx, hard);
        float[] soft = Activations(new TargetPropagation { Bits = 1 }).Back(_g).Dx;
        float[] sech = new float[Count];
        Estimator.Tanh(1, 1).Pass(_x, _g, sech);
        CollectionAssert.AreEqual(sech, soft);

        // sgn(g)·slope times |g|, by the signs alone.
        float[] signs = Activations(new TargetPropagation { Bits = 1, SignOnly = true }).Back(_g).Dx;
        Use.Near(soft, [.. signs.Zip(_g, (s, g) => s * Math.Abs(g))]);
    }

    [TestMethod]
    public void Losses_of_targets_are_what_their_gradients_add_up_to()
    {
        // ℓ(0) = 1 and ∂ℓ/∂z = −(1 − tanh² z) for t = +1, where the gradient of h is −1: Simpson's rule from 0 to z.
        float[] z = [-2, -0.5f, 0, 0.5f, 2];
        double[] losses = [1.964028, 1.462117, 1, 0.537883, 0.035972];
        const int Parts = 400;
        for (int i = 0; i < z.Length; i++)
        {
            float[] places = [.. Enumerable.Range(0, Parts + 1).Select(p => z[i] * p / Parts)];
            float[] slopes = new Use(new TargetPropagation { Bits = 1 }, places, site: QuantizerSites.Activations).Back([.. places.Select(_ => -1f)]).Dx;
            double sum = slopes.Select((s, p) => s * (p is 0 or Parts ? 1.0 : p % 2 == 1 ? 4 : 2)).Sum();
            Assert.AreEqual(losses[i], 1 + (sum * z[i] / Parts / 3), 1e-6, $"{z[i]}");
        }
    }

    private static Use Signs() => Activations(new Xnor { Bits = 1 });

    private static Use Activations(QuantizationMethod method) => new(method, _x, site: QuantizerSites.Activations);
}
