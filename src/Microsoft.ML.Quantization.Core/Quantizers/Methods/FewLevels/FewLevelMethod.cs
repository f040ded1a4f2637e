using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// What methods with few levels of weights share: the staircase as forward form and as codes, the gradient passed on unchanged, and latent weights kept in [−bound, bound] behind a step.
/// A method gives its table; what it changes of the rest it overrides.
/// </summary>
public abstract record FewLevelMethod : QuantizationMethod
{
    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits];

    /// <summary>False for signs.</summary>
    public override bool TakesDecay => Bits > 1;

    /// <summary>Whether weights become the signs −1 and 1 alone, so that the sums of a layer over signs are whole numbers from −n to n.</summary>
    internal virtual bool IsUnscaled => false;

    /// <inheritdoc/>
    public override bool ActsAfterStep => !float.IsPositiveInfinity(Bound(Shape.Of(1, 1)));

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call) => Table(call);

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(prepared);
        ((LevelTable)prepared).Write(call.Values.Slice(begin, y.Length), GroupAt(call, begin), y);
    }

    /// <summary>Passes g on; formulas of other methods override it.</summary>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums) => g.CopyTo(dx);

    /// <summary>w ← clip(w, −bound, bound).</summary>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        ArgumentNullException.ThrowIfNull(call);
        LatentWeights.Clip(weights, Bound(call.X.Shape));
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return Table(call).Export(call.X.Shape, call.Values);
    }

    /// <inheritdoc cref="Bound"/>
    internal float BoundOf(Shape shape) => Bound(shape);

    /// <summary>Share of latent weights that stand at the bound where they are clipped; NaN where they are not.</summary>
    internal double AtBound(Tensor weights)
    {
        float bound = Bound(weights.Shape);
        return float.IsPositiveInfinity(bound) ? double.NaN : weights.Values<float>().ToArray().Count(w => Math.Abs(w) >= bound) / (double)Math.Max(1, weights.Shape.Count);
    }

    /// <summary>The levels of weights.</summary>
    private protected abstract LevelTable Table(MethodCall call);

    /// <summary>Where latent weights of a shape are clipped; +∞ for nowhere.</summary>
    private protected virtual float Bound(Shape shape) => float.PositiveInfinity;

    /// <summary>The group of an element.</summary>
    private protected int GroupAt(MethodCall call, int index) => index / (call.X.Shape.Count / GroupsOf(call.X.Shape));

    /// <summary>One number for each group of the values.</summary>
    private protected float[] EachGroup(MethodCall call, OfGroup of)
    {
        var result = new float[GroupsOf(call.X.Shape)];
        int length = call.X.Shape.Count / result.Length;
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = of(call.Values.Slice(i * length, length));
        }

        return result;
    }

    /// <summary>A number of the values of a group.</summary>
    private protected delegate float OfGroup(ReadOnlySpan<float> group);
}
