using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// IR-Net (Qin et al., 2020). Libra: z = (w − mean)/std of the output channel (n − 1), ŵ = 2^round(log2 mean|z|)·sgn(z). EDE: both signs have the slope k·t·(1 − tanh²(t·x)),
/// t rising from its first to its last value in equal ratios over the run, k = max(1/t, 1); the gradient of weights also flows through the standardization, the scale being a constant.
/// </summary>
public sealed record IrNet : SignMethod
{
    private const int StandardizationSums = 2;

    /// <summary>The derivative of both signs: t from 10^−3 to 10 as for residual networks; 0.1 to 10 for VGG.</summary>
    public Estimator Slope { get; init; } = Estimator.Tanh(0.001f, 10);

    /// <inheritdoc/>
    public override string Name => "IR-Net";

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, .. Slope.Settings];

    /// <summary>Σ dz and Σ dz·z of a channel.</summary>
    public override int ExtraSums => StandardizationSums;

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => shape[0];

    /// <inheritdoc/>
    public override void Check() => Slope.Check();

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

    /// <summary>Mean and deviation (n − 1) of a channel.</summary>
    internal static (float Mean, float Deviation) Moments(ReadOnlySpan<float> w)
    {
        var mean = (float)(FloatReduction.Sum(w) / (double)w.Length);
        double variance = FloatReduction.SumSquaredDifferences(w, mean) / (double)Math.Max(1, w.Length - 1);
        return (mean, (float)Math.Max(Math.Sqrt(variance), 1e-6));
    }

    private protected override LevelTable Table(MethodCall call)
        => LevelTable.Signs(EachGroup(call, w => Moments(w).Mean), EachGroup(call, w => PowerOfTwo.Nearest(MeanOfStandardized(w))));

    private protected override void OfWeights(MethodCall call, LevelTable table, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        int group = GroupAt(call, begin);
        int length = call.X.Shape.Count / GroupsOf(call.X.Shape);
        (float mean, float deviation) = Moments(call.Values.Slice(group * length, length));
        float[] z = new float[g.Length];
        LaneMap.Map(new Standard(mean, deviation), call.Values.Slice(begin, g.Length), z);
        Slope.At(call.Context).Pass(z, g, dx, factor: table.Scale(0, group));
        sums[0] += FloatReduction.Sum(dx);
        sums[1] += LaneMap.Sum(default(Product), z, dx);
    }

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx)
        => Slope.At(call.Context).Pass(x, g, dx);

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
