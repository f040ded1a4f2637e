using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Statistics-aware weight binning (Choi et al., 2019): a = c₁·√mean(w²) − c₂·mean|w|, computed anew at every step and constant on the way back; w' = a·(2·round(n·(clip(w, −a, a)/a + 1)/2)/n − 1),
/// n = 2^k − 1. The coefficients are fits over six symmetric densities of the a of least square error. Where a would fall below
/// mean|w| (weights of about two values; no symmetric density has its best a there), a is max|w|.
/// </summary>
public sealed record Sawb : QuantizationMethod
{
    private static readonly ImmutableArray<(float First, float Second)> _coefficients = [(3.119f, 2.061f), (7.352f, 6.688f), (12.089f, 12.041f), (17.74f, 18.64f)];

    /// <summary>One a for each output channel instead of one for the tensor.</summary>
    public bool PerChannel { get; init; }

    /// <summary>c₁; 0 takes both coefficients from the table of the width.</summary>
    public float First { get; init; }

    /// <summary>c₂.</summary>
    public float Second { get; init; }

    /// <summary>The derivative taken for w/a; the identity by default, so that weights beyond a still move.</summary>
    public Estimator Estimator { get; init; } = Estimator.Identity;

    /// <inheritdoc/>
    public override string Name => "SAWB";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, PerChannel ? 1 : 0, First, Second, .. Estimator.Settings];

    private int Steps => (1 << Bits) - 1;

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => PerChannel ? shape[0] : 1;

    /// <summary>a of each group.</summary>
    public override object Prepare(MethodCall call)
    {
        var clips = new float[GroupsOf(call.X.Shape)];
        int length = call.Values.Length / clips.Length;
        (double first, double second) = First > 0 ? (First, Second) : _coefficients[Bits - 2];
        for (int group = 0; group < clips.Length; group++)
        {
            ReadOnlySpan<float> w = call.Values.Slice(group * length, length);
            double mean = FloatReduction.SumAbsolute(w) / (double)length;
            double clip = (first * Math.Sqrt(FloatReduction.SumSquares(w) / (double)length)) - (second * mean);
            clip = clip >= mean ? clip : Math.Max(FloatReduction.Max(w), -FloatReduction.Min(w));
            clips[group] = clip > 0 ? (float)clip : UniformGrid.SmallestStep * Steps;
        }

        return clips;
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
        => UniformGrid.QuantizeMidRise(call.Values.Slice(begin, y.Length), Clip(call, prepared!, begin) / Steps, Steps, y);

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => Estimator.At(call.Context).Pass(call.Values.Slice(begin, g.Length), g, dx, Clip(call, prepared!, begin));

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        float[] steps = (float[])Prepare(call);
        for (int i = 0; i < steps.Length; i++)
        {
            steps[i] /= Steps;
        }

        return HardForms.OfWeights(call.X, HardForms.MidRise(Bits, steps));
    }

    /// <inheritdoc/>
    public override void Check()
    {
        Estimator.Check();
        MethodChecks.Require(First >= 0 && float.IsFinite(Second), this);
    }

    private static float Clip(MethodCall call, object prepared, int begin)
    {
        var clips = (float[])prepared;
        return clips[begin / (call.Values.Length / clips.Length)];
    }
}
