using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Affine quantization with measured ranges (Jacob et al., 2018): activations on an asymmetric grid over a moving average of each batch's extremes, e ← e + c·(extreme − e);
/// weights on a symmetric grid over their own largest magnitude, or on an asymmetric one. Gradients pass straight through inside the range, and up to half a step beyond, which still rounds to its ends.
/// </summary>
/// <remarks>
/// For 4 bits and more, as in the paper: where a grid reaches to the extremes, 2 bits leave all but about a tenth of the weights 0, and activations below a sixth of their largest; learned steps
/// (<see cref="Lsq"/>) are for fewer. Where weights or a range are no longer finite, the result is NaN.
/// </remarks>
public sealed record Affine : QuantizationMethod
{
    /// <summary>One step an output channel instead of one for the tensor; weights only.</summary>
    public bool PerChannel { get; init; } = true;

    /// <summary>c of the moving average, in (0, 1].</summary>
    public float Coefficient { get; init; } = 0.01f;

    /// <summary>Share of the run after which ranges no longer move, in [0, 1].</summary>
    public float FreezeAt { get; init; } = 0.9f;

    /// <summary>Share of the run before which activations are measured and pass unquantized ("quantization delay"), in [0, 1].</summary>
    public float StartAt { get; init; }

    /// <summary>Whether weights of a whole tensor have a zero point over their own least and largest value, as in the paper, instead of a grid around zero; not together with <see cref="PerChannel"/>.</summary>
    public bool AsymmetricWeights { get; init; }

    /// <summary>Whether training rounds up or down by chance, in proportion to nearness (Gupta et al., 2015); evaluation takes the nearest.</summary>
    public bool Stochastic { get; init; }

    /// <inheritdoc/>
    public override string Name => "Affine";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights | QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, PerChannel ? 1 : 0, Coefficient, FreezeAt, StartAt, AsymmetricWeights ? 1 : 0, Stochastic ? 1 : 0];

    /// <summary>Lower and upper end; for weights −max and max.</summary>
    public override ImmutableArray<MethodParameter> Parameters => [new("range", 2, ParameterRole.Measured)];

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => PerChannel ? shape[0] : 1;

    /// <inheritdoc/>
    public override QuantizationMethod For(bool signed) => this with { PerChannel = false };

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        Span<float> ranges = parameters[0].Writable<float>();
        int length = sample.Shape.Count / (ranges.Length / 2);
        for (int group = 0; group < ranges.Length / 2; group++)
        {
            ReadOnlySpan<float> x = sample.Values<float>().Slice(group * length, length);
            (ranges[2 * group], ranges[(2 * group) + 1]) = (Math.Min(0, FloatReduction.Min(x)), Math.Max(0, FloatReduction.Max(x)));
        }
    }

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call) => Quantizer(call);

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        (AffineParameters p, IntegerRange range) = Group(call, prepared!, begin);
        ReadOnlySpan<float> x = call.Values.Slice(begin, y.Length);
        UniformGrid.Quantize(x, p.Scale, range.Min - p.ZeroPoint, range.Max - p.ZeroPoint, y);
    }

    /// <inheritdoc/>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        if (IsWaiting(call))
        {
            call.Values.Slice(begin, y.Length).CopyTo(y);
        }
        else if (Stochastic)
        {
            (AffineParameters p, IntegerRange range) = Group(call, prepared!, begin);
            UniformGrid.QuantizeStochastic(call.Values.Slice(begin, y.Length), p.Scale, range.Min - p.ZeroPoint, range.Max - p.ZeroPoint, call.Random, begin, y);
        }
        else
        {
            Harden(call, prepared, begin, y);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        if (IsWaiting(call))
        {
            g.CopyTo(dx);
            return;
        }

        // Half a step beyond the end codes still rounds to them, so the ends themselves pass.
        (AffineParameters p, IntegerRange range) = Group(call, prepared!, begin);
        UniformGrid.PassInside(call.Values.Slice(begin, g.Length), p.Scale, range.Min - p.ZeroPoint - 0.5f, range.Max - p.ZeroPoint + 0.5f, g, dx);
    }

    /// <inheritdoc/>
    public override float[]?[]? Measure(MethodCall call, object? prepared)
    {
        if (call.Site == QuantizerSites.Weights || call.Context.Progress >= FreezeAt)
        {
            return null;
        }

        // What is not finite never comes into a range.
        (float low, float high) = (Math.Min(0, FloatReduction.Min(call.Values)), Math.Max(0, FloatReduction.Max(call.Values)));
        if (!float.IsFinite(low) || !float.IsFinite(high))
        {
            return null;
        }

        ReadOnlySpan<float> old = call.Parameter(0);
        return [[old[0] + (Coefficient * (low - old[0])), old[1] + (Coefficient * (high - old[1]))]];
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        AffineQuantization quantizer = Quantizer(call);
        return call.Site == QuantizerSites.Weights ? HardForms.OfWeights(call.X, quantizer) : new HardForm.Uniform(quantizer);
    }

    /// <inheritdoc/>
    public override void Check() => MethodChecks.Require(
        Coefficient is > 0 and <= 1 && FreezeAt is >= 0 and <= 1 && StartAt is >= 0 and <= 1 && !(PerChannel && AsymmetricWeights), this);

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static Affine From(ImmutableArray<float> s) => new()
    {
        Bits = (int)s[0],
        PerChannel = s[1] != 0,
        Coefficient = s[2],
        FreezeAt = s[3],
        StartAt = s[4],
        AsymmetricWeights = s[5] != 0,
        Stochastic = s[6] != 0,
    };

    private bool IsWaiting(MethodCall call) => call.Site == QuantizerSites.Activations && call.Context.Progress < StartAt;

    private AffineQuantization Quantizer(MethodCall call)
    {
        if (call.Site == QuantizerSites.Weights && !AsymmetricWeights)
        {
            var range = new IntegerRange(1 - (1 << (Bits - 1)), (1 << (Bits - 1)) - 1);
            return HardForms.Symmetric(Bits, true, range, Steps(call, range));
        }

        // The lowest code of weights is left out, as in the paper: products of two narrow codes stay narrow.
        bool isWeights = call.Site == QuantizerSites.Weights;
        IntegerRange codes = isWeights ? new IntegerRange(1, (1 << Bits) - 1) : IntegerRange.Unsigned(Bits);
        (float low, float high) = isWeights ? (FloatReduction.Min(call.Values), FloatReduction.Max(call.Values)) : (call.Parameter(0)[0], call.Parameter(0)[1]);
        bool isFinite = float.IsFinite(low) && float.IsFinite(high);
        AffineParameters p = isFinite ? AffineParameters.Asymmetric(Math.Min(0, low), Math.Max(0, high), codes) : new AffineParameters(float.NaN, codes.Clamp(0));
        return AffineQuantization.PerTensor(new CodeType(new BitWidth(Bits), false), codes, p);
    }

    private float[] Steps(MethodCall call, IntegerRange range)
    {
        var steps = new float[GroupsOf(call.X.Shape)];
        int length = call.X.Shape.Count / steps.Length;
        for (int group = 0; group < steps.Length; group++)
        {
            ReadOnlySpan<float> w = call.Values.Slice(group * length, length);
            float size = Math.Max(FloatReduction.Max(w), -FloatReduction.Min(w));
            steps[group] = float.IsFinite(size) ? AffineParameters.Symmetric(size, range).Scale : float.NaN;
        }

        return steps;
    }

    private static (AffineParameters Parameters, IntegerRange Range) Group(MethodCall call, object prepared, int begin)
    {
        var quantizer = (AffineQuantization)prepared;
        return (quantizer[quantizer.Scales.Length == 1 ? 0 : begin / (call.X.Shape.Count / quantizer.Scales.Length)], quantizer.Range);
    }
}
