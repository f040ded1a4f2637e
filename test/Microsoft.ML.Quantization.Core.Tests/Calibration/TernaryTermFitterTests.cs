using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

/// <summary>Ternary terms by block: the exact terms, the two rules, the order.</summary>
[TestClass]
public sealed class TernaryTermFitterTests
{
    private static readonly float[] _w = [0.9f, -0.5f, 0.1f, 0.05f, -0.02f, 0.7f];
    private static readonly TernaryTerms _all = new() { Rule = TernaryTermRule.Tolerance, Tolerance = 0, BlockChannels = 0 };

    [TestMethod]
    public void Terms_are_the_exact_ternary_forms_of_what_is_left()
    {
        double[] errors = [0.0929, 0.009567, 0.001164];
        float[] scales = [0.7f, 0.166667f, 0.045833f];
        sbyte[][] codes = [[1, -1, 0, 0, 0, 1], [1, 1, 1, 0, 0, 0], [1, 1, -1, 1, 0, 0]];
        for (int most = 1; most <= 3; most++)
        {
            TernaryTermFit fit = Fit(_all with { MostTerms = most }, Layer(Shape.Of(1, 6), _w))[0];
            Assert.AreEqual(errors[most - 1], fit.Error, 1e-6);
            Assert.AreEqual(most, fit.Planes.Length);
            for (int k = 0; k < most; k++)
            {
                Assert.AreEqual(scales[k], fit.Planes[k].Quantizer.Scales[0], 1e-6f, $"scale {k} of {most}");
                CollectionAssert.AreEqual(codes[k], fit.Planes[k].Codes.Values<sbyte>().ToArray(), $"codes {k} of {most}: later terms change no earlier ones");
            }
        }
    }

    [TestMethod]
    public void Every_term_lowers_the_error_until_nothing_is_left()
    {
        float[] weights = Bell(200, 3);
        double before = double.PositiveInfinity;
        for (int most = 1; most <= 8; most++)
        {
            TernaryTermFit fit = Fit(_all with { MostTerms = most }, Layer(Shape.Of(2, 100), weights))[0];
            Assert.IsTrue(fit.Error < before, $"{most} terms: {fit.Error} after {before}");
            Assert.AreEqual(fit.Error, ErrorOf(fit, weights), 1e-9 * fit.Size);
            before = fit.Error;
        }

        // 3 and 1: 3·(1, 0, −1) and (0, 1, 0) leave nothing; zeros need their first term only.
        TernaryTermFit done = Fit(_all, Layer(Shape.Of(2, 3), [3, 1, -3, 0, 0, 0]))[0];
        Assert.AreEqual(0, done.Error);
        CollectionAssert.AreEqual((int[])[2, 1], done.BlockTerms.ToArray());
        Assert.IsTrue(done.Planes[0].Quantizer.Decode(done.Planes[0].Codes).Values<float>()[3..].ToArray().All(v => v == 0));
    }

    [TestMethod]
    [DataRow(0, 0)]
    [DataRow(0.5, 13)]
    [DataRow(1, 26)]
    [DataRow(2.3, 59)]
    public void The_budget_is_spent_to_the_last_term(double extra, int expected)
    {
        // 8 channels of 3 runs (of 4, 4 and 2 input channels) and 2 of one.
        TernaryTermLayer[] layers = [Layer(Shape.Of(8, 10, 2), Bell(160, 1)) with { BlockChannels = 4 }, Layer(Shape.Of(2, 5), Bell(10, 2))];
        ImmutableArray<TernaryTermFit> fits = Fit(new TernaryTerms { ExtraTerms = extra }, layers);
        Assert.AreEqual(26, fits.Sum(f => f.BlockTerms.Length));
        Assert.AreEqual(expected, fits.Sum(f => f.BlockTerms.Sum(t => t - 1)));
        Assert.IsTrue(Fit(new TernaryTerms { ExtraTerms = extra, MostTerms = 2 }, layers).All(f => f.BlockTerms.All(t => t <= 2)));
    }

    [TestMethod]
    public void A_budget_in_decimals_is_not_rounded_away()
        => Assert.AreEqual(29, Fit(new TernaryTerms { ExtraTerms = 0.29 }, Layer(Shape.Of(100, 10), Bell(1000, 3))).Sum(f => f.BlockTerms.Sum(t => t - 1)));

    [TestMethod]
    public void A_smaller_budget_is_a_part_of_a_larger_one()
    {
        TernaryTermLayer[] layers = [Layer(Shape.Of(6, 20), Bell(120, 4)), Layer(Shape.Of(9, 8), Bell(72, 5)) with { Energy = 3 }];
        ImmutableArray<TernaryTermFit> large = Fit(new TernaryTerms { ExtraTerms = 2 }, layers);
        ImmutableArray<TernaryTermFit> small = Fit(new TernaryTerms { ExtraTerms = 1 }, layers);
        foreach ((TernaryTermFit more, TernaryTermFit less) in large.Zip(small))
        {
            Assert.IsTrue(more.BlockTerms.Zip(less.BlockTerms).All(t => t.First >= t.Second));
            CollectionAssert.AreEqual(more.Planes[0].Codes.Bytes.ToArray(), less.Planes[0].Codes.Bytes.ToArray());
            Assert.AreEqual(more.Planes[0].Quantizer, less.Planes[0].Quantizer);
        }
    }

    [TestMethod]
    public void The_greedy_choice_loses_less_than_the_same_number_of_terms_for_each_block()
    {
        float[] wide = [.. Bell(120, 6).Select(w => w * 3)];
        TernaryTermLayer[] layers = [Layer(Shape.Of(6, 20), wide), Layer(Shape.Of(6, 20), Bell(120, 7)) with { Energy = 2 }, Layer(Shape.Of(6, 20), Bell(120, 8)) with { Energy = 50 }];
        ImmutableArray<TernaryTermFit> greedy = Fit(new TernaryTerms { ExtraTerms = 1 }, layers);
        ImmutableArray<TernaryTermFit> even = Fit(_all with { MostTerms = 2 }, layers);
        Assert.AreEqual(even.Sum(f => f.BlockTerms.Sum()), greedy.Sum(f => f.BlockTerms.Sum()));
        double Weighted(ImmutableArray<TernaryTermFit> fits) => fits.Zip(layers, (f, l) => f.Error * l.Energy).Sum();
        Assert.IsTrue(Weighted(greedy) < 0.8 * Weighted(even), $"{Weighted(greedy)} against {Weighted(even)}");
        Assert.IsTrue(greedy[2].BlockTerms.Sum() > greedy[1].BlockTerms.Sum(), "the layer of more energy gets more terms");
        CollectionAssert.AreEqual(greedy[1].BlockTerms.ToArray(), Fit(new TernaryTerms { ExtraTerms = 1 }, [.. layers.Select(l => l with { Energy = l.Energy * 4 })])[1].BlockTerms.ToArray(), "a common factor changes nothing");
    }

    [TestMethod]
    public void Early_layers_want_smaller_errors()
    {
        float[] weights = Bell(320, 9);
        TernaryTerms terms = _all with { Tolerance = 0.3, FirstTolerance = 0.06 };
        Assert.AreEqual((0.06, 0.3, 0.3), (terms.ToleranceOf(0, 3), terms.ToleranceOf(2, 3), terms.ToleranceOf(0, 1)));
        Assert.AreEqual(0.18, terms.ToleranceOf(1, 3), 1e-12);
        Assert.AreEqual(0.15, (terms with { FirstTolerance = null }).ToleranceOf(0, 3));
        TernaryTermLayer layer = Layer(Shape.Of(4, 80), weights);
        ImmutableArray<TernaryTermFit> fits = Fit(terms, layer, layer, layer);
        for (int i = 0; i < 3; i++)
        {
            Assert.IsTrue(Math.Sqrt(fits[i].Error / fits[i].Size) <= terms.ToleranceOf(i, 3), $"layer {i}");
            ImmutableArray<TernaryTermFit> fewer = Fit(terms with { MostTerms = fits[i].BlockTerms.Min() - 1 }, layer, layer, layer);
            Assert.IsTrue(Math.Sqrt(fewer[i].Error / fewer[i].Size) > terms.ToleranceOf(i, 3), $"layer {i} with fewer terms");
        }

        Assert.IsTrue(fits[0].BlockTerms.Sum() > fits[2].BlockTerms.Sum());
    }

    [TestMethod]
    public void Blocks_are_runs_of_input_channels_with_their_kernels()
    {
        // [2, 3, 2], runs of 2 and 1 input channels: each is ternary alone, with its own scale.
        float[] weights = [1, 0, -1, 1, 5, 5, 0, 2, 2, 2, 0, -7];
        TernaryTermFit fit = Fit(_all, Layer(Shape.Of(2, 3, 2), weights) with { BlockChannels = 2 })[0];
        Assert.AreEqual((0.0, 1), (fit.Error, fit.Planes.Length));
        AffineQuantization quantizer = fit.Planes[0].Quantizer;
        AffineRules.Check(quantizer, "w");
        Assert.AreEqual((Granularity.PerGroup, 1, 2), (quantizer.Granularity, quantizer.Axis, quantizer.GroupSize));
        CollectionAssert.AreEqual((float[])[1, 1, 5, 5, 2, 2, 7, 7], quantizer.Scales.ToArray());
        CollectionAssert.AreEqual(weights, quantizer.Decode(fit.Planes[0].Codes).Values<float>().ToArray());
        Assert.AreEqual(Granularity.PerAxis, Fit(_all, Layer(Shape.Of(2, 3, 2), weights) with { BlockChannels = 3 })[0].Planes[0].Quantizer.Granularity);
    }

    [TestMethod]
    public void Options_that_cannot_be_are_refused()
    {
        foreach (TernaryTerms terms in (TernaryTerms[])[new() { BlockChannels = -1 }, new() { ExtraTerms = -0.1 }, new() { ExtraTerms = double.NaN }, new() { ExtraTerms = 8 }, new() { Tolerance = 1 },
            new() { FirstTolerance = -1 }, new() { MostTerms = 0 }, new() { MostTerms = 9 }, new() { Rule = (TernaryTermRule)7 }])
        {
            var error = Assert.ThrowsException<QuantizationException>(() => Fit(terms, Layer(Shape.Of(1, 6), _w)), terms.ToString());
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
        }

        var broken = Assert.ThrowsException<QuantizationException>(() => Fit(_all, Layer(Shape.Of(1, 3), [1, float.NaN, 2])));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteWeight, broken.Code);
    }

    private static ImmutableArray<TernaryTermFit> Fit(TernaryTerms terms, params TernaryTermLayer[] layers) => TernaryTermFitter.Fit(layers, terms);

    private static TernaryTermLayer Layer(Shape shape, float[] weights) => new("w", Tensor.Create(shape, weights), 1, 0);

    private static double ErrorOf(TernaryTermFit fit, float[] weights)
    {
        double[] sum = new double[weights.Length];
        foreach (WeightPlane plane in fit.Planes)
        {
            sum = [.. sum.Zip(plane.Quantizer.Decode(plane.Codes).Values<float>().ToArray(), (a, b) => a + b)];
        }

        return sum.Zip(weights, (a, b) => (a - b) * (a - b)).Sum();
    }

    private static float[] Bell(int count, ulong seed)
    {
        var random = new CounterRandom(seed);
        return [.. Enumerable.Range(0, count).Select(i => Enumerable.Range(0, 6).Sum(k => random.Uniform((i * 6) + k)) - 3)];
    }
}
