using System;
using System.Linq;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// α·(Y₀ + Σ sᵢ·S(T·(βx − bᵢ))) and its exact derivatives (Yang et al., 2019, section 3.3). S counts as 1 from 17 on, which it is in float, and need not be evaluated below −17, where it
/// is under 5e-8: of the ascending b only those within 17/T of βx are looked at, found by bisection.
/// </summary>
internal sealed unsafe class SoftStairs
{
    private const int Entries = 16;
    private const float Saturation = 17;
    private const float Beyond = 3e38f;

    private readonly float[] _levels;
    private readonly float[] _borders;
    private readonly float[] _tables;
    private readonly float _scale;
    private readonly float _gain;
    private readonly float _temperature;
    private readonly int _window;
    private readonly int _half;

    /// <summary>At most 15 borders.</summary>
    /// <param name="borders">b, ascending.</param>
    /// <param name="levels">Y.</param>
    /// <param name="scale">α.</param>
    /// <param name="gain">β.</param>
    /// <param name="temperature">T.</param>
    /// <param name="table">The hard form.</param>
    /// <param name="isHard">Whether the way forward is hard at this step.</param>
    /// <param name="back">The stairs of the way back where they are others; null for these.</param>
    public SoftStairs(float[] borders, float[] levels, float scale, float gain, float temperature, StairTable table, bool isHard, SoftStairs? back = null)
    {
        Back = back ?? this;
        (_borders, _levels, _scale, _gain, _temperature) = (borders, levels, scale, gain, temperature);
        (Table, IsHard) = (table, isHard);
        float[] padding = [.. Enumerable.Repeat(Beyond, Entries - borders.Length)];
        _tables = [.. borders, .. padding, .. levels.Skip(1).Zip(levels, (next, level) => next - level), .. new float[Entries - borders.Length], .. levels, .. Enumerable.Repeat(levels[^1], Entries - levels.Length)];
        float reach = 2 * Saturation / temperature;
        _window = Math.Min(borders.Length, borders.Max(b => borders.Count(other => other >= b && other - b <= reach)));
        _half = _window == borders.Length ? 0 : (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)borders.Length + 1) / 2;
    }

    /// <summary>The hard form.</summary>
    public StairTable Table { get; }

    /// <summary>The stairs of the way back.</summary>
    public SoftStairs Back { get; }

    /// <summary>Whether the way forward is hard at this step.</summary>
    public bool IsHard { get; }

    /// <summary>The soft form.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> y)
    {
        fixed (float* tables = _tables)
        {
            LaneMap.Map(new Soft(this, tables), x, y);
        }
    }

    /// <summary>dx = g·αβT·Σ sᵢSᵢ(1 − Sᵢ); gives ∂loss/∂α = Σ g·y/α with the y of the way forward, and ∂loss/∂β = Σ x·dx/β.</summary>
    public (float Scale, float Gain) Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx)
    {
        fixed (float* tables = _tables)
        {
            (float scale, float gain) = LaneMap.MapAndSum(new Slope(this, tables), x, g, dx);
            scale = IsHard ? LaneMap.Sum(new Climbed(new Stairs.Climb(Table.Thresholds, _levels)), x, g) : scale;
            return (scale, gain / _gain);
        }
    }

    /// <summary>∂loss/∂bᵢ = −Σ g·αT·sᵢSᵢ(1 − Sᵢ).</summary>
    public float ThresholdSum(int i, ReadOnlySpan<float> x, ReadOnlySpan<float> g)
        => -LaneMap.Sum(new Bump(_gain, _borders[i], _temperature, _scale * _temperature * (_levels[i + 1] - _levels[i])), x, g);

    private readonly struct Soft(SoftStairs stairs, float* tables) : ILaneFunction
    {
        private readonly Window _window = new(stairs, tables);
        private readonly float _scale = stairs._scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T u = _window.Start(x, out T start);
            T y = _window.Level(start);
            for (int i = 0; i < _window.Count; i++)
            {
                y += _window.Sigmoid(u, start, i, out T jump) * jump;
            }

            return T.Select(T.Same(x, x), y * T.Create(_scale), x);
        }
    }

    private readonly struct Slope(SoftStairs stairs, float* tables) : ILaneGradient
    {
        private readonly Window _window = new(stairs, tables);
        private readonly float _factor = stairs._scale * stairs._gain * stairs._temperature;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x, T g, out T first, out T second)
            where T : unmanaged, ILanes<T>
        {
            T u = _window.Start(x, out T start);
            T y = _window.Level(start);
            T bumps = T.Create(0);
            for (int i = 0; i < _window.Count; i++)
            {
                T s = _window.Sigmoid(u, start, i, out T jump);
                y += s * jump;
                bumps += s * (T.Create(1) - s) * jump;
            }

            T dx = T.Select(T.Same(x, x), g * (bumps * T.Create(_factor)), x);
            first = g * y;
            second = x * dx;
            return dx;
        }
    }

    /// <summary>The borders that matter to a value: <see cref="Count"/> from the first that is not 17/T below it.</summary>
    private readonly struct Window(SoftStairs stairs, float* tables)
    {
        private const float Farthest = 80;

        private readonly float _gain = stairs._gain;
        private readonly float _temperature = stairs._temperature;
        private readonly float _margin = Saturation / stairs._temperature;
        private readonly int _half = stairs._half;

        public int Count { get; } = stairs._window;

        /// <summary>βx and the index of the first border.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Start<T>(T x, out T start)
            where T : unmanaged, ILanes<T>
        {
            T u = x * T.Create(_gain);
            T limit = u - T.Create(_margin);
            start = T.CreateInt(0);
            for (int half = _half; half > 0; half >>= 1)
            {
                T below = T.Less(limit, T.Lookup(tables, T.AddInt(start, T.CreateInt(half - 1))));
                start = T.Select(below, start, T.AddInt(start, T.CreateInt(half)));
            }

            return u;
        }

        /// <summary>The level under all borders from start on.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Level<T>(T start)
            where T : unmanaged, ILanes<T> => T.Lookup(tables + (2 * Entries), start);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Sigmoid<T>(T u, T start, int i, out T jump)
            where T : unmanaged, ILanes<T>
        {
            T index = T.AddInt(start, T.CreateInt(i));
            index = T.Select(T.GreaterInt(index, T.CreateInt(Entries - 1)), T.CreateInt(Entries - 1), index);
            jump = T.Lookup(tables + Entries, index);
            T v = (T.Lookup(tables, index) - u) * T.Create(_temperature);
            v = T.Select(T.Less(v, T.Create(-Farthest)), T.Create(-Farthest), T.Select(T.Less(T.Create(Farthest), v), T.Create(Farthest), v));
            return T.Create(1) / (T.Create(1) + FloatMath.ExpOfNear(v));
        }
    }

    private readonly struct Climbed(Stairs.Climb climb) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => climb.Of(x) * g;
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
