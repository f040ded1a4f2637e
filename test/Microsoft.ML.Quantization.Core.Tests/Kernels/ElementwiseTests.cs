using System;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: a function of a span is its written formula at every length and width, specials included.</summary>
[TestClass]
public sealed class ElementwiseTests
{
    private static readonly int[] _lengths = [0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 64, 130];

    private static readonly float[] _specials =
        [0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e-40f, -1e-40f, 0.5f, -0.5f, 1.5f, 2.5f, 3e9f, -3e9f, 100f, -100f, -6f, 6f];

    [TestMethod]
    public void RectifiersFollowTheirFormulas()
    {
        Same(new UnaryFunctions.Clip(-1, 6), static x => x < -1 ? -1 : x > 6 ? 6 : x);
        Same(new UnaryFunctions.LeakyRelu(0.1f), static x => x < 0 ? 0.1f * x : x);
        Same(new UnaryFunctions.Elu(1.2f), static x => x < 0 ? 1.2f * (FloatMath.Exp(x) - 1) : x);
        Same(new UnaryFunctions.Selu(1.67f, 1.05f), static x => 1.05f * (x <= 0 ? 1.67f * (FloatMath.Exp(x) - 1) : x));
        Same(new UnaryFunctions.Celu(0.7f), static x => (x > 0 ? x : 0) + Negative(0.7f * (FloatMath.Exp(x / 0.7f) - 1)));
        Same(new UnaryFunctions.ThresholdedRelu(0.4f), static x => x > 0.4f ? x : 0);
        Same(new UnaryFunctions.HardSigmoid(0.2f, 0.5f), static x => Unit((0.2f * x) + 0.5f));
        Same(default(UnaryFunctions.HardSwish), static x => x * Unit((x / 6) + 0.5f));
    }

    [TestMethod]
    public void SmoothFunctionsFollowTheirFormulas()
    {
        Same(default(UnaryFunctions.Sigmoid), FloatMath.Sigmoid);
        Same(default(UnaryFunctions.Tanh), FloatMath.Tanh);
        Same(default(UnaryFunctions.Softplus), Softplus);
        Same(default(UnaryFunctions.Softsign), static x => x / (1 + MathF.Abs(x)));
        Same(default(UnaryFunctions.Exp), FloatMath.Exp);
        Same(default(UnaryFunctions.Log), FloatMath.Log);
        Same(default(UnaryFunctions.Erf), FloatMath.Erf);
        Same(default(UnaryFunctions.Gelu), static x => x * 0.5f * (1 + FloatMath.Erf(x * 0.70710678f)));
        Same(default(UnaryFunctions.GeluTanh), static x => x * 0.5f * (1 + FloatMath.Tanh(0.79788456f * (x + (0.044715f * (x * x * x))))));
        Same(default(UnaryFunctions.Mish), static x => x * FloatMath.Tanh(Softplus(x)));
        Same(new UnaryFunctions.Swish(1.7f), static x => x * FloatMath.Sigmoid(1.7f * x));
    }

    [TestMethod]
    public void PlainFunctionsFollowTheirFormulas()
    {
        Same(default(UnaryFunctions.Sqrt), MathF.Sqrt);
        Same(default(UnaryFunctions.Abs), MathF.Abs);
        Same(default(UnaryFunctions.Negate), static x => -x);
        Same(default(UnaryFunctions.Floor), MathF.Floor);
        Same(default(UnaryFunctions.Ceiling), MathF.Ceiling);
        Same(default(UnaryFunctions.Round), Rounding.HalfToEven);
        Same(default(UnaryFunctions.Reciprocal), static x => 1 / x);
        Same(default(UnaryFunctions.Sign), static x => x > 0 ? 1 : x < 0 ? -1 : x);
    }

    [TestMethod]
    public void FunctionsOfTwoFollowTheirFormulas()
    {
        Same(default(BinaryFunctions.Add), static (a, b) => a + b);
        Same(default(BinaryFunctions.Subtract), static (a, b) => a - b);
        Same(default(BinaryFunctions.Multiply), static (a, b) => a * b);
        Same(default(BinaryFunctions.Divide), static (a, b) => a / b);
        Same(default(BinaryFunctions.Minimum), static (a, b) => b < a ? b : a);
        Same(default(BinaryFunctions.Maximum), static (a, b) => b > a ? b : a);
        Same(default(BinaryFunctions.PRelu), static (a, b) => a < 0 ? b * a : a);
        Same(default(BinaryFunctions.Power), FloatMath.Pow);
    }

    [TestMethod]
    public void ShortDestinationIsRefused()
    {
        Assert.ThrowsException<ArgumentException>(() => Elementwise.Map(new float[3], default(UnaryFunctions.Abs), new float[2]));
        Assert.ThrowsException<ArgumentException>(() => Elementwise.Combine(new float[3], new float[2], default(BinaryFunctions.Add), new float[3]));
        Assert.ThrowsException<ArgumentException>(() => Elementwise.Combine(new float[3], new float[3], default(BinaryFunctions.Add), new float[2]));
    }

    private static void Same<TFunction>(TFunction function, Func<float, float> formula)
        where TFunction : struct, IUnaryFunction
    {
        foreach (int length in _lengths)
        {
            float[] source = Values(length, 1);
            float[] expected = Array.ConvertAll(source, x => formula(x));
            float[][] found = [new float[length], new float[length], new float[length], [.. source]];
            Elementwise.Map<Lanes128, TFunction>(source, function, found[0]);
            Elementwise.Map<Lanes256, TFunction>(source, function, found[1]);
            Elementwise.Map<Lanes512, TFunction>(source, function, found[2]);
            Elementwise.Map(found[3], function, found[3]);
            foreach (float[] result in found)
            {
                KernelAssert.SameBits(expected, result, $"{typeof(TFunction).Name}, length {length}");
            }
        }
    }

    private static void Same<TFunction>(TFunction function, Func<float, float, float> formula)
        where TFunction : struct, IBinaryFunction
    {
        foreach (int length in _lengths)
        {
            float[] left = Values(length, 1);
            float[] right = Values(length, 2);
            string what = $"{typeof(TFunction).Name}, length {length}";
            float[] found = new float[length];
            Elementwise.Combine<Lanes128, TFunction>(left, right, function, found);
            KernelAssert.SameBits(Pairs(left, right, formula), found, what);
            Elementwise.Combine<Lanes256, TFunction>(left, right, function, found);
            KernelAssert.SameBits(Pairs(left, right, formula), found, what);
            Elementwise.Combine<Lanes512, TFunction>(left, right, function, found);
            KernelAssert.SameBits(Pairs(left, right, formula), found, what);
            foreach (float fixedValue in new[] { 2f, -0.5f, float.NaN })
            {
                Elementwise.Combine(left, [fixedValue], function, found);
                KernelAssert.SameBits(Array.ConvertAll(left, x => formula(x, fixedValue)), found, what + ", right broadcast");
                Elementwise.Combine([fixedValue], right, function, found);
                KernelAssert.SameBits(Array.ConvertAll(right, x => formula(fixedValue, x)), found, what + ", left broadcast");
            }
        }
    }

    private static float[] Pairs(float[] left, float[] right, Func<float, float, float> formula)
    {
        float[] result = new float[left.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = formula(left[i], right[i]);
        }

        return result;
    }

    private static float[] Values(int length, ulong site)
    {
        float[] values = KernelOperands.Floats(length, 11, site);
        for (int i = 0; i < length; i += 3)
        {
            values[i] = _specials[(i / 3 * (int)site) % _specials.Length];
        }

        return values;
    }

    private static float Unit(float x) => x < 0 ? 0 : x > 1 ? 1 : x;

    private static float Negative(float x) => x < 0 ? x : 0;

    private static float Softplus(float x) => (x > 0 ? x : 0) + FloatMath.Log(1 + FloatMath.Exp(-MathF.Abs(x)));
}
