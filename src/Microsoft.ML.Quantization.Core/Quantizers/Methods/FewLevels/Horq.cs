using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Activations of HORQ (Li et al., 2017), also the multiple binarization of Tang et al. (2017): r₀ = x, H_k = sgn(r_{k−1}), r_k = r_{k−1} − β_k·H_k, y = Σ β_k·H_k, with gradients where |x| ≤ 1.
/// β_k = mean|r_{k−1}| is a moving average of the batches, of the tensor, so that training and inference share it (the paper takes it of each patch). No β is larger than what is
/// left of the one before it, so that levels ascend with x. Bits are K.
/// </summary>
public sealed record Horq : StairMethod
{
    /// <summary>Weight of a batch in the moving average, in (0, 1].</summary>
    public float Coefficient { get; init; } = 0.1f;

    /// <inheritdoc/>
    public override string Name => "HORQ-A";

    /// <summary>True: behind a rectifier the first sign would always be the same.</summary>
    public override bool IsNonlinearity => true;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Coefficient];

    /// <inheritdoc/>
    public override ImmutableArray<MethodParameter> Parameters => [new("scale", Bits, ParameterRole.Measured)];

    /// <inheritdoc/>
    public override void Check()
    {
        if (Coefficient is not (> 0 and <= 1))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}.{nameof(Coefficient)}: expected in (0, 1], found {Coefficient}."));
        }
    }

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters) => Orders(sample.Values<float>(), Bits).CopyTo(parameters[0].Writable<float>());

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => Estimator.Clip().Pass(call.Values.Slice(begin, g.Length), g, dx);

    /// <inheritdoc/>
    public override float[]?[]? Measure(MethodCall call, object? prepared)
    {
        float[] moved = Orders(call.Values, Bits);
        for (int k = 0; k < Bits; k++)
        {
            float old = call.Parameter(0)[k];
            moved[k] = old + (Coefficient * (moved[k] - old));
        }

        return [moved];
    }

    /// <summary>β of each order: mean sizes of the residuals.</summary>
    internal static float[] Orders(ReadOnlySpan<float> x, int orders)
    {
        float[] residual = x.ToArray();
        float[] scales = new float[orders];
        for (int k = 0; k < orders; k++)
        {
            scales[k] = LatentWeights.MeanSize(residual);
            LaneMap.Map(new Rest(scales[k]), residual, residual);
        }

        return scales;
    }

    private protected override Stairs Steps(MethodCall call)
    {
        float[] scales = Nested(call.Parameter(0));
        float[] levels = new float[1 << Bits];
        float[] thresholds = new float[levels.Length - 1];
        for (int l = 0; l < levels.Length; l++)
        {
            for (int k = 0; k < Bits; k++)
            {
                levels[l] += ((l >> (Bits - 1 - k)) & 1) == 1 ? scales[k] : -scales[k];
            }
        }

        for (int t = 0; t < thresholds.Length; t++)
        {
            // Threshold t lies where the lowest set bit of t + 1 decides; the bits above it have been decided.
            int place = t + 1;
            for (int k = 0; (place & ((1 << (Bits - k)) - 1)) != 1 << (Bits - 1 - k); k++)
            {
                thresholds[t] += ((place >> (Bits - 1 - k)) & 1) == 1 ? scales[k] : -scales[k];
            }
        }

        return Stairs.Ascending(thresholds, levels);
    }

    private static float[] Nested(ReadOnlySpan<float> scales)
    {
        float[] result = scales.ToArray();
        float left = float.PositiveInfinity;
        for (int k = 0; k < result.Length; k++)
        {
            result[k] = Math.Max(Math.Min(result[k], left), LevelTable.SmallestScale);
            left = k == 0 ? result[0] : left - result[k];
        }

        return result;
    }

    private readonly struct Rest(float scale) : ILaneFunction
    {
        public T Of<T>(T r)
            where T : unmanaged, ILanes<T> => r - T.Select(T.Less(r, T.Create(0)), T.Create(-scale), T.Create(scale));
    }
}
