using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Continuation without a surrogate (HashNet, Cao et al., 2017): training uses tanh(β·x) with its exact derivative β·(1 − y²), evaluation sgn(x), and β grows so that both come together:
/// β = √(1 + growth·steps), taken anew every so many steps; or, where <see cref="Final"/> is set, β = final^(share of the run). Never clipped.
/// </summary>
public sealed record HashNet : SignMethod
{
    /// <summary>Growth of β² a step.</summary>
    public float Growth { get; init; } = 0.005f;

    /// <summary>Steps for which β stays.</summary>
    public int Every { get; init; } = 200;

    /// <summary>β at the end of the run, above 1; 0 for the square root of the steps.</summary>
    public float Final { get; init; }

    /// <inheritdoc/>
    public override string Name => "HashNet";

    /// <summary>True: batch normalizations see soft signs.</summary>
    public override bool TrainsWithNoise => true;

    /// <summary>The weights in units of their mean size: β counts from there, and at weights of the size that networks have tanh(β·w) would stay a straight line for hundreds of thousands of steps.</summary>
    public override Tensor? FirstWeights(Tensor weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        float size = LatentWeights.MeanSize(weights.Values<float>());
        if (!(size > 0) || !float.IsFinite(size))
        {
            return null;
        }

        Tensor result = Tensor.Allocate(ElementType.Float32, weights.Shape);
        LaneMap.Map(new InUnits(size), weights.Values<float>(), result.Writable<float>());
        return result;
    }

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, Growth, Every, Final];

    /// <inheritdoc/>
    public override void Check()
    {
        if (!(Growth > 0) || Every < 1 || (Final != 0 && !(Final > 1)))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                FormattableString.Invariant($"{Name}: expected {nameof(Growth)} above 0, {nameof(Every)} from 1 and {nameof(Final)} 0 or above 1, found {Growth}, {Every} and {Final}."));
        }
    }

    /// <inheritdoc/>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y)
        => LaneMap.Map(new Soft(Sharpness(call.Context), call.Site != QuantizerSites.Weights && !Signed), call.Values.Slice(begin, y.Length), y);

    /// <summary>β at a place in the run.</summary>
    internal float Sharpness(MethodContext context) => Final == 0
        ? (float)Math.Sqrt(1 + (Growth * (double)(context.Step / Every * Every)))
        : FloatMath.Exp((float)(FloatMath.Log(Final) * context.Progress));

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs([0], [1]);

    private protected override void OfWeights(MethodCall call, LevelTable table, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => OfActivations(call, call.Values.Slice(begin, g.Length), g, dx);

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx)
    {
        // β is never below 1, so that the estimator's own factor is 1.
        float beta = Sharpness(call.Context);
        Estimator.Tanh(beta, beta).Pass(x, g, dx);
    }

    private readonly struct InUnits(float unit) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x / T.Create(unit);
    }

    private readonly struct Soft(float beta, bool isHalf) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T y = FloatMath.Tanh(T.Create(beta) * (isHalf ? (T.Create(2) * x) - T.Create(1) : x));
            return isHalf ? (y + T.Create(1)) * T.Create(0.5f) : y;
        }
    }
}
