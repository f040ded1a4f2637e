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
    // One sigmoid a pass over a part that stays in the nearest cache: long bodies of several are not put in line.
    private const int Part = 512;

    /// <summary>The soft form.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> y)
    {
        for (int from = 0; from < x.Length; from += Part)
        {
            int count = Math.Min(Part, x.Length - from);
            Span<float> part = y.Slice(from, count);
            Sum(x.Slice(from, count), part);
            LaneMap.Map(new Times(Scale), part, part);
        }
    }

    /// <summary>dx = g·αβT·Σ sᵢSᵢ(1 − Sᵢ); gives ∂loss/∂β = Σ x·dx/β.</summary>
    public float Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx)
    {
        for (int from = 0; from < x.Length; from += Part)
        {
            int count = Math.Min(Part, x.Length - from);
            Span<float> part = dx.Slice(from, count);
            part.Clear();
            for (int i = 0; i < Borders.Length; i++)
            {
                LaneMap.Map(new AddBump(Gain, Borders[i], Temperature, Levels[i + 1] - Levels[i]), x.Slice(from, count), part, part);
            }

            LaneMap.Map(new Times(Scale * Gain * Temperature), part, part);
            LaneMap.Map(default(Product), g.Slice(from, count), part, part);
        }

        return LaneMap.Sum(default(Product), x, dx) / Gain;
    }

    /// <summary>∂loss/∂α = Σ g·y/α, with the y of the way forward.</summary>
    public double ScaleSum(ReadOnlySpan<float> x, ReadOnlySpan<float> g)
    {
        Span<float> part = stackalloc float[Part];
        double sum = 0;
        for (int from = 0; from < x.Length; from += Part)
        {
            int count = Math.Min(Part, x.Length - from);
            if (IsHard)
            {
                Stairs.Apply(x.Slice(from, count), Table.Thresholds, Levels, part[..count]);
            }
            else
            {
                Sum(x.Slice(from, count), part[..count]);
            }

            sum += LaneMap.Sum(default(Product), part[..count], g.Slice(from, count));
        }

        return sum;
    }

    /// <summary>∂loss/∂bᵢ = −Σ g·αT·sᵢSᵢ(1 − Sᵢ).</summary>
    public float ThresholdSum(int i, ReadOnlySpan<float> x, ReadOnlySpan<float> g)
        => -LaneMap.Sum(new Bump(Gain, Borders[i], Temperature, Scale * Temperature * (Levels[i + 1] - Levels[i])), x, g);

    private void Sum(ReadOnlySpan<float> x, Span<float> y)
    {
        y.Fill(Levels[0]);
        for (int i = 0; i < Borders.Length; i++)
        {
            LaneMap.Map(new AddStep(Gain, Borders[i], Temperature, Levels[i + 1] - Levels[i]), x, y, y);
        }
    }

    private readonly struct Times(float factor) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * T.Create(factor);
    }

    private readonly struct Product : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => x * g;
    }

    private readonly struct AddStep(float gain, float border, float temperature, float jump) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
            => g + (FloatMath.Sigmoid(((x * T.Create(gain)) - T.Create(border)) * T.Create(temperature)) * T.Create(jump));
    }

    private readonly struct AddBump(float gain, float border, float temperature, float jump) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T s = FloatMath.Sigmoid(((x * T.Create(gain)) - T.Create(border)) * T.Create(temperature));
            return g + (s * (T.Create(1) - s) * T.Create(jump));
        }
    }

    private readonly struct Bump(float gain, float border, float temperature, float factor) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T s = FloatMath.Sigmoid(((x * T.Create(gain)) - T.Create(border)) * T.Create(temperature));
            return g * (s * (T.Create(1) - s) * T.Create(factor));
        }
    }
}
