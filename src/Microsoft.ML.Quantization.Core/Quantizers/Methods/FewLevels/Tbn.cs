using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Ternary activations of TBN (Wan et al., 2018): y = 2Δ where x &gt; Δ, −2Δ where x &lt; −Δ, else 0; Δ = δ·mean|x| as a moving average of the batches. These are the codes −1, 0, 1 with the
/// step 2Δ of the authors' second version (the paper's ±1 differ by a factor that batch normalization absorbs). Gradients have the two triangles of that version: 2 at ±Δ, 0 at 0 and ±2Δ; or, the
/// paper's window, they are 2Δ where |x| ≤ 1, which asks for inputs of about unit variance. Weights of the recipe TBN have BWN's levels, mean|w|·sgn(w) of the output channel, but gradients unchanged
/// and latent weights that nothing centres or clips.
/// </summary>
public sealed record Tbn : QuantizationMethod
{
    private const int FewSettings = 4;

    /// <summary>δ.</summary>
    public float Share { get; init; } = 0.4f;

    /// <summary>Weight of a batch in the moving average, in (0, 1].</summary>
    public float Coefficient { get; init; } = 0.01f;

    /// <summary>Whether gradients have the two triangles, not the window.</summary>
    public bool Triangles { get; init; } = true;

    /// <summary>Whether ±Δ itself is a level beside 0, as in the authors' second version: 2Δ where x ≥ Δ, −2Δ where x ≤ −Δ. Exported as a staircase.</summary>
    public bool Inclusive { get; init; }

    /// <inheritdoc/>
    public override string Name => "TBN-A";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <summary>True: of three levels a rectifier would leave two.</summary>
    public override bool IsNonlinearity => true;

    /// <summary>−2Δ, 0, 2Δ.</summary>
    public override int LevelCount => 3;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => Inclusive ? [Bits, Share, Coefficient, Triangles ? 1 : 0, 1] : [Bits, Share, Coefficient, Triangles ? 1 : 0];

    /// <summary>Δ.</summary>
    public override ImmutableArray<MethodParameter> Parameters => [new("threshold", Role: ParameterRole.Measured)];

    /// <inheritdoc/>
    public override void Check()
    {
        if (!(Share > 0) || Coefficient is not (> 0 and <= 1))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}: expected {nameof(Share)} above 0 and {nameof(Coefficient)} in (0, 1], found {Share} and {Coefficient}."));
        }
    }

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters) => parameters[0].Writable<float>()[0] = Threshold(sample.Values<float>());

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        ReadOnlySpan<float> x = call.Values.Slice(begin, y.Length);
        if (Inclusive)
        {
            Stairs.Apply(x, Thresholds(call), Levels(call), y);
        }
        else
        {
            UniformGrid.Quantize(x, Step(call), -1, 1, y);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        ReadOnlySpan<float> x = call.Values.Slice(begin, g.Length);
        if (Triangles)
        {
            Estimator.Tents(1).Pass(x, g, dx, call.Parameter(0)[0]);
        }
        else
        {
            Estimator.Clip().Pass(x, g, dx, factor: Step(call));
        }
    }

    /// <inheritdoc/>
    public override float[]?[]? Measure(MethodCall call, object? prepared)
    {
        float old = call.Parameter(0)[0];
        return [[old + (Coefficient * (Threshold(call.Values) - old))]];
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call) => Inclusive
        ? new HardForm.Staircase([.. Thresholds(call)], [.. Levels(call)])
        : new HardForm.Uniform(HardForms.Symmetric(2, true, new IntegerRange(-1, 1), [Step(call)]));

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static Tbn From(ImmutableArray<float> s) => s.Length <= FewSettings + 1
        ? new Tbn { Bits = (int)s[0], Share = s[1], Coefficient = s[2], Triangles = s[3] != 0, Inclusive = s.Length > FewSettings && s[FewSettings] != 0 }
        : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method 'TBN-A': expected {FewSettings} or {FewSettings + 1} numbers, found {s.Length}.");

    /// <summary>The next float above −Δ, from which on a value is no longer −2Δ; Δ.</summary>
    private static float[] Thresholds(MethodCall call) => [MathF.BitIncrement(-call.Parameter(0)[0]), call.Parameter(0)[0]];

    private static float[] Levels(MethodCall call) => [-Step(call), 0, Step(call)];

    private static float Step(MethodCall call) => 2 * call.Parameter(0)[0];

    private float Threshold(ReadOnlySpan<float> x) => Math.Max(Share * LatentWeights.MeanSize(x), LevelTable.SmallestScale);
}
