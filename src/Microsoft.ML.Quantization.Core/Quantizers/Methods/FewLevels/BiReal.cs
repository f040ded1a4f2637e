using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Bi-Real Net (Liu et al., 2018), also the quantizers of ReActNet (Liu et al., 2020), whose shifts are nodes of the network: weights mean|w|·sgn(w) of the output channel, the scale a constant on
/// the way back, g·1[|w| ≤ 1], times the scale where magnitude aware (the paper; its code leaves it out); activations sgn(x) with the slope 2 − 2|x| inside [−1, 1]. Latent weights are not clipped.
/// </summary>
public sealed record BiReal : SignMethod
{
    /// <summary>Whether the gradient of weights is multiplied by their scale.</summary>
    public bool MagnitudeAware { get; init; }

    /// <inheritdoc/>
    public override string Name => "Bi-Real";

    /// <inheritdoc/>
    public override bool NeedsAdam => MagnitudeAware;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, MagnitudeAware ? 1 : 0];

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => shape[0];

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs(new float[GroupsOf(call.X.Shape)], EachGroup(call, LatentWeights.MeanSize));

    private protected override void OfWeights(MethodCall call, LevelTable table, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => Estimator.Clip().Pass(call.Values.Slice(begin, g.Length), g, dx, factor: MagnitudeAware ? table.Scale(0, GroupAt(call, begin)) : 1);

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx) => Estimator.Polynomial.Pass(x, g, dx);
}
