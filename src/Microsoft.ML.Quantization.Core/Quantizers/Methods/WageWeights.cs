using System;
using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Weights of WAGE (Wu et al., 2018, equations 6, 7, 10, 11): stored on the lattice of step σ(k_G) inside ±(1 − σ(k_G)), used as clip(σ·round(w/σ), ±(1 − σ))/α with σ = 2^(1−k) and
/// α = max(Shift(1.5·σ/√(3/n)), 1), n the inputs of one output. Gradients pass unchanged. Behind a step: d = η·g/Shift(max|g|), w ← clip(w − σ(k_G)·sign(d)·(⌊|d|⌋ + Bernoulli(|d| − ⌊|d|⌋))).
/// </summary>
/// <remarks>
/// g is what the optimizer's step took away, so the optimizer must be plain gradient descent (<c>new Sgd(0)</c>) without decay, whatever its rate; its size does not count. η falls to 1/8 at two thirds
/// and again at five sixths of the run. Training begins with the weights given, stretched to ±max(√(3/n), 1.5·σ). Layers should have no bias and no batch normalization.
/// </remarks>
public sealed record WageWeights : QuantizationMethod
{
    private const float SmallestLimit = 1.5f;
    private const float LimitFactor = 3;
    private const double FirstFall = 2.0 / 3;
    private const double SecondFall = 5.0 / 6;
    private const float Fall = 1f / 8;

    /// <summary>k_G, bits of the stored weights and of updates, 2 to 12.</summary>
    public int UpdateBits { get; init; } = 8;

    /// <summary>η, a power of two.</summary>
    public float UpdateRate { get; init; } = 1;

    /// <inheritdoc/>
    public override string Name => "WAGE-W";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights;

    /// <summary>2^k − 1.</summary>
    public override int LevelCount => (1 << Bits) - 1;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, UpdateBits, UpdateRate];

    /// <inheritdoc/>
    public override bool ActsAfterStep => true;

    /// <inheritdoc/>
    public override bool NeedsPlainDescent => true;

    /// <summary>α of a layer.</summary>
    /// <param name="inputs">Inputs of one output.</param>
    public float Divisor(int inputs) => Math.Max(1, FixedPoint.Shift(SmallestLimit * FixedPoint.Step(Bits) / MathF.Sqrt(LimitFactor / inputs)));

    /// <summary>η at a place of the run.</summary>
    public float RateAt(MethodContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return UpdateRate * (context.Progress >= FirstFall ? Fall : 1) * (context.Progress >= SecondFall ? Fall : 1);
    }

    /// <inheritdoc/>
    public override Tensor FirstWeights(Tensor weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ReadOnlySpan<float> w = weights.Values<float>();
        float size = Math.Max(FloatReduction.Max(w), -FloatReduction.Min(w));
        float limit = Math.Max(MathF.Sqrt(LimitFactor / Inputs(weights.Shape)), SmallestLimit * FixedPoint.Step(Bits));
        var stretched = new float[w.Length];
        for (int i = 0; i < stretched.Length; i++)
        {
            stretched[i] = w[i] / (size > 0 ? size : 1) * limit;
        }

        FixedPoint.Quantize(stretched, FixedPoint.Step(UpdateBits), FixedPoint.Step(UpdateBits), FixedPoint.Top(UpdateBits), stretched);
        return Tensor.Create<float>(weights.Shape, stretched);
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        float step = FixedPoint.Step(Bits);
        FixedPoint.Quantize(call.Values.Slice(begin, y.Length), step, step / Divisor(Inputs(call.X.Shape)), FixedPoint.Top(Bits), y);
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums) => g.CopyTo(dx);

    /// <inheritdoc/>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        float[] stored = before.ToArray();
        (float step, int top) = (FixedPoint.Step(UpdateBits), FixedPoint.Top(UpdateBits));
        FixedPoint.Quantize(stored, step, step, top, stored);
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = before[i] - weights[i];
        }

        float shift = FixedPoint.ShiftOf(weights);
        float factor = shift > 0 ? RateAt(call.Context) / shift : 0;
        CounterRandom random = call.Random;
        for (int i = 0; i < weights.Length; i++)
        {
            float size = MathF.Abs(weights[i]) * factor;
            float whole = MathF.Floor(size);
            float codes = whole + (random.Uniform(i) < size - whole ? 1 : 0);
            weights[i] = Math.Clamp(stored[i] - (MathF.CopySign(codes, weights[i]) * step), -top * step, top * step);
        }
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        (float step, int top) = (FixedPoint.Step(Bits), FixedPoint.Top(Bits));
        var range = new IntegerRange(-top, top);
        Tensor codes = HardForms.Symmetric(Bits, true, range, [step]).Encode(call.X);
        return HardForms.OfCodes(codes, HardForms.Symmetric(Bits, true, range, [step / Divisor(Inputs(call.X.Shape))]));
    }

    /// <inheritdoc/>
    public override void Check()
    {
        if (UpdateBits is < 2 or > 12 || !(UpdateRate > 0) || !float.IsFinite(UpdateRate) || FixedPoint.Shift(UpdateRate) != UpdateRate)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"{Name}: expected 2 to 12 bits of updates and a power of two as their rate, found {UpdateBits} and {UpdateRate}."));
        }
    }

    private static int Inputs(Shape shape) => Math.Max(1, shape.Count / shape[0]);
}
