using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Numerics;

/// <summary>Rounding, requantization, affine parameters, widths, ranges and random numbers against vectors worked out by hand.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class NumericsTests
{
    [TestMethod]
    [DataRow(0.5f, 0f)]
    [DataRow(1.5f, 2f)]
    [DataRow(2.5f, 2f)]
    [DataRow(-0.5f, -0f)]
    [DataRow(-2.5f, -2f)]
    [DataRow(8388608.5f, 8388608f)]
    public void TiesRoundToTheEvenInteger(float value, float expected)
    {
        Assert.AreEqual(expected, Rounding.HalfToEven(value));
        Assert.AreEqual(expected, (float)Rounding.HalfToEven((double)value));
        Assert.IsTrue(float.IsNaN(Rounding.HalfToEven(float.NaN)));
    }

    [TestMethod]
    [DataRow(5, 0.5f, 0f, 0, 2)]
    [DataRow(7, 0.5f, 0f, 0, 4)]
    [DataRow(-5, 0.5f, 0f, 10, 8)]
    [DataRow(3, 1f, 0.5f, 0, 4)]
    [DataRow(1000, 1f, 0f, 128, 255)]
    [DataRow(-1000, 1f, 0f, 128, 0)]
    public void RequantizationRoundsTiesToEvenThenAddsTheZeroPoint(int accumulator, float multiplier, float offset, int zeroPoint, int expected)
        => Assert.AreEqual(expected, Requantization.Apply(accumulator, multiplier, offset, zeroPoint, 0, 255));

    [TestMethod]
    public void RequantizationClampsBeforeItConverts()
    {
        Assert.AreEqual(255, Requantization.Apply(1500000000, 2, 0, 3, 0, 255));
        Assert.AreEqual(0, Requantization.Apply(-1500000000, 2, 0, 3, 0, 255));
        Assert.AreEqual(255, Requantization.Finish(3e9f, 0, 0, 255));
        Assert.AreEqual(0, Requantization.Finish(-3e9f, 0, 0, 255));
        Assert.AreEqual(255, Requantization.Finish(float.PositiveInfinity, 7, 0, 255));
        Assert.AreEqual(0, Requantization.Finish(float.NegativeInfinity, 7, 0, 255));
        Assert.AreEqual(7, Requantization.Finish(float.NaN, 7, 0, 255));
    }

    [TestMethod]
    public void RequantizationRoundsItsProductBeforeItsSum()
    {
        // 16777217 is no float: float(acc) is 16777216, and the product is rounded once more before the offset comes.
        Assert.AreEqual(0, Requantization.Apply(16777217, 1, -16777216, 0, 0, 255));
        float fused = MathF.FusedMultiplyAdd(3, 0.1f, -0.3f);
        float rounded = (3 * 0.1f) - 0.3f;
        Assert.AreNotEqual(fused, rounded);
        Assert.AreEqual(128 + (int)Rounding.HalfToEven(rounded), Requantization.Apply(3, 0.1f, -0.3f, 128, 0, 255));
    }

    [TestMethod]
    public void ResidualAddRoundsBothProducts()
    {
        Assert.AreEqual(12, Requantization.Add(3, 0.5f, 1, 1f, 10, 0, 255));
        Assert.AreEqual(0, Requantization.Add(-200, 1f, -200, 1f, 10, 0, 255));
    }

    [TestMethod]
    public void AsymmetricParametersMatchTheWorkedVectors()
    {
        AffineParameters p = AffineParameters.Asymmetric(-1, 3, IntegerRange.Unsigned(8));
        Assert.AreEqual((4f / 255f, 64), (p.Scale, p.ZeroPoint));
        float[] values = [-1, -0.5f, 0, 0.01f, 1, 3, 5];
        CollectionAssert.AreEqual((int[])[0, 32, 64, 65, 128, 255, 255], Array.ConvertAll(values, x => p.Quantize(x, IntegerRange.Unsigned(8))));
        Assert.AreEqual(0, AffineParameters.Asymmetric(0.5, 3, IntegerRange.Unsigned(8)).ZeroPoint);
        Assert.AreEqual(127, AffineParameters.Asymmetric(-3, -1, IntegerRange.Signed(8)).ZeroPoint);
        AffineParameters dynamic = AffineParameters.Asymmetric(-3, 2, IntegerRange.Unsigned(8));
        // −2.5 / s lies beside the tie: the float division gives −127.49999, so 153 − 127.
        float[] row = [0, 2, -3, -2.5f, 1.34f, 0.5f];
        CollectionAssert.AreEqual((int[])[153, 255, 0, 26, 221, 179], Array.ConvertAll(row, x => dynamic.Quantize(x, IntegerRange.Unsigned(8))));
    }

    [TestMethod]
    public void SymmetricParametersMatchTheWorkedVectors()
    {
        Assert.AreEqual(2f / 15f, AffineParameters.Symmetric(1, IntegerRange.Signed(4)).Scale);
        Assert.AreEqual(1f / 7f, AffineParameters.Symmetric(1, IntegerRange.SignedNarrow(4)).Scale);
        Assert.AreEqual(2f / 3f, AffineParameters.Symmetric(1, IntegerRange.Signed(2)).Scale);
        Assert.AreEqual(2, AffineParameters.Symmetric(1, IntegerRange.Unsigned(2)).ZeroPoint);
        AffineParameters wide = AffineParameters.Symmetric(1, IntegerRange.Unsigned(8));
        Assert.AreEqual(128, wide.ZeroPoint);
        Assert.AreEqual(0.996078f, wide.Dequantize(wide.Quantize(1, IntegerRange.Unsigned(8))), 1e-6f);
        Assert.AreEqual(127, AffineParameters.Symmetric(1, new IntegerRange(0, 254)).ZeroPoint);
        AffineParameters small = new(0.02f, 0);
        float[] values = [0.05f, 0.03f, 0.01f, 2.54f, 3];
        CollectionAssert.AreEqual((int[])[2, 2, 0, 127, 127], Array.ConvertAll(values, x => small.Quantize(x, IntegerRange.SignedNarrow(8))));
    }

    [TestMethod]
    public void RangesTooSmallForAScaleGetScaleOne()
    {
        Assert.AreEqual(new AffineParameters(1, 0), AffineParameters.Asymmetric(0, 0, IntegerRange.Unsigned(8)));
        Assert.AreEqual(new AffineParameters(1, 0), AffineParameters.Symmetric(1e-40, IntegerRange.SignedNarrow(8)));
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => AffineParameters.Asymmetric(double.NaN, 1, IntegerRange.Unsigned(8)));
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => AffineParameters.Symmetric(double.PositiveInfinity, IntegerRange.Signed(8)));
    }

    [TestMethod]
    public void WidthsOutsideTheLegalSetAreRefused()
    {
        int[] legal = [1, 2, 3, 4, 5, 6, 7, 8, 16, 32];
        for (int bits = -1; bits <= 33; bits++)
        {
            if (legal.Contains(bits))
            {
                Assert.AreEqual(1L << bits, new BitWidth(bits).LevelCount);
                continue;
            }

            int wrong = bits;
            QuantizationException error = Assert.ThrowsException<QuantizationException>(() => new BitWidth(wrong));
            Assert.AreEqual(QuantizationErrorCode.InvalidBitWidth, error.Code);
            Assert.ThrowsException<QuantizationException>(() => IntegerRange.Unsigned(wrong));
        }
    }

    [TestMethod]
    public void RangesHoldTheirCodes()
    {
        Assert.AreEqual(new IntegerRange(0, 7), IntegerRange.Unsigned(3));
        Assert.AreEqual(new IntegerRange(-4, 3), IntegerRange.Signed(3));
        Assert.AreEqual(new IntegerRange(-3, 3), IntegerRange.SignedNarrow(3));
        Assert.AreEqual(new IntegerRange(int.MinValue, int.MaxValue), IntegerRange.Signed(32));
        Assert.AreEqual(1L << 32, IntegerRange.Signed(32).Count);
        Assert.AreEqual(3, IntegerRange.Signed(3).Clamp(9));
        Assert.IsFalse(IntegerRange.Signed(3).Contains(4));
        Assert.AreEqual("[-4, 3]", IntegerRange.Signed(3).ToString());
    }

    [TestMethod]
    public void RandomNumbersArePureFunctions()
    {
        Assert.AreEqual(0xE220A8397B1DCDAFUL, CounterRandom.Mix(0));
        Assert.AreEqual(0x910A2DEC89025CC1UL, CounterRandom.Mix(1));
        Assert.AreEqual(0x975835DE1C9756CEUL, CounterRandom.Mix(2));
        int[] smallest = [.. Enumerable.Range(0, 10).OrderBy(static row => CounterRandom.Mix(42 ^ (ulong)row)).Take(3)];
        CollectionAssert.AreEqual((int[])[3, 2, 9], smallest);
        CounterRandom random = new(5, 1, 2);
        Assert.AreEqual(new CounterRandom(5, 1, 2).Bits(7), random.Bits(7));
        Assert.AreNotEqual(new CounterRandom(5, 2, 1).Bits(7), random.Bits(7));
        for (int i = 0; i < 1000; i++)
        {
            Assert.IsTrue(random.Uniform(i) is >= 0 and < 1);
            Assert.IsTrue(random.Integer(i, -3, 3) is >= -3 and <= 3);
        }
    }
}
