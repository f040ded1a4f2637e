using System.Linq;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

[TestClass]
public sealed class CodebookWeightFitterTests
{
    [TestMethod]
    [DataRow(false, true)]
    [DataRow(false, false)]
    [DataRow(true, true)]
    [DataRow(true, false)]
    public void Every_width_gives_a_legal_codebook_whose_error_falls(bool reals, bool perChannel)
    {
        Tensor weights = Bell(Shape.Of(12, 4, 3, 3));
        double before = double.PositiveInfinity;
        for (int bits = 1; bits <= 8; bits++)
        {
            WeightFit fit = CodebookWeightFitter.Fit("w", weights, Target(bits, reals) with { ScalePerChannel = perChannel });
            AffineRules.Check(fit.Quantization, "w");
            Assert.AreEqual(reals, !fit.Quantization.Codebook!.IsInteger);
            Assert.IsTrue(fit.Error < before && fit.Error <= fit.MinMaxError * 1.01, $"{bits} bits: {fit.Error} after {before}, {fit.MinMaxError} of even levels");
            Tensor decoded = fit.Quantization.Decode(fit.Quantization.Encode(weights));
            double error = weights.Values<float>().ToArray().Zip(decoded.Values<float>().ToArray(), (w, d) => ((double)w - d) * ((double)w - d)).Average();
            Assert.AreEqual(error, fit.Error, 1e-12);
            before = fit.Error;
        }
    }

    [TestMethod]
    public void Four_bits_of_a_codebook_err_less_than_four_uniform_bits()
    {
        Tensor weights = Bell(Shape.Of(16, 200));
        WeightFit uniform = new MeanSquaredErrorWeightFitter().Fit("w", weights, WeightTarget.Symmetric(4));
        WeightFit one = CodebookWeightFitter.Fit("w", weights, Target(4, false));
        WeightFit each = CodebookWeightFitter.Fit("w", weights, Target(4, false) with { Book = new WeightCodebook { ChannelsPerBook = 1 } });
        Assert.IsTrue(one.Error < uniform.Error, $"{one.Error} against {uniform.Error}");
        Assert.IsTrue(each.Error < one.Error, $"{each.Error} against {one.Error}");
        Assert.AreEqual(16, each.Quantization.Codebook!.Books);
    }

    [TestMethod]
    public void Weights_that_count_more_err_less()
    {
        Tensor weights = Bell(Shape.Of(8, 64));
        double[] importance = [.. Enumerable.Range(0, 512).Select(i => i % 64 < 8 ? 100.0 : 1)];
        AffineQuantization plain = CodebookWeightFitter.Fit("w", weights, Target(2, false)).Quantization;
        AffineQuantization weighted = CodebookWeightFitter.Fit("w", weights, Target(2, false), importance).Quantization;
        double Error(AffineQuantization q, bool important) => weights.Values<float>().ToArray().Zip(q.Decode(q.Encode(weights)).Values<float>().ToArray()).Where((_, i) => i % 64 < 8 == important).Sum(p => (p.First - p.Second) * (p.First - p.Second));
        Assert.IsTrue(Error(weighted, true) < Error(plain, true));
        AffineQuantization scaled = CodebookWeightFitter.Fit("w", weights, Target(2, false), [.. importance.Select(h => h * 4)]).Quantization;
        Assert.AreEqual(weighted, scaled, "a common factor changes nothing");
    }

    [TestMethod]
    public void Channels_of_zeros_stay_zero_and_few_different_weights_are_exact()
    {
        Tensor weights = Tensor.Create(Shape.Of(3, 4), [1f, 1, -2, 1, 0, 0, 0, 0, 4, 4, 4, -8]);
        WeightFit fit = CodebookWeightFitter.Fit("w", weights, Target(4, false));
        Assert.AreEqual((1, 3), (fit.ZeroGroups, fit.Quantization.Codebook!.Entries));
        float[] decoded = fit.Quantization.Decode(fit.Quantization.Encode(weights)).Values<float>().ToArray();
        Assert.IsTrue(decoded[4..8].All(d => d == 0));
        WeightFit reals = CodebookWeightFitter.Fit("w", weights, Target(3, true) with { ScalePerChannel = false });
        Assert.AreEqual(0, reals.Error);
        CollectionAssert.AreEqual(new[] { -8f, -2, 0, 1, 4 }, reals.Quantization.Codebook!.Reals.ToArray());
        WeightFit constant = CodebookWeightFitter.Fit("w", Tensor.Create(Shape.Of(1, 3), [0.7f, 0.7f, 0.7f]), Target(4, true) with { ScalePerChannel = false });
        Assert.AreEqual((0.0, 2), (constant.Error, constant.Quantization.Codebook!.Entries));
        Assert.IsTrue(constant.Quantization.Encode(Tensor.Create(Shape.Of(1, 1), [0.7f])).Bytes.Span[0] == 0, "no code of an entry that repeats the last level");
    }

    [TestMethod]
    public void Powers_of_two_times_weights_change_scales_only()
    {
        Tensor weights = Bell(Shape.Of(5, 40));
        Tensor larger = Tensor.Create(weights.Shape, weights.Values<float>().ToArray().Select(w => w * 8).ToArray());
        AffineQuantization one = CodebookWeightFitter.Fit("w", weights, Target(3, false)).Quantization;
        AffineQuantization eight = CodebookWeightFitter.Fit("w", larger, Target(3, false)).Quantization;
        Assert.AreEqual(one.Codebook, eight.Codebook);
        CollectionAssert.AreEqual(one.Scales.Select(s => s * 8).ToArray(), eight.Scales.ToArray());
    }

    [TestMethod]
    public void A_weight_that_is_not_finite_is_refused()
    {
        Tensor weights = Tensor.Create(Shape.Of(1, 2), [1f, float.NaN]);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => CodebookWeightFitter.Fit("w", weights, Target(4, false)));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteWeight, error.Code);
    }

    private static CodebookTarget Target(int bits, bool reals) => new() { Bits = bits, Book = new WeightCodebook { RealLevels = reals } };

    /// <summary>Weights dense around 0, every channel with another spread.</summary>
    private static Tensor Bell(Shape shape)
    {
        var random = new CounterRandom(9);
        int length = shape.CountOf(1, shape.Rank);
        return Tensor.Create(shape, [.. Enumerable.Range(0, shape.Count).Select(i => (Enumerable.Range(0, 6).Sum(k => random.Uniform((i * 6) + k)) - 3) * 0.02f * (1 + (i / length)))]);
    }
}
