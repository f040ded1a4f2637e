using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Binarized neural networks (Hubara et al., 2016): weights sgn(w) with gradients unchanged, clipped to [−c, c] behind the step; activations sgn(x) with gradients where |x| ≤ c, or by another
/// estimator. With <c>Estimator.Clip(1.3)</c> and without longer steps this is the quantizer of ResNetE and BinaryDenseNet (Bethge et al., 2019), with <c>Estimator.Swish(5)</c> that of BNN+.
/// </summary>
public sealed record Bnn : SignMethod
{
    /// <summary>The derivative of activations; its bound, where it has one, is c, else c = 1.</summary>
    public Estimator Slope { get; init; } = Estimator.Clip();

    /// <summary>Whether steps of weights are longer by 1/√(1.5/(inputs + outputs)).</summary>
    public bool StretchSteps { get; init; } = true;

    /// <summary>Whether training draws activations: 1 with probability clip((x + 1)/2, 0, 1).</summary>
    public bool Stochastic { get; init; }

    /// <inheritdoc/>
    public override string Name => "BNN";

    /// <inheritdoc/>
    public override bool TrainsWithNoise => Stochastic;

    /// <inheritdoc/>
    internal override bool IsUnscaled => true;

    /// <summary>True: signs have no scale, and longer steps are meant for Adam's (plain gradient descent would need the square of their factor).</summary>
    public override bool NeedsAdam => true;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, StretchSteps ? 1 : 0, Stochastic ? 1 : 0, .. Slope.Settings];

    /// <inheritdoc/>
    public override void Check() => Slope.Check();

    /// <inheritdoc/>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        if (!Stochastic || call.Site == QuantizerSites.Weights)
        {
            Harden(call, prepared, begin, y);
            return;
        }

        ReadOnlySpan<float> x = call.Values.Slice(begin, y.Length);
        CounterRandom random = call.Random;
        for (int i = 0; i < y.Length; i++)
        {
            float p = Signed ? BinaryConnect.Probability(x[i], 1) : Math.Clamp(x[i], 0, 1);
            y[i] = float.IsNaN(x[i]) ? x[i] : random.Uniform(begin + i) < p ? 1 : Signed ? -1 : 0;
        }
    }

    /// <inheritdoc/>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        if (StretchSteps)
        {
            LatentWeights.Stretch(before, weights, 1 / LatentWeights.Glorot(call.X.Shape));
        }

        base.AfterStep(call, before, weights);
    }

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs([0], [1]);

    private protected override float Bound(Shape shape) => float.IsFinite(Slope.Bound) ? Slope.Bound : 1;

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx) => Slope.At(call.Context).Pass(x, g, dx);
}
