using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Loss-aware ternary weights with two scales (Hou and Kwok, 2018, "LAT2"): the problem of <see cref="LossAware"/> solved separately, and exactly, for the positive and the negative weights of
/// a layer; ŵ = α₊ where w &gt; α₊/2, −α₋ where w &lt; −α₋/2, else 0. It sorts at each step. Two planes, {0, 1} and {−1, 0}.
/// </summary>
public sealed record LossAwareTwo : FewLevelMethod
{
    /// <inheritdoc/>
    public override string Name => "LAT2";

    /// <inheritdoc/>
    public override bool NeedsAdam => true;

    /// <summary>−α₋, 0, α₊.</summary>
    public override int LevelCount => 3;

    /// <inheritdoc/>
    public override ImmutableArray<MethodParameter> Parameters => [new("positive", Role: ParameterRole.Measured), new("negative", Role: ParameterRole.Measured)];

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters) => Solve(sample.Values<float>(), [], parameters);

    /// <inheritdoc/>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        base.AfterStep(call, before, weights);
        Solve(weights, LossAware.Weights(call), call.Parameters);
    }

    private protected override LevelTable Table(MethodCall call)
    {
        (float above, float below) = (call.Parameter(0)[0], call.Parameter(1)[0]);
        return new([-below / 2, MathF.BitIncrement(above / 2)], LevelPlane.Half(false, [0, 0, 1], [above]), LevelPlane.Half(true, [-1, 0, 0], [below]));
    }

    private protected override float Bound(Shape shape) => 1;

    private static void Solve(ReadOnlySpan<float> weights, ReadOnlySpan<float> d, Tensor[] parameters)
    {
        // A zero of either side changes nothing: it adds to neither sum while its level is 0.
        float[] side = new float[weights.Length];
        for (int sign = 0; sign < 2; sign++)
        {
            for (int i = 0; i < side.Length; i++)
            {
                side[i] = Math.Max(0, sign == 0 ? weights[i] : -weights[i]);
            }

            parameters[sign].Writable<float>()[0] = Math.Max(ScaledLevels.Solve(side, d, [0, 1]), LevelTable.SmallestScale);
        }
    }
}
