using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Weights of DoReFa-Net (Zhou et al., 2016). k = 1: mean|w| of the tensor times sign(w), gradient unchanged (equation 8). k ≥ 2: t = tanh w, M = max|t|,
/// c = round(n·(t/2M + 1/2)), w' = (2c − n)/n, n = 2^k − 1 (equation 9); dw = g·(1 − t²)/M, and the element that attains M also gets −sign(t)·(1 − t²)/M²·Σ g·t.
/// </summary>
public sealed record DoReFaWeights : QuantizationMethod
{
    /// <summary>Whether M counts as constant on the way back.</summary>
    public bool MaximumIsConstant { get; init; }

    /// <inheritdoc/>
    public override string Name => "DoReFa-W";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, MaximumIsConstant ? 1 : 0];

    /// <summary>Σ g·t.</summary>
    public override int ExtraSums => 1;

    private int Steps => (1 << Bits) - 1;

    /// <inheritdoc/>
    public override object Prepare(MethodCall call)
    {
        if (Bits == 1)
        {
            return new State(null, Math.Max((float)(FloatReduction.SumAbsolute(call.Values) / (double)Math.Max(1, call.Values.Length)), UniformGrid.SmallestStep));
        }

        var t = new float[call.Values.Length];
        LaneMap.Map(default(Tanh), call.Values, t);
        float size = Math.Max(FloatReduction.Max(t), -FloatReduction.Min(t));
        return new State(t, size > 0 ? size : 0);
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        var state = (State)prepared!;
        if (Bits == 1)
        {
            UniformGrid.Sign(call.Values.Slice(begin, y.Length), state.Size, y);
        }
        else
        {
            LaneMap.Map(new Level(state.Size, Steps), state.T.AsSpan(begin, y.Length), y);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        var state = (State)prepared!;
        if (Bits == 1 || state.Size == 0)
        {
            g.CopyTo(dx);
            return;
        }

        ReadOnlySpan<float> t = state.T.AsSpan(begin, g.Length);
        LaneMap.Map(new Slope(state.Size), t, g, dx);
        sums[0] += LaneMap.Sum(default(Product), t, g);
    }

    /// <inheritdoc/>
    public override void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        var state = (State)prepared!;
        if (Bits == 1 || MaximumIsConstant || state.Size == 0)
        {
            return;
        }

        int at = state.T.AsSpan().IndexOf(state.Size);
        float t = at >= 0 ? state.Size : -state.Size;
        at = at >= 0 ? at : state.T.AsSpan().IndexOf(t);
        dx[at] -= (float)(Math.Sign(t) * (1 - ((double)t * t)) / ((double)t * t) * totals[0]);
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        var state = (State)Prepare(call);
        float step = Bits == 1 ? state.Size : Unit(state.Size, Steps);
        AffineQuantization quantizer = HardForms.MidRise(Bits, [step]);
        Tensor codes = Tensor.Allocate(ElementType.UInt8, call.X.Shape);
        Span<byte> result = codes.Writable<byte>();
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = (byte)(Bits == 1 ? (call.Values[i] >= 0 ? 1 : 0) : Code(state.T![i], state.Size));
        }

        return HardForms.OfCodes(codes, quantizer);
    }

    private int Code(float t, float size) => (int)Rounding.HalfToEven(Steps * ((t / Span(size)) + 0.5f));

    /// <summary>2·M, what t is divided by.</summary>
    private static float Span(float size) => size == 0 ? 1 : 2 * size;

    /// <summary>Half the distance of levels; where all weights are 0, which is no level, all levels are next to 0.</summary>
    private static float Unit(float size, int steps) => size == 0 ? UniformGrid.SmallestStep : 1f / steps;

    private sealed record State(float[]? T, float Size);

    private readonly struct Tanh : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Tanh(x);
    }

    private readonly struct Product : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => x * g;
    }

    /// <summary>(2c − n) · fl(1/n), as the codes decode.</summary>
    private readonly struct Level(float size, int steps) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T code = T.Round(T.Create(steps) * ((x / T.Create(Span(size))) + T.Create(0.5f)));
            return ((code * T.Create(2)) - T.Create(steps)) * T.Create(Unit(size, steps));
        }
    }

    private readonly struct Slope(float size) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => g * (T.Create(1) - (x * x)) / T.Create(size);
    }
}
