using System;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Quantizers of Group-Net (Zhuang et al., 2019), whose branches and gates are nodes of the network: weights mean|w|·sgn(w) of the layer, gradients unchanged and the scale a constant;
/// activations sgn(x) with the slope 2 − 2|x| inside [−1, 1]. Latent weights are not clipped.
/// </summary>
public sealed record GroupNet : SignMethod
{
    /// <inheritdoc/>
    public override string Name => "Group-Net";

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs([0], [LatentWeights.MeanSize(call.Values)]);

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx) => Estimator.Polynomial.Pass(x, g, dx);
}
