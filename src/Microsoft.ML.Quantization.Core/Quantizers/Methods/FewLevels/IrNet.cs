using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// IR-Net (Qin et al., 2020). Libra: z = (w − mean)/std of the output channel (n − 1), ŵ = 2^round(log2 mean|z|)·sgn(z). EDE: both signs have the slope k·t·(1 − tanh²(t·x)),
/// t = 10^(low + (high − low)·share of the run), k = max(1/t, 1); the gradient of weights also flows through the standardization, the scale being a constant.
/// </summary>
public sealed record IrNet : SignMethod
{
    private const int StandardizationSums = 2;

    /// <summary>log10 of t at the beginning.</summary>
    public float Low { get; init; } = -3;

    /// <summary>log10 of t at the end.</summary>
    public float High { get; init; } = 1;

    /// <inheritdoc/>
    public override string Name => "IR-Net";

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, Low, High];

    /// <summary>Σ dz and Σ dz·z of a channel.</summary>
    public override int ExtraSums => StandardizationSums;

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => shape[0];

    /// <inheritdoc/>
    public override void Check()
    {
        if (!(Low < High))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}: expected {nameof(Low)} below {nameof(High)}, found {Low} and {High}."));
        }
    }

    /// <inheritdoc/>
    public override void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        if (call.Site != QuantizerSites.Weights)
        {
            return;
        }

        int length = dx.Length / GroupsOf(call.X.Shape);
        for (int group = 0; group < GroupsOf(call.X.Shape); group++)
        {
            (float mean, float deviation) = Moments(call.Values.Slice(group * length, length));
            var shift = (float)(totals[group * StandardizationSums] / length);
            var slope = (float)(totals[(group * StandardizationSums) + 1] / Math.Max(1, length - 1));
            LaneMap.Map(new Standardized(mean, deviation, shift, slope), call.Values.Slice(group * length, length), dx.Slice(group * length, length), dx.Slice(group * length, length));
        }
    }

    /// <summary>t and k of a place in the run.</summary>
    internal (float T, float K) Slope(MethodContext context)
    {
        // 10^p as exp of p·ln 10; ln 10 in float.
        float t = FloatMath.Exp((float)((Low + ((High - Low) * context.Progress)) * 2.302585092994046));
        return (t, Math.Max(1 / t, 1));
    }

    /// <summary>Mean and deviation (n − 1) of a channel.</summary>
    internal static (float Mean, float Deviation) Moments(ReadOnlySpan<float> w)
    {
        var mean = (float)(FloatReduction.Sum(w) / (double)w.Length);
        double variance = FloatReduction.SumSquaredDifferences(w, mean) / (double)Math.Max(1, w.Length - 1);
        return (mean, (float)Math.Max(Math.Sqrt(variance), 1e-6));
    }

    private protected override LevelTable Table(MethodCall call)
        => LevelTable.Signs(EachGroup(call, w => Moments(w).Mean), EachGroup(call, w => LatentWeights.PowerOfTwo(MeanOfStandardized(w))));

    private protected override void OfWeights(MethodCall call, LevelTable table, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        (float t, float k) = Slope(call.Context);
        int group = GroupAt(call, begin);
        int length = call.X.Shape.Count / GroupsOf(call.X.Shape);
        (float mean, float deviation) = Moments(call.Values.Slice(group * length, length));
        float[] z = new float[g.Length];
        LaneMap.Map(new Standard(mean, deviation), call.Values.Slice(begin, g.Length), z);
        Slopes.Sech2(z, t, k * table.Scale(0, group), g, dx);
        sums[0] += FloatReduction.Sum(dx);
        sums[1] += LaneMap.Sum(default(Product), z, dx);
    }

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx)
    {
        (float t, float k) = Slope(call.Context);
        Slopes.Sech2(x, t, k, g, dx);
    }

    private static float MeanOfStandardized(ReadOnlySpan<float> w)
    {
        (float mean, float deviation) = Moments(w);
        return (float)(LaneMap.Sum(new Distance(mean), w) / ((double)w.Length * deviation));
    }

    private readonly struct Standard(float mean, float deviation) : ILaneFunction
    {
        public T Of<T>(T w)
            where T : unmanaged, ILanes<T> => (w - T.Create(mean)) / T.Create(deviation);
    }

    private readonly struct Distance(float mean) : ILaneFunction
    {
        public T Of<T>(T w)
            where T : unmanaged, ILanes<T> => (w - T.Create(mean)) & T.CreateInt(0x7FFFFFFF);
    }

    private readonly struct Product : ILaneFunction2
    {
        public T Of<T>(T z, T dz)
            where T : unmanaged, ILanes<T> => z * dz;
    }

    /// <summary>(dz − mean dz − z·Σ dz·z/(n − 1))/std.</summary>
    private readonly struct Standardized(float mean, float deviation, float shift, float slope) : ILaneFunction2
    {
        public T Of<T>(T w, T dz)
            where T : unmanaged, ILanes<T>
        {
            T z = (w - T.Create(mean)) / T.Create(deviation);
            return (dz - T.Create(shift) - (z * T.Create(slope))) / T.Create(deviation);
        }
    }
}
