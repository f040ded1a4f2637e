using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Numerics;

[TestClass]
[TestCategory("Portable")]
public sealed class AffineVectorTests
{
    [TestMethod]
    public void Rounding_is_half_to_even()
    {
        double[] values = [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 5.5, -2.5, -5.5, 1.1];
        CollectionAssert.AreEqual(new double[] { 0, 2, 2, -0.0, -2, 0, 6, -2, -6, 1 }, values.Select(Rounding.HalfToEven).ToArray());
    }

    [TestMethod]
    [DataRow(-1.0, 3.0, 0, 255, 4.0 / 255, 64)]
    [DataRow(0.5, 3.0, 0, 255, 3.0 / 255, 0)]
    [DataRow(-3.0, -1.0, -128, 127, 3.0 / 255, 127)]
    [DataRow(-3.0, 2.0, 0, 255, 5.0 / 255, 153)]
    [DataRow(0.0, 0.0, 0, 255, 1.0, 0)]
    [DataRow(0.0, 1e-44, 0, 255, 1.0, 0)]
    public void Asymmetric_ranges_hold_zero(double low, double high, int minimum, int maximum, double scale, int zeroPoint)
        => Assert.AreEqual(new AffineParameters((float)scale, zeroPoint), AffineParameters.Asymmetric(low, high, new IntegerRange(minimum, maximum)));

    [TestMethod]
    [DataRow(-8, 7, 2.0 / 15, 0)]
    [DataRow(-7, 7, 1.0 / 7, 0)]
    [DataRow(-2, 1, 2.0 / 3, 0)]
    [DataRow(0, 3, 2.0 / 3, 2)]
    [DataRow(0, 255, 2.0 / 255, 128)]
    [DataRow(0, 254, 2.0 / 254, 127)]
    public void Symmetric_ranges_have_the_middle_as_zero(int minimum, int maximum, double scale, int zeroPoint)
        => Assert.AreEqual(new AffineParameters((float)scale, zeroPoint), AffineParameters.Symmetric(1, new IntegerRange(minimum, maximum)));

    [TestMethod]
    public void Codes_follow_the_written_vectors()
    {
        float[] values = [-1, -.5f, 0, .01f, 1, 3, 5];
        AffineParameters p = AffineParameters.Asymmetric(-1, 3, IntegerRange.Unsigned(8));
        CollectionAssert.AreEqual(new[] { 0, 32, 64, 65, 128, 255, 255 }, values.Select(v => p.Quantize(v, IntegerRange.Unsigned(8))).ToArray());
        float[] ties = [.05f, .03f, .01f, 2.54f, 3];
        CollectionAssert.AreEqual(new[] { 2, 2, 0, 127, 127 }, ties.Select(v => new AffineParameters(.02f, 0).Quantize(v, IntegerRange.SignedNarrow(8))).ToArray());
        AffineParameters middle = AffineParameters.Symmetric(1, IntegerRange.Unsigned(8));
        Assert.AreEqual(.996078f, middle.Dequantize(middle.Quantize(1, IntegerRange.Unsigned(8))), 1e-6f);
    }

    [TestMethod]
    public void Zero_is_exact_and_errors_stay_within_half_a_step()
    {
        var random = new CounterRandom(5);
        for (int i = 0; i < 2000; i++)
        {
            double low = -random.Uniform(3L * i) * 10;
            double high = random.Uniform((3L * i) + 1) * 7;
            IntegerRange range = IntegerRange.Unsigned(2 + (i % 7));
            AffineParameters p = AffineParameters.Asymmetric(low, high, range);
            Assert.AreEqual(0f, p.Dequantize(p.Quantize(0, range)));
            float x = (float)(low + ((high - low) * random.Uniform((3L * i) + 2)));
            Assert.AreEqual(x, p.Dequantize(p.Quantize(x, range)), (p.Scale / 2) + ((high - low) * Math.Pow(2, -22)), $"{low} {high} {x}");
        }
    }

    [TestMethod]
    public void Requantization_follows_the_written_vectors()
    {
        int[] x = [13, 53, 3];
        int[] w = [20, -40, 100];
        int accumulator = x.Zip(w, (a, b) => (a - 3) * b).Sum();
        Assert.AreEqual(-1800, accumulator);
        Assert.AreEqual(6, Requantization.Apply(accumulator, .002f, 0, 10, 0, 255));
        CollectionAssert.AreEqual(new[] { 0, 2, 2 }, new[] { 5, 15, 25 }.Select(a => Requantization.Apply(a, .1f, 0, 0, 0, 255)).ToArray());
        Assert.AreEqual(255, Requantization.Apply(int.MaxValue, 1e6f, 0, 10, 0, 255));
    }

    [TestMethod]
    public void The_mixing_function_follows_the_written_vectors()
    {
        Assert.AreEqual(0xE220A8397B1DCDAFUL, CounterRandom.Mix(0));
        Assert.AreEqual(0x910A2DEC89025CC1UL, CounterRandom.Mix(1));
        Assert.AreEqual(0x975835DE1C9756CEUL, CounterRandom.Mix(2));
        CollectionAssert.AreEqual(new[] { 3, 2, 9 }, Enumerable.Range(0, 10).OrderBy(row => CounterRandom.Mix(42UL ^ (ulong)row)).Take(3).ToArray());
    }
}
