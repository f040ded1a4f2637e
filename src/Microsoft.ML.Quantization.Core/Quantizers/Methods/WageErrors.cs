using System;
using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Errors of WAGE (Wu et al., 2018, equation 9): the gradient e of a layer's output becomes clip(σ·round(e/(Shift(max|e|)·σ)), ±(1 − σ)), σ = 2^(1−k), Shift(v) = 2^round(log₂ v), the
/// largest over the whole tensor. Its magnitude is lost on purpose: only directions are left. A gradient of nothing but zeros stays 0.
/// </summary>
public sealed record WageErrors : QuantizationMethod
{
    /// <inheritdoc/>
    public override string Name => "WAGE-E";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Gradients;

    /// <summary>2^k − 1.</summary>
    public override int LevelCount => (1 << Bits) - 1;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits];

    /// <inheritdoc/>
    public override object Prepare(MethodCall call) => FixedPoint.ShiftOf(call.Values);

    /// <summary>Values pass as they are.</summary>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y) => call.Values.Slice(begin, y.Length).CopyTo(y);

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        float shift = (float)prepared!;
        float step = FixedPoint.Step(Bits);
        FixedPoint.Quantize(g, shift > 0 ? shift * step : 1, step, FixedPoint.Top(Bits), dx);
    }

    /// <summary>Gradients have no form in the engine.</summary>
    /// <exception cref="InvalidOperationException">Always.</exception>
    public override HardForm Export(MethodCall call) => throw new InvalidOperationException($"{Name} stands on gradients, which the engine does not know.");
}
