using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Numerics;

/// <summary>Law: element i goes into lane i mod 16, ascending, then the tree 8-4-2-1.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class FloatReductionTests
{
    [TestMethod]
    public void EveryLengthFollowsTheSixteenLanes()
    {
        CounterRandom random = new(3);
        for (int length = 0; length <= 100; length++)
        {
            float[] values = new float[length];
            for (int i = 0; i < length; i++)
            {
                values[i] = (random.Uniform((100 * length) + i) * 4) - 2;
            }

            Same(values, FloatReduction.Sum, 0, static (a, v) => a + v);
            Same(values, FloatReduction.SumAbsolute, 0, static (a, v) => a + MathF.Abs(v), static (a, b) => a + b);
            Same(values, FloatReduction.SumSquares, 0, static (a, v) => a + (v * v), static (a, b) => a + b);
            Same(values, x => FloatReduction.SumSquaredDifferences(x, 0.3f), 0, static (a, v) => a + ((v - 0.3f) * (v - 0.3f)), static (a, b) => a + b);
            Same(values, x => FloatReduction.SumExp(x, 0.7f), 0, static (a, v) => a + FloatMath.Exp(v - 0.7f), static (a, b) => a + b);
            Same(values, FloatReduction.Product, 1, static (a, v) => a * v);
            Same(values, FloatReduction.Max, float.NegativeInfinity, static (a, v) => v > a ? v : a);
            Same(values, FloatReduction.Min, float.PositiveInfinity, static (a, v) => v < a ? v : a);
        }
    }

    [TestMethod]
    public void NaNIsPassedOverByMaxAndMin()
    {
        float[] values = [float.NaN, 2, float.NaN, -1];
        Assert.AreEqual(2f, FloatReduction.Max(values));
        Assert.AreEqual(-1f, FloatReduction.Min(values));
        Assert.IsTrue(float.IsNaN(FloatReduction.Sum(values)));
    }

    private static void Same(float[] values, ReductionOf function, float start, Func<float, float, float> step)
        => Same(values, function, start, step, step);

    private static void Same(float[] values, ReductionOf function, float start, Func<float, float, float> step, Func<float, float, float> join)
    {
        float[] lanes = new float[16];
        Array.Fill(lanes, start);
        for (int i = 0; i < values.Length; i++)
        {
            lanes[i % 16] = step(lanes[i % 16], values[i]);
        }

        for (int half = 8; half > 0; half /= 2)
        {
            for (int j = 0; j < half; j++)
            {
                lanes[j] = join(lanes[j], lanes[j + half]);
            }
        }

        Assert.AreEqual(BitConverter.SingleToInt32Bits(lanes[0]), BitConverter.SingleToInt32Bits(function(values)), $"length {values.Length}");
    }

    private delegate float ReductionOf(ReadOnlySpan<float> values);
}
