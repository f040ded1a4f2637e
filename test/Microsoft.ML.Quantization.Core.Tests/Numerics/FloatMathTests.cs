using System;
using System.Globalization;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Numerics;

/// <summary>Law: the own elementary functions are accurate, right at the ends, and the same at every width.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class FloatMathTests
{
    private const uint PatternStep = 4093;

    private static readonly float[] _specials =
    [
        0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon, 1e-40f, -1e-40f, 1.17549435e-38f,
        float.MaxValue, float.MinValue, 1f, -1f, 0.625f, 88.72283f, 88.72284f, 89f, -87.33655f, -103.97208f, -103.9721f, -104f, 4f, 9.01f, 0.70710678f, 1.4142135f,
    ];

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void ExpIsWithinTwoUlp() => Accurate("exp", FloatMath.Exp, Math.Exp, 1.0);

    [TestMethod]
    public void LogIsWithinTwoUlp() => Accurate("log", FloatMath.Log, Math.Log, 1.5);

    [TestMethod]
    public void TanhIsWithinTwoUlp() => Accurate("tanh", FloatMath.Tanh, Math.Tanh, 2.0);

    [TestMethod]
    public void SigmoidIsWithinTwoUlp() => Accurate("sigmoid", FloatMath.Sigmoid, static x => 1 / (1 + Math.Exp(-x)), 2.0);

    [TestMethod]
    public void ErfIsWithinTwoUlp() => Accurate("erf", FloatMath.Erf, ErfOracle, 2.0);

    [TestMethod]
    public void PowIsWithinOneUlp()
    {
        CounterRandom random = new(7);
        double worst = 0;
        for (int i = 0; i < 300000; i++)
        {
            float x = MathF.Abs(BitConverter.Int32BitsToSingle((int)random.Bits(2 * i)));
            float y = i % 3 == 0 ? random.Integer((2 * i) + 1, -20, 20) : (random.Uniform((2 * i) + 1) * 16) - 8;
            worst = Math.Max(worst, UlpDistance(FloatMath.Pow(x, y), Math.Pow(x, y)));
        }

        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pow: {worst:F4} ulp"));
        Assert.IsTrue(worst <= 0.51, string.Create(CultureInfo.InvariantCulture, $"pow: {worst} ulp"));
    }

    [TestMethod]
    public void PowAtTheEndsFollowsIeee754()
    {
        foreach (float x in _specials)
        {
            foreach (float y in (float[])[.. _specials, 2, 3, -3, 0.5f, -0.5f, 16777216f, 16777215f, 1e30f])
            {
                float expected = y == 2 ? x * x : (float)Math.Pow(x, y);
                float found = FloatMath.Pow(x, y);
                bool same = expected.Equals(found) && float.IsNegative(expected) == float.IsNegative(found);
                Assert.IsTrue(same || (float.IsNaN(expected) && float.IsNaN(found)), string.Create(CultureInfo.InvariantCulture, $"pow({x:R}, {y:R}): expected {expected:R}, found {found:R}"));
            }
        }
    }

    [TestMethod]
    public void EndsAreExact()
    {
        Assert.AreEqual(1f, FloatMath.Exp(0));
        Assert.AreEqual(1f, FloatMath.Exp(-0f));
        Assert.AreEqual(float.PositiveInfinity, FloatMath.Exp(float.PositiveInfinity));
        Assert.AreEqual(0f, FloatMath.Exp(float.NegativeInfinity));
        Assert.AreEqual(float.PositiveInfinity, FloatMath.Exp(88.72284f));
        Assert.AreEqual(float.Epsilon, FloatMath.Exp(-103.27893f));
        Assert.AreEqual(0f, FloatMath.Log(1));
        Assert.AreEqual(float.NegativeInfinity, FloatMath.Log(0));
        Assert.AreEqual(float.NegativeInfinity, FloatMath.Log(-0f));
        Assert.IsTrue(float.IsNaN(FloatMath.Log(-1)));
        Assert.AreEqual(float.PositiveInfinity, FloatMath.Log(float.PositiveInfinity));
        Assert.IsTrue(float.IsNegative(FloatMath.Tanh(-0f)));
        Assert.IsTrue(float.IsNegative(FloatMath.Erf(-0f)));
        Assert.AreEqual(-1f, FloatMath.Tanh(float.NegativeInfinity));
        Assert.AreEqual(1f, FloatMath.Erf(float.PositiveInfinity));
        Assert.AreEqual(0f, FloatMath.Sigmoid(float.NegativeInfinity));
        Assert.AreEqual(0.5f, FloatMath.Sigmoid(0));
        foreach (Func<float, float> function in (Func<float, float>[])[FloatMath.Exp, FloatMath.Log, FloatMath.Tanh, FloatMath.Sigmoid, FloatMath.Erf])
        {
            int bits = BitConverter.SingleToInt32Bits(function(BitConverter.Int32BitsToSingle(0x7FC01234)));
            Assert.AreEqual(BitConverter.SingleToInt32Bits(float.NaN), bits);
        }
    }

    [TestMethod]
    public void EveryWidthGivesTheScalarBits()
    {
        SameAsScalar<Lanes128>();
        SameAsScalar<Lanes256>();
        SameAsScalar<Lanes512>();
        SameAsScalar<Lanes1024>();
    }

    [TestMethod]
    public void The_short_forms_give_the_same_bits_where_they_are_defined()
    {
        for (ulong bits = 0; bits <= uint.MaxValue; bits += PatternStep)
        {
            float x = BitConverter.UInt32BitsToSingle((uint)bits);
            if (Math.Abs(x) <= 87)
            {
                Assert.AreEqual(FloatMath.Exp(x), FloatMath.ExpOfNear(new Lanes1(x)).Value, $"exp {x:R}");
            }

            if (x >= 1.17549435e-38f && float.IsFinite(x))
            {
                Assert.AreEqual(FloatMath.Log(x), FloatMath.LogOfNormal(new Lanes1(x)).Value, $"log {x:R}");
            }
        }
    }

    [TestMethod]
    public void Lookups_and_shifts_are_those_of_one_lane()
    {
        LooksUp<Lanes128>();
        LooksUp<Lanes256>();
        LooksUp<Lanes512>();
    }

    private static unsafe void LooksUp<T>()
        where T : unmanaged, ILanes<T>
    {
        float* table = stackalloc float[16];
        int* index = stackalloc int[16];
        float* found = stackalloc float[16];
        for (int i = 0; i < 16; i++)
        {
            table[i] = (i * i) - 7.5f;
            index[i] = ((i * 7) + 3) % 16;
        }

        T.Store(found, T.Lookup(table, T.Load((float*)index)));
        for (int i = 0; i < T.Count; i++)
        {
            Assert.AreEqual(Lanes1.Lookup(table, Lanes1.CreateInt(index[i])).Value, found[i], $"{T.Count} lanes, {i}");
        }

        T.Store(found, T.ShiftDown(T.CreateInt(unchecked((int)0x80000010)), 4));
        Assert.AreEqual(0x08000001, BitConverter.SingleToInt32Bits(found[T.Count - 1]));
        Assert.AreEqual(0x08000001, BitConverter.SingleToInt32Bits(Lanes1.ShiftDown(Lanes1.CreateInt(unchecked((int)0x80000010)), 4).Value));
    }

    private static unsafe void SameAsScalar<T>()
        where T : unmanaged, ILanes<T>
    {
        float* x = stackalloc float[Lanes1024.Count];
        float* y = stackalloc float[Lanes1024.Count];
        for (uint start = 0; start < uint.MaxValue - (32 * PatternStep); start += 32 * PatternStep)
        {
            for (int i = 0; i < T.Count; i++)
            {
                x[i] = i == 0 ? _specials[start % (uint)_specials.Length] : BitConverter.UInt32BitsToSingle(start + ((uint)i * PatternStep));
            }

            T v = T.Load(x);
            Check(x, y, FloatMath.Exp(v), FloatMath.Exp, "exp");
            Check(x, y, FloatMath.Log(v), FloatMath.Log, "log");
            Check(x, y, FloatMath.Tanh(v), FloatMath.Tanh, "tanh");
            Check(x, y, FloatMath.Sigmoid(v), FloatMath.Sigmoid, "sigmoid");
            Check(x, y, FloatMath.Erf(v), FloatMath.Erf, "erf");
        }
    }

    private static unsafe void Check<T>(float* x, float* y, T found, Func<float, float> scalar, string name)
        where T : unmanaged, ILanes<T>
    {
        T.Store(y, found);
        for (int i = 0; i < T.Count; i++)
        {
            if (BitConverter.SingleToInt32Bits(y[i]) != BitConverter.SingleToInt32Bits(scalar(x[i])))
            {
                Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"{name}({x[i]:R}) with {T.Count} lanes: expected {scalar(x[i]):R}, found {y[i]:R}"));
            }
        }
    }

    private void Accurate(string name, Func<float, float> function, Func<double, double> oracle, double limit)
    {
        double worst = 0;
        float at = 0;
        for (ulong bits = 0; bits <= uint.MaxValue; bits += PatternStep)
        {
            float x = BitConverter.UInt32BitsToSingle((uint)bits);
            double distance = float.IsNaN(x) ? 0 : UlpDistance(function(x), oracle(x));
            if (distance > worst)
            {
                (worst, at) = (distance, x);
            }
        }

        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {worst:F4} ulp at {at:R}"));
        Assert.IsTrue(worst <= limit, string.Create(CultureInfo.InvariantCulture, $"{name}: {worst:F4} ulp at {at:R}"));
    }

    /// <summary>|found − exact| in units of the last place of the float nearest to exact; 0 where both overflow or both are NaN.</summary>
    private static double UlpDistance(float found, double exact)
    {
        float nearest = (float)exact;
        if (float.IsNaN(nearest) || float.IsInfinity(nearest) || float.IsInfinity(found))
        {
            return nearest.Equals(found) ? 0 : double.PositiveInfinity;
        }

        double ulp = (double)MathF.BitIncrement(MathF.Abs(nearest)) - Math.Abs(nearest);
        return double.IsInfinity(ulp) ? 0 : Math.Abs(found - exact) / ulp;
    }

    private static double ErfOracle(double x)
    {
        double size = Math.Abs(x);
        if (size > 6)
        {
            return Math.Sign(x);
        }

        // Kummer's series, all terms positive: erf x = 2/sqrt(pi) · e^(−x²) · Σ 2^k x^(2k+1) / (1·3·…·(2k+1)).
        double term = size;
        double sum = term;
        for (int k = 1; k < 200; k++)
        {
            term *= 2 * size * size / ((2 * k) + 1);
            sum += term;
        }

        return Math.CopySign(2 / Math.Sqrt(Math.PI) * Math.Exp(-size * size) * sum, x);
    }
}
