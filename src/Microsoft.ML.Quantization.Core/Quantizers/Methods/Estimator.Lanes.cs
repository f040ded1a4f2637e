using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <content>The derivatives themselves, each written once for every width.</content>
public readonly partial record struct Estimator
{
    private interface ISlope
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>;
    }

    /// <summary>dx = fl(fl(factor·g)·φ'(fl(x/step))); a NaN of x gives NaN, but for the identity.</summary>
    /// <param name="x">What was quantized.</param>
    /// <param name="g">∂loss/∂y.</param>
    /// <param name="dx">Written.</param>
    /// <param name="step">The unit of x.</param>
    /// <param name="factor">Of every element.</param>
    public void Pass(ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx, float step = 1, float factor = 1)
    {
        switch (Kind)
        {
            case EstimatorKind.Window:
                LaneMap.Map(new Through<Inside>(new(First, Second), step, factor), x, g, dx);
                break;
            case EstimatorKind.Rectifier:
                LaneMap.Map(new Through<Above>(new(float.PositiveInfinity), step, factor), x, g, dx);
                break;
            case EstimatorKind.ClippedRectifier:
                LaneMap.Map(new Through<Above>(new(First), step, factor), x, g, dx);
                break;
            case EstimatorKind.LogTail:
                LaneMap.Map(new Through<Tail>(new(First), step, factor), x, g, dx);
                break;
            default:
                PassSmooth(x, g, dx, step, factor);
                break;
        }
    }

    /// <summary>φ' of one value.</summary>
    public float Slope(float x)
    {
        float result = 0;
        Pass([x], [1], new Span<float>(ref result));
        return result;
    }

    private void PassSmooth(ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx, float step, float factor)
    {
        switch (Kind)
        {
            case EstimatorKind.Polynomial:
                LaneMap.Map(new Through<Triangle>(default, step, factor), x, g, dx);
                break;
            case EstimatorKind.Swish:
                LaneMap.Map(new Through<SwishSlope>(new(First), step, factor), x, g, dx);
                break;
            case EstimatorKind.Tanh:
                LaneMap.Map(new Through<TanhSlope>(new(First), step, factor), x, g, dx);
                break;
            case EstimatorKind.Tents:
                LaneMap.Map(new Through<TentSlope>(new((int)First, Second), step, factor), x, g, dx);
                break;
            default:
                LaneMap.Map(new Times(factor), g, dx);
                break;
        }
    }

    private readonly struct Times(float factor) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * T.Create(factor);
    }

    private readonly struct Through<TSlope>(TSlope slope, float step, float factor) : ILaneFunction2
        where TSlope : struct, ISlope
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = x / T.Create(step);
            return T.Select(T.Same(u, u), T.Create(factor) * g * slope.Of(u), u);
        }
    }

    private readonly struct Inside(float low, float high) : ISlope
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => T.Select(T.Less(x, T.Create(low)), T.Create(0), T.Select(T.Less(T.Create(high), x), T.Create(0), T.Create(1)));
    }

    private readonly struct Above(float top) : ISlope
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => T.Select(T.Less(T.Create(top), x), T.Create(0), T.Less(T.Create(0), x) & T.Create(1));
    }

    private readonly struct Tail(float top) : ISlope
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => T.Select(T.Less(T.Create(top), x), T.Create(1) / (x - T.Create(top - 1)), T.Less(T.Create(0), x) & T.Create(1));
    }

    private readonly struct Triangle : ISlope
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T size = x & T.CreateInt(int.MaxValue);
            return T.Less(size, T.Create(1)) & (T.Create(2) - (T.Create(2) * size));
        }
    }

    private readonly struct SwishSlope(float beta) : ISlope
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            // An even function; beyond 80 it is 0 to the last bit that counts, and cosh would leave the range.
            T z = (x * T.Create(beta)) & T.CreateInt(int.MaxValue);
            z = T.Select(T.Less(z, T.Create(80)), z, T.Create(80));
            T up = FloatMath.Exp(z);
            T cosh = T.Create(0.5f) * (up + (T.Create(1) / up));
            T top = T.Create(2) - (z * FloatMath.Tanh(z * T.Create(0.5f)));
            return T.Create(beta) * (top / (T.Create(1) + cosh));
        }
    }

    private readonly struct TanhSlope(float t) : ISlope
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T h = FloatMath.Tanh(x * T.Create(t));
            return T.Create(Math.Max(1, t)) * (T.Create(1) - (h * h));
        }
    }

    private readonly struct TentSlope(int order, float delta) : ISlope
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T u = (x / T.Create(delta)) + T.Create(3);
            T rest = u - (T.Create(2) * T.Floor(u * T.Create(0.5f)));
            T side = (rest - T.Create(1)) & T.CreateInt(int.MaxValue);
            T power = T.Create(order);
            for (int i = 1; i < order; i++)
            {
                power *= side;
            }

            T size = x & T.CreateInt(int.MaxValue);
            return T.Select(T.Less(T.Create(2 * delta), size), T.Create(0), power);
        }
    }
}
