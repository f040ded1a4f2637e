using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// BinaryConnect (Courbariaux et al., 2015): ŵ = H·sgn(w), or in training H with probability clip((w/H + 1)/2, 0, 1) and −H otherwise. Gradients pass unchanged, and w is clipped to [−H, H]
/// behind the step. H = 1, the step then being longer by 1/√(1.5/(inputs + outputs)); or H = √(1.5/(inputs + outputs)). Evaluation always takes the signs: measure the statistics of batch
/// normalization anew where training was stochastic.
/// </summary>
public sealed record BinaryConnect : FewLevelMethod
{
    /// <summary>Whether training draws signs.</summary>
    public bool Stochastic { get; init; }

    /// <summary>Whether H follows from the layer's size; otherwise it is 1.</summary>
    public bool Glorot { get; init; }

    /// <summary>Whether steps are longer where H = 1, as the authors do with Adam.</summary>
    public bool StretchSteps { get; init; } = true;

    /// <inheritdoc/>
    public override string Name => "BinaryConnect";

    /// <inheritdoc/>
    public override bool TrainsWithNoise => Stochastic;

    /// <summary>True where steps are stretched: that is meant for Adam's (plain gradient descent would need the square of the factor).</summary>
    public override bool NeedsAdam => StretchSteps && !Glorot;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Stochastic ? 1 : 0, Glorot ? 1 : 0, StretchSteps ? 1 : 0];

    /// <inheritdoc/>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        if (!Stochastic)
        {
            Harden(call, prepared, begin, y);
            return;
        }

        float h = Bound(call.X.Shape);
        ReadOnlySpan<float> w = call.Values.Slice(begin, y.Length);
        CounterRandom random = call.Random;
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = float.IsNaN(w[i]) ? w[i] : random.Uniform(begin + i) < Probability(w[i], h) ? h : -h;
        }
    }

    /// <inheritdoc/>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        if (StretchSteps && !Glorot)
        {
            LatentWeights.Stretch(before, weights, 1 / LatentWeights.Glorot(call.X.Shape));
        }

        base.AfterStep(call, before, weights);
    }

    /// <summary>clip((w/H + 1)/2, 0, 1).</summary>
    internal static float Probability(float w, float h) => Math.Clamp(((w / h) + 1) * 0.5f, 0, 1);

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs([0], [Bound(call.X.Shape)]);

    private protected override float Bound(Shape shape) => Glorot ? LatentWeights.Glorot(shape) : 1;
}
