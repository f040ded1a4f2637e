using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Stochastic rounding of gradients (after Gupta et al., 2015), each row of the batch by itself, on a grid with zero: u = g·n/max|g|, n = 2^(k−1) − 1, g' = (floor(u) + [r &lt; u − floor(u)])·max|g|/n.
/// The expectation of g' is g; zeros stay zeros.
/// </summary>
public sealed record StochasticGradients : QuantizationMethod
{
    /// <inheritdoc/>
    public override string Name => "SR-G";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Gradients;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits];

    private int Steps => (1 << (Bits - 1)) - 1;

    /// <summary>Each row of the batch.</summary>
    public override int GroupsOf(Shape shape) => shape[0];

    /// <inheritdoc/>
    public override object Prepare(MethodCall call) => GradientRows.Sizes(call);

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y) => call.Values.Slice(begin, y.Length).CopyTo(y);

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        float step = GradientRows.Size(call, prepared!, begin) / Steps;
        UniformGrid.QuantizeStochastic(g, step > 0 ? step : 1, -Steps, Steps, call.Random, begin, dx);
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call) => throw GradientRows.HasNoHardForm(this);
}
