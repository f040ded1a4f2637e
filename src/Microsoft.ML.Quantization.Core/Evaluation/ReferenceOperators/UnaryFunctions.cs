using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>A function of x with the parameters α and β.</summary>
internal delegate float UnaryFunction(float x, float alpha, float beta);

/// <summary>The functions of one element, as written in <see cref="UnaryOperator"/>, from left to right, every step rounded to float32.</summary>
internal static class UnaryFunctions
{
    private static readonly FrozenDictionary<UnaryOperator, UnaryFunction> _functions = new Dictionary<UnaryOperator, UnaryFunction>
    {
        [UnaryOperator.Clip] = Clip,
        [UnaryOperator.LeakyRelu] = (x, a, _) => x < 0 ? a * x : x,
        [UnaryOperator.Elu] = (x, a, _) => x < 0 ? a * (FloatMath.Exp(x) - 1) : x,
        [UnaryOperator.Selu] = (x, a, b) => b * (x <= 0 ? a * (FloatMath.Exp(x) - 1) : x),
        [UnaryOperator.Celu] = (x, a, _) => (x > 0 ? x : 0) + Smaller(a * (FloatMath.Exp(x / a) - 1)),
        [UnaryOperator.ThresholdedRelu] = (x, a, _) => x > a ? x : 0,
        [UnaryOperator.Sigmoid] = (x, _, _) => FloatMath.Sigmoid(x),
        [UnaryOperator.HardSigmoid] = (x, a, b) => Clip((a * x) + b, 0, 1),
        [UnaryOperator.HardSwish] = (x, _, _) => x * Clip((x / 6) + 0.5f, 0, 1),
        [UnaryOperator.Tanh] = (x, _, _) => FloatMath.Tanh(x),
        [UnaryOperator.Softplus] = (x, _, _) => Softplus(x),
        [UnaryOperator.Softsign] = (x, _, _) => x / (1 + MathF.Abs(x)),
        [UnaryOperator.Exp] = (x, _, _) => FloatMath.Exp(x),
        [UnaryOperator.Log] = (x, _, _) => FloatMath.Log(x),
        [UnaryOperator.Sqrt] = (x, _, _) => MathF.Sqrt(x),
        [UnaryOperator.Abs] = (x, _, _) => MathF.Abs(x),
        [UnaryOperator.Negate] = (x, _, _) => -x,
        [UnaryOperator.Floor] = (x, _, _) => MathF.Floor(x),
        [UnaryOperator.Ceiling] = (x, _, _) => MathF.Ceiling(x),
        [UnaryOperator.Round] = (x, _, _) => Rounding.HalfToEven(x),
        [UnaryOperator.Reciprocal] = (x, _, _) => 1 / x,
        [UnaryOperator.Erf] = (x, _, _) => FloatMath.Erf(x),
        [UnaryOperator.Gelu] = (x, _, _) => x * 0.5f * (1 + FloatMath.Erf(x * 0.70710678f)),
        [UnaryOperator.GeluTanh] = (x, _, _) => x * 0.5f * (1 + FloatMath.Tanh(0.79788456f * (x + (0.044715f * (x * x * x))))),
        [UnaryOperator.Mish] = (x, _, _) => x * FloatMath.Tanh(Softplus(x)),
        [UnaryOperator.Sign] = (x, _, _) => x > 0 ? 1 : x < 0 ? -1 : x,
        [UnaryOperator.Swish] = (x, a, _) => x * FloatMath.Sigmoid(a * x),
    }.ToFrozenDictionary();

    /// <summary>The function of an operator.</summary>
    public static UnaryFunction Of(UnaryOperator function) => _functions[function];

    private static float Clip(float x, float low, float high) => x < low ? low : x > high ? high : x;

    private static float Smaller(float x) => x < 0 ? x : 0;

    /// <summary>max(x, 0) + log(1 + exp −|x|), which does not overflow.</summary>
    private static float Softplus(float x) => (x > 0 ? x : 0) + FloatMath.Log(1 + FloatMath.Exp(-MathF.Abs(x)));
}
