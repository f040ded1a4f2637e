using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>The functions of <see cref="UnaryOperator"/> over lanes, step by step as written there.</summary>
internal static class UnaryFunctions
{
    private static readonly FrozenDictionary<UnaryOperator, Mapper> _mappers = new Dictionary<UnaryOperator, Mapper>
    {
        [UnaryOperator.Clip] = static (a, b, x, y) => FloatLoops.Map(new Clip(a, b), x, y),
        [UnaryOperator.LeakyRelu] = static (a, b, x, y) => FloatLoops.Map(new LeakyRelu(a), x, y),
        [UnaryOperator.Elu] = static (a, b, x, y) => FloatLoops.Map(new Elu(a), x, y),
        [UnaryOperator.Selu] = static (a, b, x, y) => FloatLoops.Map(new Selu(a, b), x, y),
        [UnaryOperator.Celu] = static (a, b, x, y) => FloatLoops.Map(new Celu(a), x, y),
        [UnaryOperator.ThresholdedRelu] = static (a, b, x, y) => FloatLoops.Map(new ThresholdedRelu(a), x, y),
        [UnaryOperator.Sigmoid] = static (a, b, x, y) => FloatLoops.Map(new Sigmoid(), x, y),
        [UnaryOperator.HardSigmoid] = static (a, b, x, y) => FloatLoops.Map(new HardSigmoid(a, b), x, y),
        [UnaryOperator.HardSwish] = static (a, b, x, y) => FloatLoops.Map(new HardSwish(), x, y),
        [UnaryOperator.Tanh] = static (a, b, x, y) => FloatLoops.Map(new Tanh(), x, y),
        [UnaryOperator.Softplus] = static (a, b, x, y) => FloatLoops.Map(new Softplus(), x, y),
        [UnaryOperator.Softsign] = static (a, b, x, y) => FloatLoops.Map(new Softsign(), x, y),
        [UnaryOperator.Exp] = static (a, b, x, y) => FloatLoops.Map(new Exp(), x, y),
        [UnaryOperator.Log] = static (a, b, x, y) => FloatLoops.Map(new Log(), x, y),
        [UnaryOperator.Sqrt] = static (a, b, x, y) => FloatLoops.Map(new Sqrt(), x, y),
        [UnaryOperator.Abs] = static (a, b, x, y) => FloatLoops.Map(new Abs(), x, y),
        [UnaryOperator.Negate] = static (a, b, x, y) => FloatLoops.Map(new Negate(), x, y),
        [UnaryOperator.Floor] = static (a, b, x, y) => FloatLoops.Map(new Floor(), x, y),
        [UnaryOperator.Ceiling] = static (a, b, x, y) => FloatLoops.Map(new Ceiling(), x, y),
        [UnaryOperator.Round] = static (a, b, x, y) => FloatLoops.Map(new Round(), x, y),
        [UnaryOperator.Reciprocal] = static (a, b, x, y) => FloatLoops.Map(new Reciprocal(), x, y),
        [UnaryOperator.Erf] = static (a, b, x, y) => FloatLoops.Map(new Erf(), x, y),
        [UnaryOperator.Gelu] = static (a, b, x, y) => FloatLoops.Map(new Gelu(), x, y),
        [UnaryOperator.GeluTanh] = static (a, b, x, y) => FloatLoops.Map(new GeluTanh(), x, y),
        [UnaryOperator.Mish] = static (a, b, x, y) => FloatLoops.Map(new Mish(), x, y),
        [UnaryOperator.Sign] = static (a, b, x, y) => FloatLoops.Map(new Sign(), x, y),
        [UnaryOperator.Swish] = static (a, b, x, y) => FloatLoops.Map(new Swish(a), x, y),
    }.ToFrozenDictionary();

    private delegate void Mapper(float alpha, float beta, ReadOnlySpan<float> source, Span<float> destination);

    /// <summary>destination[i] = the node's function of source[i].</summary>
    public static void Map(Unary node, ReadOnlySpan<float> source, Span<float> destination)
        => _mappers[node.Operator](node.Alpha, node.Beta, source, destination);

    private readonly struct Clip(float alpha, float beta) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => Common.Clip(x, T.Create(alpha), T.Create(beta));
    }

    private readonly struct LeakyRelu(float alpha) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, T.Create(0f)), T.Create(alpha) * x, x);
    }

    private readonly struct Elu(float alpha) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, T.Create(0f)), T.Create(alpha) * (FloatMath.Exp(x) - T.Create(1f)), x);
    }

    private readonly struct Selu(float alpha, float beta) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Create(beta) * T.Select(T.Less(x, T.Create(0f)) | T.Same(x, T.Create(0f)), T.Create(alpha) * (FloatMath.Exp(x) - T.Create(1f)), x);
    }

    private readonly struct Celu(float alpha) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => Common.Positive(x) + Common.Negative(T.Create(alpha) * (FloatMath.Exp(x / T.Create(alpha)) - T.Create(1f)));
    }

    private readonly struct ThresholdedRelu(float alpha) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(T.Create(alpha), x), x, T.Create(0f));
    }

    private readonly struct Sigmoid : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Sigmoid(x);
    }

    private readonly struct HardSigmoid(float alpha, float beta) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => Common.Clip((T.Create(alpha) * x) + T.Create(beta), T.Create(0f), T.Create(1f));
    }

    private readonly struct HardSwish : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * Common.Clip((x / T.Create(6f)) + T.Create(0.5f), T.Create(0f), T.Create(1f));
    }

    private readonly struct Tanh : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Tanh(x);
    }

    private readonly struct Softplus : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => Common.Softplus(x);
    }

    private readonly struct Softsign : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x / (T.Create(1f) + Common.Absolute(x));
    }

    private readonly struct Exp : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Exp(x);
    }

    private readonly struct Log : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Log(x);
    }

    private readonly struct Sqrt : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Sqrt(x);
    }

    private readonly struct Abs : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => Common.Absolute(x);
    }

    private readonly struct Negate : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x ^ T.CreateInt(int.MinValue);
    }

    private readonly struct Floor : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Floor(x);
    }

    private readonly struct Ceiling : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Ceiling(x);
    }

    private readonly struct Round : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Round(x);
    }

    private readonly struct Reciprocal : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Create(1f) / x;
    }

    private readonly struct Erf : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Erf(x);
    }

    private readonly struct Gelu : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * T.Create(0.5f) * (T.Create(1f) + FloatMath.Erf(x * T.Create(0.70710678f)));
    }

    private readonly struct GeluTanh : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * T.Create(0.5f) * (T.Create(1f) + FloatMath.Tanh(T.Create(0.79788456f) * (x + (T.Create(0.044715f) * (x * x * x)))));
    }

    private readonly struct Mish : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * FloatMath.Tanh(Common.Softplus(x));
    }

    private readonly struct Sign : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(T.Create(0f), x), T.Create(1f), T.Select(T.Less(x, T.Create(0f)), T.Create(-1f), x));
    }

    private readonly struct Swish(float alpha) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * FloatMath.Sigmoid(T.Create(alpha) * x);
    }

    private static class Common
    {
        public static T Clip<T>(T x, T low, T high)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, low), low, T.Select(T.Less(high, x), high, x));

        public static T Positive<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(T.Create(0f), x), x, T.Create(0f));

        public static T Negative<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, T.Create(0f)), x, T.Create(0f));

        public static T Absolute<T>(T x)
            where T : unmanaged, ILanes<T> => x & T.CreateInt(int.MaxValue);

        public static T Softplus<T>(T x)
            where T : unmanaged, ILanes<T>
            => Positive(x) + FloatMath.Log(T.Create(1f) + FloatMath.Exp(Absolute(x) ^ T.CreateInt(int.MinValue)));
    }
}
