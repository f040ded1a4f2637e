using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Ternary weights and sums of planes: TWN, TTQ, ternary residuals, loss-aware methods, ADMM, ABC-Net.</summary>
[TestClass]
public sealed class TernaryWeightTests
{
    private static readonly float[] _twn = [0.9f, -0.5f, 0.1f, 0.05f, -0.02f, 0.7f];
    private static readonly float[] _short = [1, 0.45f, 0.4f, 0.34f, -0.3f];
    private static readonly float[] _ttq = [0.9f, -0.5f, 0.02f, -0.03f, 0.3f, -0.8f];
    private static readonly float[] _lab = [0.8f, -0.3f, 0.1f, -0.6f];
    private static readonly float[] _abc = [0.9f, -0.5f, 0.1f, 0.4f, -1.2f, 0.3f];

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Twn_of_long_tails_is_the_exact_optimum(bool exact)
    {
        float[] hard = new Use(new TernaryWeights { Bits = 2, Exact = exact }, _twn).Hard();
        Use.Near([0.7f, -0.7f, 0, 0, 0, 0.7f], hard);
        Assert.AreEqual(0.0929, Error(_twn, hard), 1e-5);
    }

    [TestMethod]
    public void Twn_rule_of_seven_tenths_loses_to_the_exact_scale_on_short_filters()
    {
        float[] near = new Use(new TernaryWeights { Bits = 2 }, _short).Hard();
        float[] exact = new Use(new TernaryWeights { Bits = 2, Exact = true }, _short).Hard();
        Use.Near([0.616667f, 0.616667f, 0.616667f, 0, 0], near);
        Use.Near([0.498f, 0.498f, 0.498f, 0.498f, -0.498f], exact);
        Assert.AreEqual(0.427267, Error(_short, near), 1e-5);
        Assert.AreEqual(0.328080, Error(_short, exact), 1e-5);
    }

    [TestMethod]
    public void Twn_of_zeros_and_on_the_threshold_is_zero()
    {
        CollectionAssert.AreEqual(new float[3], new Use(new TernaryWeights { Bits = 2 }, new float[3]).Hard());

        // Sizes 1, 1 and 0: the threshold is 7/15; a weight on a threshold of its own stays 0.
        LevelTable table = LevelTable.Ternary([0.5f], [2]);
        float[] y = new float[4];
        table.Write([0.5f, -0.5f, MathF.BitIncrement(0.5f), -MathF.BitIncrement(0.5f)], 0, y);
        CollectionAssert.AreEqual((float[])[0, 0, 2, -2], y);
    }

    [TestMethod]
    public void Ttq_learns_both_scales()
    {
        Use use = new Use(new Ttq { Bits = 2, ScalesGradient = false }, _ttq).With(0, 1.2f).With(1, 0.7f);
        Use.Near([1.2f, -0.7f, 0, 0, 1.2f, -0.7f], use.Hard());
        (float[] dx, double[] sums) = use.Back(1, 2, -1, 0.5f, 0.25f, -1);
        Use.Near([1.2f, 1.4f, -1, 0.5f, 0.3f, -0.7f], dx);
        Use.Near([1.25f, -1], [.. sums.Select(s => (float)s)]);
        (_, sums) = new Use(new Ttq { Bits = 2 }, _ttq).With(0, 1.2f).With(1, 0.7f).Back(1, 2, -1, 0.5f, 0.25f, -1);
        Use.Near([1.25f / MathF.Sqrt(6), -1 / MathF.Sqrt(6)], [.. sums.Select(s => (float)s)]);
    }

    [TestMethod]
    public void Ttq_begins_at_means_and_with_equal_scales_has_the_codes_of_a_threshold()
    {
        var use = new Use(new Ttq { Bits = 2 }, _ttq);
        Use.Near([0.6f], use.Call.Parameter(0).ToArray());
        Use.Near([0.65f], use.Call.Parameter(1).ToArray());
        float[] codes = [.. use.With(0, 1).With(1, 1).Hard()];
        CollectionAssert.AreEqual(_ttq.Select(w => Math.Abs(w) > 0.045f ? (float)Math.Sign(w) : 0).ToArray(), codes);
    }

    [TestMethod]
    [DataRow(0.5f, 3)]
    [DataRow(0.4f, 3)]
    [DataRow(0.34f, 3)]
    [DataRow(0.33f, 2)]
    [DataRow(0.01f, 1)]
    [DataRow(0.99f, 6)]
    public void Ttq_leaves_a_wanted_share_at_zero(float sparsity, int zeros)
    {
        var method = new Ttq { Bits = 2, Sparsity = sparsity };
        float[] sizes = [.. _ttq.Select(Math.Abs).Order()];
        var use = new Use(method, _ttq);
        CollectionAssert.AreEqual(_ttq.Select(w => Math.Abs(w) <= sizes[zeros - 1]).ToArray(), use.Hard().Select(y => y == 0).ToArray());
        Assert.AreEqual(method, QuantizationMethods.Create("TTQ", method.Settings));
        CollectionAssert.AreEqual((float[])[2, 0.05f, 1], new Ttq { Bits = 2 }.Settings.ToArray(), "as ever");

        // At half: 0.9, −0.5, −0.8 are left; their means, their gradients by scale, g itself between.
        if (sparsity == 0.5f)
        {
            Use.Near([0.9f, -0.65f, 0, 0, 0, -0.65f], use.Hard());
            Use.Near([0.9f, 0.65f, 1, 1, 1, 0.65f], use.Back(1, 1, 1, 1, 1, 1).Dx);
        }
    }

    [TestMethod]
    public void Sizes_at_a_place_are_those_of_sorting()
    {
        float[] x = [.. RandomTensors.Floats(Shape.Of(1, 997), 5).Values<float>().ToArray().Select((v, i) => i % 50 == 0 ? 0.25f : i % 61 == 0 ? -0.0f : v * MathF.ScaleB(1, (i % 40) - 30))];
        float[] sorted = [.. x.Select(Math.Abs).Order()];
        for (int place = 0; place < x.Length; place += 7)
        {
            Assert.AreEqual(sorted[place], LatentWeights.SizeAt(x, place), $"[{place}]");
        }

        Assert.AreEqual(0.5f, LatentWeights.SizeAt([-0.5f], 0));
        Assert.AreEqual(3, new Use(new Ttq { Bits = 2, Sparsity = 0.3f }, [.. Enumerable.Range(1, 10).Select(i => (float)i)]).Hard().Count(y => y == 0), "the float 0.3 is above 0.3");
        Assert.AreEqual(1, new Use(new Ttq { Bits = 2, Sparsity = 1e-40f }, [1, 2, 3]).Hard().Count(y => y == 0));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("TTQ", [2, 0.05f, 1, 1])).Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create("TTQ", [2, 0.05f, 1, 0.5f, 0])).Code);
    }

    [TestMethod]
    public void Ttq_planes_are_ones_and_minus_ones()
    {
        var form = (HardForm.Weights)new Ttq { Bits = 2 }.Export(new Use(new Ttq { Bits = 2 }, _ttq).Call);
        CollectionAssert.AreEqual((byte[])[1, 0, 0, 0, 1, 0], form.Planes[0].Codes.Values<byte>().ToArray());
        CollectionAssert.AreEqual((sbyte[])[0, -1, 0, 0, 0, -1], form.Planes[1].Codes.Values<sbyte>().ToArray());
    }

    [TestMethod]
    [DataRow(2, 0.0929f)]
    [DataRow(4, 0.009567f)]
    [DataRow(6, 0.001164f)]
    public void Ternary_residuals_shrink_the_error_term_by_term(int bits, float error)
    {
        var use = new Use(new TernaryResidual { Bits = bits }, _twn);
        Assert.AreEqual(error, Error(_twn, use.Hard()), 2e-6);
        var form = (HardForm.Weights)use.Method.Export(use.Call);
        float[] scales = [0.7f, 0.166667f, 0.045833f];
        Use.Near(scales[..(bits / 2)], [.. form.Planes.Select(p => p.Quantizer.Scales[0])]);
    }

    [TestMethod]
    public void Blocks_of_input_channels_have_terms_of_their_own_and_stop_when_they_are_near_enough()
    {
        // Two channels [2, 6, 1]: blocks of 4 and 2 input channels. The first block of the first channel is ternary already, its other one and all of the second channel are not.
        float[] w = [0.5f, -0.5f, 0, 0.5f, 0.9f, -0.1f, .. _twn];
        var whole = new Use(new TernaryResidual { Bits = 4 }, w, Shape.Of(2, 6, 1));
        var blocks = new Use(new TernaryResidual { Bits = 4, BlockChannels = 4 }, w, Shape.Of(2, 6, 1));
        Assert.IsTrue(Error(w, blocks.Hard()) < 0.5 * Error(w, whole.Hard()), $"{Error(w, blocks.Hard())} against {Error(w, whole.Hard())}");
        var form = (HardForm.Weights)blocks.Method.Export(blocks.Call);
        Assert.AreEqual(4, form.Planes.Length, "two terms, two runs of channels");
        float[] sum = new float[w.Length];
        foreach (WeightPlane plane in form.Planes)
        {
            float[] own = plane.Quantizer.Decode(plane.Codes).Values<float>().ToArray();
            sum = [.. sum.Zip(own, (a, b) => a + b)];
        }

        CollectionAssert.AreEqual(blocks.Hard(), sum);
        Assert.IsTrue(Enumerable.Range(0, 12).All(i => (i % 6 < 4) || CodeAccess.Read(form.Planes[0].Codes, i) == 0), "a plane is zero outside its run");

        // Near enough at once: one term, which is the exact ternary form of each block.
        var loose = new Use(new TernaryResidual { Bits = 4, BlockChannels = 4, Tolerance = 0.9f }, w, Shape.Of(2, 6, 1));
        CollectionAssert.AreEqual(new Use(new TernaryResidual { Bits = 2, BlockChannels = 4 }, w, Shape.Of(2, 6, 1)).Hard(), loose.Hard());
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(new TernaryResidual { Bits = 4, Tolerance = 1 })).Code);
    }

    [TestMethod]
    [DataRow(1, true, 0.35f)]
    [DataRow(2, true, 0.433333f)]
    [DataRow(2, false, 0.7f)]
    public void Loss_aware_scales_weigh_by_curvature(int bits, bool exact, float scale)
    {
        var use = new Use(new LossAware { Bits = bits, Exact = exact }, _lab);
        Use.Near(bits == 1 ? [0.45f] : [0.7f], use.Call.Parameter(0).ToArray());

        // d = √v: second moments 1, 16, 4, 1. The alternation from the ternary start stays in its local minimum.
        use.Call = use.Call with { Curvature = new float[] { 1, 16, 4, 1 } };
        use.After(_lab);
        Use.Near([scale], use.Call.Parameter(0).ToArray());
    }

    [TestMethod]
    public void Two_loss_aware_scales_are_solved_on_their_own_sides()
    {
        var use = new Use(new LossAwareTwo { Bits = 2 }, _lab);
        use.Call = use.Call with { Curvature = new float[] { 1, 16, 4, 1 } };
        use.After(_lab);
        Use.Near([0.8f], use.Call.Parameter(0).ToArray());
        Use.Near([0.36f], use.Call.Parameter(1).ToArray());
        Use.Near([0.8f, -0.36f, 0, -0.36f], use.Hard());
    }

    [TestMethod]
    public void Loss_aware_methods_without_curvature_are_bwn_and_twn()
    {
        Use.Near([0.45f, -0.45f, 0.45f, -0.45f], new Use(new LossAware { Bits = 1 }, _lab).Hard());
        Use.Near(new Use(new TernaryWeights { Bits = 2, Exact = true }, _twn).Hard(), new Use(new LossAware { Bits = 2 }, _twn).Hard());
        CollectionAssert.AreEqual((float[])[1, -0.3f, 0.1f, -1], new Use(new LossAware { Bits = 1 }, _lab).After(3, -0.3f, 0.1f, -7));
    }

    [TestMethod]
    public void Even_levels_take_the_squares_of_levels_into_the_scale()
    {
        var use = new Use(new LossAware { Bits = 3, Exact = true }, _lab);
        use.Call = use.Call with { Curvature = new float[] { 1, 16, 4, 1 } };
        use.After(_lab);
        Use.Near([0.847059f / 3], use.Call.Parameter(0).ToArray());
        Use.Near([0.847059f, -0.282353f, 0, -0.564706f], use.Hard());
    }

    [TestMethod]
    public void Powers_of_two_are_the_levels_of_the_logarithmic_form()
    {
        var use = new Use(new LossAware { Bits = 3, Logarithmic = true }, _lab);
        Use.Near([4 * 0.170270f, -2 * 0.170270f, 0.170270f, -4 * 0.170270f], use.Hard());
    }

    [TestMethod]
    [DataRow(1, 0.45f, 0.29f)]
    [DataRow(2, 0.7f, 0.12f)]
    [DataRow(3, 0.344444f, 0.032222f)]
    [DataRow(4, 0.170270f, 0.027297f)]
    public void Admm_projects_exactly(int bits, float scale, float error)
    {
        var use = new Use(new Admm { Bits = bits }, _lab);
        Use.Near([scale], use.Call.Parameter(0).ToArray());
        Assert.AreEqual(error, Error(_lab, use.Hard()), 2e-6);
        CollectionAssert.AreEqual(use.Call.Parameter(1).ToArray(), use.Hard());
    }

    [TestMethod]
    public void Admm_of_a_quadratic_ends_where_weights_meet_their_target()
    {
        // ½‖w − (0.8, −0.3)‖² with ρ = 1: the minimum of the penalized part is (t + G − λ)/2.
        float[] t = [0.8f, -0.3f];
        var use = new Use(new Admm { Bits = 1, Penalty = 1 }, t, context: new MethodContext(1, 0, 1, 1000));
        for (int round = 0; round < 60; round++)
        {
            float[] w = [.. t.Select((v, i) => (v + use.Call.Parameter(1)[i] - use.Call.Parameter(2)[i]) / 2)];
            use.Call = use.Call with { X = Tensor.Create(Shape.Of(1, 2), use.After(w)) };
        }

        Use.Near([0.55f, -0.55f], use.Call.Values.ToArray(), 1e-4f);
        Use.Near([0.55f, -0.55f], use.Call.Parameter(1).ToArray(), 1e-4f);
        Use.Near([0.25f, 0.25f], use.Call.Parameter(2).ToArray(), 1e-4f);
    }

    [TestMethod]
    public void Admm_trains_real_weights_with_a_pull_and_freezes_codes_late()
    {
        var use = new Use(new Admm { Bits = 2, Penalty = 0.5f, FreezeAt = 0.5f }, _lab, context: new MethodContext(1, 3, 2, 4));
        CollectionAssert.AreEqual(_lab, use.Soft());
        Use.Near([1 + (0.5f * 0.1f), 1 - (0.5f * 0.3f), 1 + (0.5f * 0.1f), 1 + (0.5f * 0.1f)], use.Back(1, 1, 1, 1).Dx);
        float[] frozen = use.After(_lab);
        Use.Near([0.7f, 0, 0, -0.7f], frozen);
        use.Call = use.Call with { X = Tensor.Create(Shape.Of(1, 4), frozen), Context = new MethodContext(1, 4, 2, 4) };
        CollectionAssert.AreEqual(frozen, use.Soft());
        CollectionAssert.AreEqual(new float[4], use.Back(1, 1, 1, 1).Dx);
        CollectionAssert.AreEqual(frozen, use.After(5, 5, 5, 5));
    }

    [TestMethod]
    public void Ttq_begins_with_the_mean_of_all_where_a_side_has_no_weights()
    {
        var use = new Use(new Ttq { Bits = 2 }, [0.02f, 0.01f, 0.03f, -0.0001f]);
        Use.Near([0.02f], use.Call.Parameter(0).ToArray());
        Use.Near([0.015025f], use.Call.Parameter(1).ToArray());
    }

    [TestMethod]
    public void Admm_freezes_at_the_projection_of_weights_and_dual()
    {
        var use = new Use(new Admm { Bits = 1, FreezeAt = 0.5f }, [0.2f, -0.1f], context: new MethodContext(1, 3, 2, 4));
        use.Call.Parameters[2].Writable<float>()[1] = 0.3f;
        Use.Near([0.2f, 0.2f], use.After(0.2f, -0.1f));
        CollectionAssert.AreEqual(new float[2], use.Call.Parameter(2).ToArray());
    }

    [TestMethod]
    [DataRow(1, new float[] { 0.566667f }, 0.833333f)]
    [DataRow(2, new float[] { 0.4875f, 0.5625f }, 0.5325f)]
    [DataRow(3, new float[] { 0.391667f, 0.383333f, 0.275f }, 0.091667f)]
    public void Abc_scales_are_least_squares(int bits, float[] scales, float error)
    {
        var method = new AbcWeights { Bits = bits };
        var use = new Use(method, _abc);
        Use.Near(scales, [.. method.Scales(_abc).Select(s => (float)s)], 1e-5f);
        Assert.AreEqual(error, Error(_abc, use.Hard()), 1e-5);
        Use.Near([.. _abc.Select(w => w * scales.Sum())], use.Back(_abc).Dx, 1e-5f);
    }

    [TestMethod]
    public void Abc_by_channel_is_abc_of_each_channel()
    {
        float[] turned = [.. _abc.Select(w => 0.25f * w)];
        var use = new Use(new AbcWeights { Bits = 3, PerChannel = true }, [.. _abc, .. turned], Shape.Of(2, _abc.Length));
        float[] hard = use.Hard();
        Use.Near(new Use(new AbcWeights { Bits = 3 }, _abc).Hard(), hard[.._abc.Length]);
        Use.Near(new Use(new AbcWeights { Bits = 3 }, turned).Hard(), hard[_abc.Length..]);
        float slope = 0.391667f + 0.383333f + 0.275f;
        Use.Near([.. _abc.Select(w => w * slope), .. turned.Select(w => w * slope / 4)], use.Back([.. _abc, .. turned]).Dx, 1e-5f);
        var form = (HardForm.Weights)use.Method.Export(use.Call);
        Use.Near(hard, Sum(form));
        Assert.IsTrue(form.Planes.All(p => p.Quantizer.Scales.Length == 2));
    }

    [TestMethod]
    public void Abc_planes_of_negative_scales_are_turned_in_their_channel_only()
    {
        // Two far clusters: of three planes the middle one repeats a neighbour, and rounding may leave it below 0.
        float[] channels = [1, 1, 1, -1, -1, -1, 5, 4, 0.5f, 0.25f, -4, -4.5f];
        for (int bits = 2; bits <= 5; bits++)
        {
            var use = new Use(new AbcWeights { Bits = bits, PerChannel = true }, channels, Shape.Of(2, 6));
            Use.Near(use.Hard(), Sum((HardForm.Weights)use.Method.Export(use.Call)), 1e-6f);
        }
    }

    [TestMethod]
    public void A_proximal_step_begins_at_the_levels()
    {
        var latent = new Use(new LossAware { Bits = 1 }, _lab);
        var levels = new Use(new LossAware { Bits = 1, FromLevels = true }, _lab);
        float[] stepped = [.. _lab.Select((w, i) => w - (0.1f * (i - 1)))];

        // ŵ = 0.45·sgn w before the step; the step is what the optimizer added.
        Use.Near(stepped, latent.After(stepped));
        Use.Near([0.45f + 0.1f, -0.45f, 0.45f - 0.1f, -0.45f - 0.2f], levels.After(stepped));
        Assert.AreEqual((0.55f + 0.45f + 0.35f + 0.65f) / 4, levels.Call.Parameter(0)[0], 1e-6f);
    }

    private static float[] Sum(HardForm.Weights form)
        => [.. Enumerable.Range(0, form.Planes[0].Codes.Shape.Count).Select(i => form.Planes.Sum(p => p.Quantizer.Decode(p.Codes).Values<float>()[i]))];

    private static double Error(float[] w, float[] y) => w.Zip(y, (a, b) => (double)(a - b) * (a - b)).Sum();
}
