using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Weights of "How to train a compact binary neural network with high accuracy?" (Tang et al., 2017): sgn(w), gradients where |w| ≤ 1, the regularizer (λ/2)·Σ (1 − w²), whose gradient −λ·w
/// drives weights to ±1, and the clip to [−1, 1] that it needs. Scales are left to the PReLU behind the layer.
/// </summary>
public sealed record BipolarWeights : FewLevelMethod
{
    /// <summary>λ.</summary>
    public float Pull { get; init; } = 5e-7f;

    /// <inheritdoc/>
    public override string Name => "Tang-W";

    /// <inheritdoc/>
    public override bool NeedsAdam => true;

    /// <summary>True: with running averages networks of these signs end some points lower.</summary>
    public override bool OutrunsStatistics => true;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Pull];

    /// <inheritdoc/>
    public override void Check()
    {
        if (!(Pull >= 0))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}.{nameof(Pull)}: expected from 0, found {Pull}."));
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        ReadOnlySpan<float> w = call.Values.Slice(begin, g.Length);
        Estimator.Clip().Pass(w, g, dx);
        LaneMap.Map(new Pushed(Pull), w, dx, dx);
    }

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs([0], [1]);

    private protected override float Bound(Shape shape) => 1;

    private readonly struct Pushed(float pull) : ILaneFunction2
    {
        public T Of<T>(T w, T dx)
            where T : unmanaged, ILanes<T> => dx - (T.Create(pull) * w);
    }
}
