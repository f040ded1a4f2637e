using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>α·(Y₀ + Σ sᵢ·S(T·(βx − bᵢ))) and its exact derivatives (Yang et al., 2019, section 3.3).</summary>
/// <param name="Borders">b.</param>
/// <param name="Levels">Y.</param>
/// <param name="Scale">α.</param>
/// <param name="Gain">β.</param>
/// <param name="Temperature">T.</param>
/// <param name="Table">The hard form.</param>
/// <param name="IsHard">Whether the way forward is hard at this step.</param>
internal sealed record SoftStairs(float[] Borders, float[] Levels, float Scale, float Gain, float Temperature, StairTable Table, bool IsHard)
{
    /// <summary>The soft form.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> y) => LaneMap.Map(new Value(this, Scale), x, y);

    /// <summary>dx = g·αβT·Σ sᵢSᵢ(1 − Sᵢ); gives ∂loss/∂β = Σ x·dx/β.</summary>
    public float Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx)
    {
        LaneMap.Map(new Slope(this), x, g, dx);
        return LaneMap.Sum(default(Product), x, dx) / Gain;
    }

    /// <summary>∂loss/∂α = Σ g·y/α, with the y of the way forward.</summary>
    public float ScaleSum(ReadOnlySpan<float> x, ReadOnlySpan<float> g) => IsHard
        ? LaneMap.Sum(new Hard(Table.Thresholds, Levels), x, g)
        : LaneMap.Sum(new Weighted(new Value(this, 1)), x, g);

    /// <summary>∂loss/∂bᵢ = −Σ g·αT·sᵢSᵢ(1 − Sᵢ).</summary>
    public float ThresholdSum(int i, ReadOnlySpan<float> x, ReadOnlySpan<float> g)
        => -LaneMap.Sum(new Bump(Gain, Temperature, Borders[i], Scale * Temperature * (Levels[i + 1] - Levels[i])), x, g);

    private readonly struct Product : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => x * g;
    }

    private readonly struct Value(SoftStairs stairs, float scale) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T u = x * T.Create(stairs.Gain);
            T y = T.Create(stairs.Levels[0]);
            for (int i = 0; i < stairs.Borders.Length; i++)
            {
                T s = FloatMath.Sigmoid((u - T.Create(stairs.Borders[i])) * T.Create(stairs.Temperature));
                y += s * T.Create(stairs.Levels[i + 1] - stairs.Levels[i]);
            }

            return y * T.Create(scale);
        }
    }

    private readonly struct Weighted(Value value) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => value.Of(x) * g;
    }

    private readonly struct Hard(float[] thresholds, float[] levels) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => new Stairs.Climb(thresholds, levels).Of(x) * g;
    }

    private readonly struct Slope(SoftStairs stairs) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = x * T.Create(stairs.Gain);
            T sum = T.Create(0);
            for (int i = 0; i < stairs.Borders.Length; i++)
            {
                T s = FloatMath.Sigmoid((u - T.Create(stairs.Borders[i])) * T.Create(stairs.Temperature));
                sum += s * (T.Create(1) - s) * T.Create(stairs.Levels[i + 1] - stairs.Levels[i]);
            }

            return g * (sum * T.Create(stairs.Scale * stairs.Gain * stairs.Temperature));
        }
    }

    private readonly struct Bump(float gain, float temperature, float border, float factor) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T s = FloatMath.Sigmoid(((x * T.Create(gain)) - T.Create(border)) * T.Create(temperature));
            return g * (s * (T.Create(1) - s) * T.Create(factor));
        }
    }
}
