using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Activations of HORQ (Li et al., 2017), also the multiple binarization of Tang et al. (2017): r₀ = x, H_k = sgn(r_{k−1}), r_k = r_{k−1} − β_k·H_k, y = Σ β_k·H_k.
/// Gradients pass the sum where |x| ≤ 1, or each order on its own, dx = g·Σ β_k·1[|r_{k−1}| ≤ 1] (<see cref="PerOrder"/>), which at one order is that of a scaled sign, XNOR-Net's; the recipe HORQ has it so.
/// β_k = mean|r_{k−1}| is a moving average of the batches, of the tensor, so that training and inference share it (the paper takes it of each patch). No β is larger than what is
/// left of the one before it, so that levels ascend with x. Or β are learned (<see cref="LearnsScales"/>; Tang et al. leave both open), from the means of a sample: dβ_k = Σ g·H_k over the whole tensor, as if that bound were not there. Bits are K.
/// </summary>
public sealed record Horq : StairMethod
{
    private const int FewSettings = 2;

    // The third setting: flags, since one of them was a number of its own before there was the other.
    private const int PerOrderFlag = 1;
    private const int LearnsFlag = 2;

    /// <summary>Weight of a batch in the moving average, in (0, 1].</summary>
    public float Coefficient { get; init; } = 0.1f;

    /// <summary>Whether each order has a gradient of its own, β constant: dx = g·Σ β_k·1[|r_{k−1}| ≤ 1].</summary>
    public bool PerOrder { get; init; }

    /// <summary>Whether the optimizer changes β, not the moving average; <see cref="Coefficient"/> then says nothing.</summary>
    public bool LearnsScales { get; init; }

    /// <inheritdoc/>
    public override string Name => "HORQ-A";

    /// <summary>True: behind a rectifier the first sign would always be the same.</summary>
    public override bool IsNonlinearity => true;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => PerOrder || LearnsScales ? [Bits, Coefficient, Flags] : [Bits, Coefficient];

    /// <inheritdoc/>
    public override ImmutableArray<MethodParameter> Parameters => LearnsScales ? [new("scale", Bits, Minimum: LevelTable.SmallestScale)] : [new("scale", Bits, ParameterRole.Measured)];

    private int Flags => (PerOrder ? PerOrderFlag : 0) + (LearnsScales ? LearnsFlag : 0);

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
    {
        ReadOnlySpan<float> x = call.Values.Slice(begin, g.Length);
        if (PerOrder)
        {
            LaneMap.Map(new EachOrder(Nested(call.Parameter(0))), x, g, dx);
        }
        else
        {
            Estimator.Clip().Pass(x, g, dx);
        }

        for (int k = 0; k < Bits && LearnsScales; k++)
        {
            sums[k] += LaneMap.Sum(new OrderTerm(Nested(call.Parameter(0)), k), x, g);
        }
    }

    /// <inheritdoc/>
    public override float[]?[]? Measure(MethodCall call, object? prepared)
    {
        if (LearnsScales)
        {
            return null;
        }

        float[] moved = Orders(call.Values, Bits);
        for (int k = 0; k < Bits; k++)
        {
            float old = call.Parameter(0)[k];
            moved[k] = old + (Coefficient * (moved[k] - old));
        }

        return [moved];
    }

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static Horq From(ImmutableArray<float> s) => s.Length <= FewSettings + 1
        ? new Horq { Bits = (int)s[0], Coefficient = s[1], PerOrder = (FlagsOf(s) & PerOrderFlag) != 0, LearnsScales = (FlagsOf(s) & LearnsFlag) != 0 }
        : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method 'HORQ-A': expected {FewSettings} or {FewSettings + 1} numbers, found {s.Length}.");

    private static int FlagsOf(ImmutableArray<float> s) => s.Length > FewSettings ? (int)s[FewSettings] : 0;

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
            left = k == 0 ? result[0] : Math.Min(result[k], left - result[k]);
        }

        return result;
    }

    private readonly struct Rest(float scale) : ILaneFunction
    {
        public T Of<T>(T r)
            where T : unmanaged, ILanes<T> => r - T.Select(T.Less(r, T.Create(0)), T.Create(-scale), T.Create(scale));
    }

    /// <summary>g·H of one order.</summary>
    private readonly struct OrderTerm(float[] scales, int order) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T r = x;
            for (int k = 0; k < order; k++)
            {
                r = new Rest(scales[k]).Of(r);
            }

            return T.Select(T.Less(r, T.Create(0)), T.Create(0) - g, g);
        }
    }

    private readonly struct EachOrder(float[] scales) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T r = x;
            T slope = T.Create(0);
            foreach (float scale in scales)
            {
                slope += T.Select(T.Less(T.Create(1), r & T.CreateInt(int.MaxValue)), T.Create(0), T.Create(scale));
                r = new Rest(scale).Of(r);
            }

            return T.OrNan(x, g * slope);
        }
    }
}
