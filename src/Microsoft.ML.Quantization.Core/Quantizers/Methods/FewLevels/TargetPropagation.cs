using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Feasible target propagation by mini-batches (Friesen and Domingos, 2018): the target of a sign is t = −sgn(g), its gradient that of a loss ℓ(x, t) of the layer. Soft hinge
/// 1 + tanh(−t·x) has the slope 1 − tanh²x, saturated hinge clip(1 − t·x, 0, 2) the slope 1[|x| ≤ 1]. Scaled by |g| that is a surrogate; unscaled, dx = sgn(g)·slope/rows.
/// </summary>
public sealed record TargetPropagation : SignMethod
{
    /// <summary>The soft hinge instead of the saturated one.</summary>
    public bool Soft { get; init; } = true;

    /// <summary>Whether only the sign of g counts.</summary>
    public bool SignOnly { get; init; }

    /// <inheritdoc/>
    public override string Name => "FTP-A";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, Soft ? 1 : 0, SignOnly ? 1 : 0];

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs([0], [1]);

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx)
    {
        if (SignOnly)
        {
            float[] targets = new float[g.Length];
            LaneMap.Map(new Direction(1f / call.X.Shape[0]), g, targets);
            g = targets;
        }

        (Soft ? Estimator.Tanh(1, 1) : Estimator.Clip()).Pass(x, g, dx);
    }

    private readonly struct Direction(float size) : ILaneFunction
    {
        public T Of<T>(T g)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(g, T.Create(0)), T.Create(-size), T.Select(T.Less(T.Create(0), g), T.Create(size), g));
    }
}
