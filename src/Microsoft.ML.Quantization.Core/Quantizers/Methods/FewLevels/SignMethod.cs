using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Signs of both operands. Weights are what the method's table says; activations are sgn(x) ∈ {−1, 1} with sgn(0) = 1. Activations that are never negative become {0, 1} with the step
/// at ½, that is (sgn(2x − 1) + 1)/2 up to the tie, since their signs would say nothing; the surrogate is then taken at 2x − 1.
/// </summary>
public abstract record SignMethod : FewLevelMethod
{
    /// <summary>Whether activations have both signs; where the quantizer is put into a network, the network and a sample of its values say so.</summary>
    public bool Signed { get; init; } = true;

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights | QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0];

    /// <inheritdoc/>
    public override QuantizationMethod For(bool signed) => this with { Signed = signed };

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return call.Site == QuantizerSites.Weights ? Table(call) : null;
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (call.Site == QuantizerSites.Weights)
        {
            base.Harden(call, prepared, begin, y);
            return;
        }

        ReadOnlySpan<float> x = call.Values.Slice(begin, y.Length);
        if (Signed)
        {
            LaneMap.Map(default(Sign), x, y);
        }
        else
        {
            UniformGrid.Quantize(x, 1, 0, 1, y);
        }
    }

    /// <inheritdoc/>
    public sealed override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        ArgumentNullException.ThrowIfNull(call);
        ReadOnlySpan<float> x = call.Values.Slice(begin, g.Length);
        if (call.Site == QuantizerSites.Weights)
        {
            OfWeights(call, (LevelTable)prepared!, begin, g, dx, sums);
        }
        else if (Signed)
        {
            OfActivations(call, x, g, dx);
        }
        else
        {
            LaneMap.Map(default(Centred), x, dx);
            OfActivations(call, dx, g, dx);
        }
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return call.Site == QuantizerSites.Weights
            ? base.Export(call)
            : new HardForm.Uniform(Signed ? HardForms.MidRise(1, [1]) : HardForms.Symmetric(1, false, IntegerRange.Unsigned(1), [1]));
    }

    /// <summary>The way back of a share of weights; g itself where nothing else is said.</summary>
    private protected virtual void OfWeights(MethodCall call, LevelTable table, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums) => g.CopyTo(dx);

    /// <summary>The way back of activations: dx = g · φ′(x); dx may be x.</summary>
    private protected abstract void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx);

    private readonly struct Sign : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Same(x, x), T.Select(T.Less(x, T.Create(0)), T.Create(-1), T.Create(1)), x);
    }

    private readonly struct Centred : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => (T.Create(2) * x) - T.Create(1);
    }
}
