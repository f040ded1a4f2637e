using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Where the step of <see cref="Lsq"/> begins; numbers are stored in files and never change.</summary>
public enum LsqStart
{
    /// <summary>2·mean|x|/√QP (Esser et al., 2020).</summary>
    MeanSize = 0,

    /// <summary>max(|μ − 3σ|, |μ + 3σ|)/2^(k−1), over 2^k where codes are unsigned (Bhalgat et al., 2020, for weights).</summary>
    ThreeDeviations = 1,
}

/// <summary>
/// Learned step size (Esser et al., 2020): y = s·round(clamp(x/s, −QN, QP)), s learned with ∂y/∂s = round(u) − u inside and −QN, QP outside, times 1/√(N·QP).
/// N is the number of weights of a group, or of features of an activation. Weights are signed; activations as they are.
/// </summary>
public sealed record Lsq : QuantizationMethod
{
    private const int FewSettings = 6;

    // Beyond, gradients of values far from their level would turn round.
    private const float MostScaling = 2;

    /// <summary>Whether codes are signed; unsigned for activations behind a rectifier.</summary>
    public bool Signed { get; init; } = true;

    /// <summary>One step an output channel instead of one for the tensor; weights only.</summary>
    public bool PerChannel { get; init; }

    /// <summary>Whether the range is symmetric (QN = QP), so that 2 bits are ternary.</summary>
    public bool Narrow { get; init; }

    /// <summary>Where the step begins.</summary>
    public LsqStart Start { get; init; }

    /// <summary>Whether gradients of steps are scaled; optimizers with steps of one size do not see it.</summary>
    public bool ScalesGradient { get; init; } = true;

    /// <summary>
    /// δ in [0, 2] of element-wise gradient scaling (EWGS; Lee et al., 2021): ∂loss/∂x = g·(1 + δ·sign(g)·(u − round(u))) inside, u = x/s, so that values move faster to a level they have
    /// left than away from it; 0, the default, for the plain estimator. Steps of a grid are the unit of u; a few thousandths to hundredths are usual.
    /// </summary>
    public float GradientScaling { get; init; }

    /// <inheritdoc/>
    public override string Name => "LSQ";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights | QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, PerChannel ? 1 : 0, Narrow ? 1 : 0, (float)Start, ScalesGradient ? 1 : 0, .. GradientScaling == 0 ? [] : new[] { GradientScaling }];

    /// <inheritdoc/>
    public override ImmutableArray<MethodParameter> Parameters => [new("step", Minimum: 1e-12f)];

    private IntegerRange Range => !Signed ? IntegerRange.Unsigned(Bits) : Narrow ? new IntegerRange(1 - (1 << (Bits - 1)), (1 << (Bits - 1)) - 1) : IntegerRange.Signed(Bits);

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => PerChannel ? shape[0] : 1;

    /// <inheritdoc/>
    public override QuantizationMethod For(bool signed) => this with { Signed = signed, PerChannel = false };

    /// <summary>s₀ as <see cref="Start"/> says; 1/√QP for zeros.</summary>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        Span<float> steps = parameters[0].Writable<float>();
        ReadOnlySpan<float> x = sample.Values<float>();
        int length = x.Length / steps.Length;
        for (int group = 0; group < steps.Length; group++)
        {
            double step = First(x.Slice(group * length, length));
            steps[group] = (float)(step > 0 ? step : 1 / Math.Sqrt(Range.Max));
        }
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
        => UniformGrid.Quantize(call.Values[begin..], Step(call, begin), Range.Min, Range.Max, y);

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        float step = Step(call, begin);
        ReadOnlySpan<float> x = call.Values.Slice(begin, g.Length);
        UniformGrid.PassInside(x, step, Range.Min, Range.Max, g, dx);
        if (GradientScaling != 0)
        {
            UniformGrid.ScaleByDistance(x, step, GradientScaling, dx);
        }

        sums[0] += UniformGrid.StepSum(x, step, Range.Min, Range.Max, g);
    }

    /// <summary>Scales the gradients of the steps by 1/√(N·QP).</summary>
    public override void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        if (!ScalesGradient)
        {
            return;
        }

        // Activations count the features of one row; weights everything that shares the step and is not pruned.
        int features = call.Site == QuantizerSites.Weights ? Math.Max(1, call.Survivors / totals.Length) : call.X.Shape.Count / call.X.Shape[0];
        double scale = 1 / Math.Sqrt((double)features * Range.Max);
        for (int i = 0; i < totals.Length; i++)
        {
            totals[i] *= scale;
        }
    }

    /// <inheritdoc/>
    public override void Check() => MethodChecks.Require(Enum.IsDefined(Start) && GradientScaling is >= 0 and <= MostScaling, this);

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        AffineQuantization quantizer = HardForms.Symmetric(Bits, Signed, Range, call.Parameter(0));
        return call.Site == QuantizerSites.Weights ? HardForms.OfWeights(call.X, quantizer) : new HardForm.Uniform(quantizer);
    }

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static Lsq From(ImmutableArray<float> s) => s.Length <= FewSettings + 1
        ? new()
        {
            Bits = (int)s[0],
            Signed = s[1] != 0,
            PerChannel = s[2] != 0,
            Narrow = s[3] != 0,
            Start = (LsqStart)s[4],
            ScalesGradient = s[5] != 0,
            GradientScaling = s.Length > FewSettings ? s[FewSettings] : 0,
        }
        : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method 'LSQ': expected {FewSettings} or {FewSettings + 1} numbers, found {s.Length}.");

    private double First(ReadOnlySpan<float> x)
    {
        if (Start == LsqStart.MeanSize)
        {
            return 2 * (FloatReduction.SumAbsolute(x) / (double)x.Length) / Math.Sqrt(Range.Max);
        }

        float mean = FloatReduction.Sum(x) / x.Length;
        double deviation = Math.Sqrt(FloatReduction.SumSquaredDifferences(x, mean) / (double)x.Length);
        return (Math.Abs(mean) + (3 * deviation)) / (1 << (Signed ? Bits - 1 : Bits));
    }

    private static float Step(MethodCall call, int begin)
    {
        ReadOnlySpan<float> steps = call.Parameter(0);
        return steps[steps.Length == 1 ? 0 : begin / (call.X.Shape.Count / steps.Length)];
    }
}
