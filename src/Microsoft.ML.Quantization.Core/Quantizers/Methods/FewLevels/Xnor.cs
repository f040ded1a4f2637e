using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>How the gradient of α·sgn(w), α = mean|w|, is taken.</summary>
public enum ScaleGradient
{
    /// <summary>α is a constant: α·g·1[|w| ≤ 1].</summary>
    Constant = 0,

    /// <summary>As in the paper, equation 11: g·(1/n + α·1[|w| ≤ 1]); cross terms are dropped.</summary>
    Paper = 1,

    /// <summary>The chain rule with signs held: the constant form plus sgn(w)/n·Σ g·sgn(w).</summary>
    Exact = 2,

    /// <summary>Straight through code and scale alike: g itself, wherever w stands, as TBN has it.</summary>
    Unchanged = 3,
}

/// <summary>
/// XNOR-Net and its binary-weight network (Rastegari et al., 2016): ŵ = α·sgn(w), α = mean|w| of the output channel, the nearest of this form to w. XNOR-Net subtracts from the latent weights
/// their mean over input channels and clips them to [−1, 1] behind each step; its activations are sgn(x) with gradients where |x| ≤ 1 and no scale. Weights of TBN (Wan et al., 2018) have the same levels,
/// <see cref="ScaleGradient.Unchanged"/>, and nothing that changes them behind a step (<see cref="LeavesLatent"/>); the recipe TBN has them so.
/// </summary>
public sealed record Xnor : SignMethod
{
    private const int ExactSums = 1;
    private const int FewSettings = 3;

    /// <summary>The network whose activations stay real; it stands under the name BWN.</summary>
    public bool WeightsOnly { get; init; }

    /// <summary>The way back through α.</summary>
    public ScaleGradient Gradient { get; init; }

    /// <summary>Whether latent weights stay as the optimizer leaves them, neither centred nor clipped.</summary>
    public bool LeavesLatent { get; init; }

    /// <inheritdoc/>
    public override string Name => WeightsOnly ? "BWN" : "XNOR";

    /// <inheritdoc/>
    public override QuantizerSites Sites => WeightsOnly ? QuantizerSites.Weights : base.Sites;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => LeavesLatent ? [Bits, Signed ? 1 : 0, (int)Gradient, 1] : [Bits, Signed ? 1 : 0, (int)Gradient];

    /// <summary>True: α multiplies the gradient, and is far below 1. Where it does not (TBN), the authors use Adam all the same.</summary>
    public override bool NeedsAdam => true;

    /// <summary>Σ g·sgn(w) of a channel.</summary>
    public override int ExtraSums => ExactSums;

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => shape[0];

    /// <inheritdoc/>
    public override void Check()
    {
        if (!Enum.IsDefined(Gradient))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}.{nameof(Gradient)}: expected a known way back, found {(int)Gradient}."));
        }
    }

    /// <inheritdoc/>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        if (!LeavesLatent)
        {
            LatentWeights.Centre(call.X.Shape, weights);
            base.AfterStep(call, before, weights);
        }
    }

    /// <inheritdoc/>
    public override void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        if (call.Site != QuantizerSites.Weights || Gradient != ScaleGradient.Exact)
        {
            return;
        }

        ScalePath.Add(call.Values, dx, totals);
    }

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static Xnor From(ImmutableArray<float> s, bool weightsOnly) => s.Length <= FewSettings + 1
        ? new Xnor { Bits = (int)s[0], WeightsOnly = weightsOnly, Signed = s[1] != 0, Gradient = (ScaleGradient)s[2], LeavesLatent = s.Length > FewSettings && s[FewSettings] != 0 }
        : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method '{(weightsOnly ? "BWN" : "XNOR")}': expected {FewSettings} or {FewSettings + 1} numbers, found {s.Length}.");

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs(new float[GroupsOf(call.X.Shape)], EachGroup(call, LatentWeights.MeanSize));

    private protected override float Bound(Shape shape) => LeavesLatent ? float.PositiveInfinity : 1;

    private protected override void OfWeights(MethodCall call, LevelTable table, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        if (Gradient == ScaleGradient.Unchanged)
        {
            g.CopyTo(dx);
            return;
        }

        ReadOnlySpan<float> w = call.Values.Slice(begin, g.Length);
        Estimator.Clip().Pass(w, g, dx, factor: table.Scale(0, GroupAt(call, begin)));
        if (Gradient == ScaleGradient.Paper)
        {
            LaneMap.Map(new Added((float)GroupsOf(call.X.Shape) / call.X.Shape.Count), dx, g, dx);
        }
        else if (Gradient == ScaleGradient.Exact)
        {
            sums[0] += ScalePath.Sum(w, g);
        }
    }

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx) => Estimator.Clip().Pass(x, g, dx);

    private readonly struct Added(float factor) : ILaneFunction2
    {
        public T Of<T>(T dx, T g)
            where T : unmanaged, ILanes<T> => dx + (T.Create(factor) * g);
    }
}
