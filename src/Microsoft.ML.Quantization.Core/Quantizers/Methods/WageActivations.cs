using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Activations of WAGE (Wu et al., 2018, equations 6 and 8): y = clip(σ·round(x/σ), ±(1 − σ)), σ = 2^(1−k); gradients pass where |x| ≤ 1 − σ. The divisor α stands with the weights.</summary>
public sealed record WageActivations : QuantizationMethod
{
    /// <summary>Whether codes are signed; behind a rectifier only those from 0 are used.</summary>
    public bool Signed { get; init; } = true;

    /// <inheritdoc/>
    public override string Name => "WAGE-A";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <summary>2^k − 1.</summary>
    public override int LevelCount => (1 << Bits) - 1;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0];

    private int Low => Signed ? -FixedPoint.Top(Bits) : 0;

    /// <inheritdoc/>
    public override QuantizationMethod For(bool signed) => this with { Signed = signed };

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
        => UniformGrid.Quantize(call.Values.Slice(begin, y.Length), FixedPoint.Step(Bits), Low, FixedPoint.Top(Bits), y);

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        // The ends pass too.
        float end = MathF.BitIncrement(FixedPoint.Top(Bits));
        UniformGrid.PassInside(call.Values.Slice(begin, g.Length), FixedPoint.Step(Bits), -end, end, g, dx);
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
        => new HardForm.Uniform(HardForms.Symmetric(Signed ? Bits : Bits - 1, Signed, new IntegerRange(Low, FixedPoint.Top(Bits)), [FixedPoint.Step(Bits)]));
}
