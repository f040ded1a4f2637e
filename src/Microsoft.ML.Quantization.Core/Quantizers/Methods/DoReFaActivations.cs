using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Activations of DoReFa-Net (Zhou et al., 2016, equation 11): y = round(n·clip(x, 0, 1))/n, n = 2^k − 1; gradients pass inside (0, 1).</summary>
public sealed record DoReFaActivations : QuantizationMethod
{
    /// <inheritdoc/>
    public override string Name => "DoReFa-A";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits];

    private int Steps => (1 << Bits) - 1;

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
        => UniformGrid.Quantize(call.Values.Slice(begin, y.Length), 1f / Steps, 0, Steps, y);

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => UniformGrid.PassInside(call.Values.Slice(begin, g.Length), 1f, 0, 1, g, dx);

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
        => new HardForm.Uniform(HardForms.Symmetric(Bits, false, IntegerRange.Unsigned(Bits), [1f / Steps]));
}
