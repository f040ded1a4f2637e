using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>Whether signs of weights have a scale of their output channel, and how it takes part in the gradient.</summary>
public enum SignScale
{
    /// <summary>None: ŵ = sgn(w), and g is passed on.</summary>
    None = 0,

    /// <summary>ŵ = α·sgn(w), α = mean|w| a constant on the way back: α·g.</summary>
    Constant = 1,

    /// <summary>ŵ = α·sgn(w) by the chain rule with signs held: α·g plus sgn(w)/n·Σ g·sgn(w) over the n weights of the channel.</summary>
    Exact = 2,
}

/// <summary>
/// "Learning to train a binary neural network" (Bethge et al., 2018), the quantizers of BMXNet: weights sgn(w) with sgn(0) = 1 whose gradients pass unchanged, wherever w stands, and which nothing clips; activations sgn(x) with
/// gradients where |x| ≤ c ("gradient cancelling"). Weights may have the scale mean|w| of their output channel, which the authors found of no use in front of batch normalization. The recipe
/// pads with −1 and has the layers' outputs as (s + n)/2 (<see cref="QuantizationAwareScheme.HasOffsets"/>); decay of such weights is 0, as of all signs.
/// </summary>
public sealed record BmxNet : SignMethod
{
    /// <summary>c, above 0.</summary>
    public float Threshold { get; init; } = 1;

    /// <summary>The scale of weights.</summary>
    public SignScale Scale { get; init; }

    /// <inheritdoc/>
    public override string Name => "BMXNet";

    /// <summary>True: the authors train by Adam, since weights without a scale, or with one far below 1 in their gradient, tell nothing about the length of a step.</summary>
    public override bool NeedsAdam => true;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, Threshold, (float)Scale];

    /// <summary>Σ g·sgn(w) of a channel, where the gradient of scales is exact.</summary>
    public override int ExtraSums => Scale == SignScale.Exact ? 1 : 0;

    /// <inheritdoc/>
    internal override bool IsUnscaled => Scale == SignScale.None;

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => Scale == SignScale.None ? 1 : shape[0];

    /// <inheritdoc/>
    public override void Check()
    {
        if (!(Threshold > 0) || !float.IsFinite(Threshold) || !Enum.IsDefined(Scale))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}: expected {nameof(Threshold)} above 0 and a known {nameof(Scale)}, found {Threshold} and {(int)Scale}."));
        }
    }

    /// <inheritdoc/>
    public override void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        if (call.Site == QuantizerSites.Weights && Scale == SignScale.Exact)
        {
            ScalePath.Add(call.Values, dx, totals);
        }
    }

    private protected override LevelTable Table(MethodCall call)
        => Scale == SignScale.None ? LevelTable.Signs([0], [1]) : LevelTable.Signs(new float[GroupsOf(call.X.Shape)], EachGroup(call, LatentWeights.MeanSize));

    private protected override void OfWeights(MethodCall call, LevelTable table, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        if (Scale == SignScale.None)
        {
            g.CopyTo(dx);
            return;
        }

        Estimator.Identity.Pass(call.Values.Slice(begin, g.Length), g, dx, factor: table.Scale(0, GroupAt(call, begin)));
        if (Scale == SignScale.Exact)
        {
            sums[0] += ScalePath.Sum(call.Values.Slice(begin, g.Length), g);
        }
    }

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx) => Estimator.Clip(Threshold).Pass(x, g, dx);
}
