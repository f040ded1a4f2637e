using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// LSQ+ for activations that can be negative (Bhalgat et al., 2020): u = (x − β)/s, y = s·round(clamp(u, 0, n)) + β, n = 2^k − 1; s and β learned: ∂y/∂s = round(u) − u inside, 0 below, n above;
/// ∂y/∂β = 1 outside; both times 1/√(N·n), N features of a row. Evaluated, and for the last part of a run in training, β is −s·Z with Z = round(−β/s) in [0, n], so that 0 keeps a code and
/// padding stays exact; β then has no gradient. s and β begin where the square error of a sample is least. Weights take <see cref="Lsq"/>, in the paper with <see cref="LsqStart.ThreeDeviations"/>; the recipe leaves them the start of LSQ.
/// </summary>
public sealed record LsqPlus : QuantizationMethod
{
    private const int Candidates = 20;

    /// <summary>Share of the run from which β is a whole number of steps, in [0, 1].</summary>
    public float SnapFrom { get; init; } = 0.5f;

    /// <inheritdoc/>
    public override string Name => "LSQ+";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, SnapFrom];

    /// <summary>s and β.</summary>
    public override ImmutableArray<MethodParameter> Parameters => [new("step", Minimum: 1e-12f), new("offset")];

    private int Steps => (1 << Bits) - 1;

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        float[] sorted = Samples.Sorted(sample.Values<float>());
        (float low, float high) = sorted.Length == 0 ? (0, 0) : (Math.Min(0, sorted[0]), Math.Max(0, sorted[^1]));
        (float step, float offset) = high > low ? ((high - low) / Steps, low) : (1, 0);
        float least = float.PositiveInfinity;
        var y = new float[sorted.Length];
        for (int i = 0; i < Candidates && high > low; i++)
        {
            float share = 1 - (i / (float)Candidates);
            float candidate = share * (high - low) / Steps;
            LaneMap.Map(new Snap(candidate, share * low, Steps), sorted, y);
            float error = LaneMap.Sum(default(SquaredDifference), sorted, y);
            (least, step, offset) = error < least ? (error, candidate, share * low) : (least, step, offset);
        }

        (parameters[0].Writable<float>()[0], parameters[1].Writable<float>()[0]) = (step, offset);
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
        => UniformGrid.Quantize(call.Values.Slice(begin, y.Length), Step(call), -Zero(call), Steps - Zero(call), y);

    /// <inheritdoc/>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        if (call.Context.Progress >= SnapFrom)
        {
            Harden(call, prepared, begin, y);
        }
        else
        {
            LaneMap.Map(new Snap(Step(call), Offset(call), Steps), call.Values.Slice(begin, y.Length), y);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        ReadOnlySpan<float> x = call.Values.Slice(begin, g.Length);
        if (call.Context.Progress >= SnapFrom)
        {
            UniformGrid.PassInside(x, Step(call), -Zero(call), Steps - Zero(call), g, dx);
            sums[0] += UniformGrid.StepSum(x, Step(call), -Zero(call), Steps - Zero(call), g);
            return;
        }

        LaneMap.Map(new Inside(Step(call), Offset(call), Steps), x, g, dx);
        sums[0] += LaneMap.Sum(new StepGradient(Step(call), Offset(call), Steps), x, g);
        sums[1] += LaneMap.Sum(default(Difference), g, dx);
    }

    /// <summary>Scales both gradients by 1/√(N·n).</summary>
    public override void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        double scale = 1 / Math.Sqrt((double)call.X.Shape.Count / call.X.Shape[0] * Steps);
        totals[0] *= scale;
        totals[1] *= scale;
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        var code = new CodeType(new BitWidth(Bits), false);
        return new HardForm.Uniform(AffineQuantization.PerTensor(code, IntegerRange.Unsigned(Bits), new AffineParameters(Step(call), Zero(call))));
    }

    /// <inheritdoc/>
    public override void Check() => MethodChecks.Require(SnapFrom is >= 0 and <= 1, this);

    private static float Step(MethodCall call) => call.Parameter(0)[0];

    private static float Offset(MethodCall call) => call.Parameter(1)[0];

    private int Zero(MethodCall call) => (int)Rounding.HalfToEven(Math.Clamp(-Offset(call) / (double)Step(call), 0, Steps));

    private readonly struct Snap(float step, float offset, float high) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T hi = T.Create(high);
            T u = (x - T.Create(offset)) / T.Create(step);
            u = T.Select(T.Less(u, T.Create(0)), T.Create(0), T.Select(T.Less(hi, u), hi, u));
            return (T.Round(u) * T.Create(step)) + T.Create(offset);
        }
    }

    private readonly struct Inside(float step, float offset, float high) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = (x - T.Create(offset)) / T.Create(step);
            return T.Select(T.Same(u, u), T.Less(T.Create(0), u) & T.Less(u, T.Create(high)) & g, u);
        }
    }

    private readonly struct StepGradient(float step, float offset, float high) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = (x - T.Create(offset)) / T.Create(step);
            T slope = T.Select(T.Less(T.Create(0), u), T.Select(T.Less(u, T.Create(high)), T.Round(u) - u, T.Create(high)), T.Create(0));
            return T.Select(T.Same(u, u), slope, u) * g;
        }
    }

    private readonly struct Difference : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => x - g;
    }

    private readonly struct SquaredDifference : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => (x - g) * (x - g);
    }
}
