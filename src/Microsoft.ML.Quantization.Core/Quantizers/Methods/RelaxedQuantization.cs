using System;
using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Relaxed Quantization (Louizos et al., 2019): in training x gets logistic noise of scale σ, which makes each point g = α·G of the grid probable in proportion to
/// S((g + α/2 − x)/σ) − S((g − α/2 − x)/σ); a concrete sample z of temperature λ gives x̂ = Σ z·g, with exact gradients of x, α and σ (equations 5 to 9). "RQ-ST" uses the one point that
/// the same noise chooses and the gradients of x̂. Evaluated it is α·round(clamp(x/α)), without noise.
/// </summary>
/// <remarks>
/// Learned are log α and log σ/α, so that both stay positive; σ is kept from 0.02·α up. The grid has no offset, as in the experiments of the paper. With <see cref="Reach"/> only points
/// within Reach·σ of the nearest one take part (the paper's local grid), at least one on each side.
/// </remarks>
public sealed record RelaxedQuantization : QuantizationMethod
{
    private const int WideBits = 5;
    private const float LogSmallestNoise = -3.912023f;
    private const float LogFirstNoise = -1.0986123f;
    private const float LogFirstNoiseOfFew = -2.7f;
    private const int FewBits = 3;

    // Steps of weights are a few hundredths: an optimizer with steps of one size would move them relatively that much faster than their logarithms.
    private const float LogRate = 10;

    /// <summary>Whether the way forward uses points of the grid.</summary>
    public bool StraightThrough { get; init; }

    /// <summary>Whether codes are signed; unsigned for activations behind a rectifier.</summary>
    public bool Signed { get; init; } = true;

    /// <summary>λ, above 0.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>δ of the local grid, in units of σ; 0 for the whole grid.</summary>
    public float Reach { get; init; }

    /// <summary>Whether the gradients of both parameters, sums over all elements, are divided by √N, N being the number of weights, or of features of an activation; optimizers with steps of one size, as the paper's, do not see it.</summary>
    public bool ScalesGradient { get; init; } = true;

    /// <inheritdoc/>
    public override string Name => StraightThrough ? "RQ-ST" : "RQ";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights | QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, Temperature, Reach, ScalesGradient ? 1 : 0];

    /// <summary>log α and log σ/α.</summary>
    public override ImmutableArray<MethodParameter> Parameters => [new("logStep", RateFactor: LogRate), new("logNoise", RateFactor: LogRate, Minimum: LogSmallestNoise)];

    /// <summary>Slopes along x, log α and log σ.</summary>
    public override int KeptWidth => RelaxedSlopes.Kinds;

    /// <inheritdoc/>
    public override bool TrainsWithNoise => true;

    private IntegerRange Range => Signed ? IntegerRange.Signed(Bits) : IntegerRange.Unsigned(Bits);

    /// <summary>The default at a width: from 5 bits the local grid with δ = 3, below the whole one.</summary>
    public static RelaxedQuantization Of(int bits, bool straightThrough) => new() { Bits = bits, StraightThrough = straightThrough, Reach = UsualReach(bits) };

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static RelaxedQuantization From(ImmutableArray<float> s, bool straightThrough)
        => new() { Bits = (int)s[0], StraightThrough = straightThrough, Signed = s[1] != 0, Temperature = s[2], Reach = s[3], ScalesGradient = s[4] != 0 };

    /// <inheritdoc/>
    public override QuantizationMethod For(bool signed) => this with { Signed = signed };

    /// <inheritdoc/>
    internal override QuantizationMethod AtBits(int bits) => this with { Bits = bits, Reach = Reach == UsualReach(Bits) ? UsualReach(bits) : Reach };

    /// <summary>α₀ puts the end of the grid at max|x| from 5 bits, below at 3·√(mean x²), which a few large values do not stretch; σ₀ = α₀/3, up to 3 bits α₀/15: there more noise costs a pretrained network all it knows, because the few points below and above 0 are not as many.</summary>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        ReadOnlySpan<float> x = sample.Values<float>();
        float end = Bits >= WideBits
            ? Math.Max(FloatReduction.Max(x), -FloatReduction.Min(x))
            : 3 * MathF.Sqrt(FloatReduction.SumSquares(x) / Math.Max(1, x.Length));
        float step = end > 0 ? end / (Signed ? 1 << (Bits - 1) : Range.Max) : 1;
        parameters[0].Writable<float>()[0] = FloatMath.Log(step);
        parameters[1].Writable<float>()[0] = Bits <= FewBits ? LogFirstNoiseOfFew : LogFirstNoise;
    }

    /// <inheritdoc/>
    public override object Prepare(MethodCall call)
    {
        float step = FloatMath.Exp(call.Parameter(0)[0]);
        float ratio = FloatMath.Exp(call.Parameter(1)[0]);
        int reach = Reach > 0 ? (int)Math.Max(1, Math.Min(Range.Max - Range.Min + 1, MathF.Floor(Reach * ratio))) : Range.Max - Range.Min + 1;
        return new RelaxedGrid(step, step * ratio, Range.Min, Range.Max, reach, Temperature);
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
        => UniformGrid.Quantize(call.Values.Slice(begin, y.Length), ((RelaxedGrid)prepared!).Step, Range.Min, Range.Max, y);

    /// <inheritdoc/>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        var grid = (RelaxedGrid)prepared!;
        RelaxedSlopes slopes = call.Kept is { } kept ? new RelaxedSlopes(kept.Writable<float>(), begin, y.Length) : default;
        grid.Forward(call.Values.Slice(begin, y.Length), new RelaxedNoise(call.Random), begin, y, StraightThrough, slopes);
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        if (call.Kept is { } kept)
        {
            Back(new RelaxedSlopes(kept.Writable<float>(), begin, g.Length), g, dx, sums);
            return;
        }

        var grid = (RelaxedGrid)prepared!;
        float[] anew = new float[RelaxedSlopes.Kinds * g.Length];
        var slopes = new RelaxedSlopes(anew, 0, g.Length);
        grid.Forward(call.Values.Slice(begin, g.Length), new RelaxedNoise(call.Random), begin, dx, StraightThrough, slopes);
        Back(slopes, g, dx, sums);
    }

    /// <inheritdoc/>
    public override void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        int features = call.Site == QuantizerSites.Weights ? call.X.Shape.Count : call.X.Shape.Count / call.X.Shape[0];
        double scale = ScalesGradient ? 1 / Math.Sqrt(features) : 1;
        totals[0] *= scale;
        totals[1] *= scale;
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        AffineQuantization quantizer = HardForms.Symmetric(Bits, Signed, Range, [FloatMath.Exp(call.Parameter(0)[0])]);
        return call.Site == QuantizerSites.Weights ? HardForms.OfWeights(call.X, quantizer) : new HardForm.Uniform(quantizer);
    }

    /// <inheritdoc/>
    public override void Check()
    {
        if (!(Temperature > 0) || !(Reach >= 0) || !float.IsFinite(Temperature + Reach))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"{Name}: expected a temperature above 0 and a reach from 0, found {Temperature} and {Reach}."));
        }
    }

    private static float UsualReach(int bits) => bits >= WideBits ? 3 : 0;

    private static void Back(RelaxedSlopes slopes, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        LaneMap.Map(default(Product), slopes.Dx, g, dx);
        sums[0] += LaneMap.Sum(default(Product), slopes.Step, g);
        sums[1] += LaneMap.Sum(default(Product), slopes.Noise, g);
    }

    private readonly struct Product : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => x * g;
    }
}
