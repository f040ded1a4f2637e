using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Quantization Networks (Yang et al., 2019): y = α·(Y₀ + Σ sᵢ·S(T·(βx − bᵢ))) in training, S the sigmoid, sᵢ the jumps between the ascending integer levels Y; T = (epoch + 1)·rate, at most
/// 2000. Evaluated, and for the last part of a run on the way forward, S is the step [βx ≥ bᵢ]; the way back stays soft. Gradients are exact for the soft form at T, or at
/// <see cref="SlopeLimit"/> where T is larger.
/// </summary>
/// <remarks>
/// β₀ = 5p/4q with p = max|Y| and q = max|x| (the 99.9 % quantile for activations), α₀ = 1/β₀; the b are borders of the best clusters of β₀·x and stay, unless they are learned too. Weights
/// take levels symmetric around 0: by default −1, 1 at one bit, −1, 0, 1 at two, 0, ±1, ±2, ±4 at three and −7 to 7 at four. Activations take 0 to 2^k − 1, or as far around 0 where x can be
/// negative.
/// </remarks>
public sealed record QuantizationNetwork : QuantizationMethod
{
    private const int FixedSettings = 6;
    private const int LargestLevel = 127;

    /// <summary>Y: integers from −127 to 127, ascending.</summary>
    public required ImmutableArray<float> Levels { get; init; }

    /// <summary>By how much T grows an epoch, above 0.</summary>
    public float Rate { get; init; } = 10;

    /// <summary>Share of the run from which the way forward is hard, in [0, 1].</summary>
    public float HardFrom { get; init; } = 0.85f;

    /// <summary>
    /// Largest T on the way back, above 0. The slope of levels a step apart has mean 1 and mean square near T/6, so that behind some layers gradients of the full T are nothing but noise; the
    /// authors' own code goes back with T = 1 where activations have one bit. Infinity is the paper's gradient.
    /// </summary>
    public float SlopeLimit { get; init; } = 5;

    /// <summary>Whether the gradients of α and β, sums over all elements, are divided by √(N·n) as those of learned steps are; the paper has small rates of their own instead. N is the number of weights, or of features of an activation, n that of jumps.</summary>
    public bool ScalesGradient { get; init; } = true;

    /// <summary>Whether the b are learned.</summary>
    public bool LearnsThresholds { get; init; }

    /// <inheritdoc/>
    public override string Name => "QN";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights | QuantizerSites.Activations;

    /// <inheritdoc/>
    public override int LevelCount => Levels.Length;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Rate, HardFrom, LearnsThresholds ? 1 : 0, SlopeLimit, ScalesGradient ? 1 : 0, .. Levels];

    /// <summary>α, β and the b.</summary>
    public override ImmutableArray<MethodParameter> Parameters =>
    [
        new("scale", Minimum: 1e-8f),
        new("gain", Minimum: 1e-8f),
        new("thresholds", Levels.Length - 1, LearnsThresholds ? ParameterRole.Learned : ParameterRole.Measured),
    ];

    /// <summary>The default at a width, for weights.</summary>
    public static QuantizationNetwork Of(int bits) => new() { Bits = bits, Levels = WeightLevels(bits) };

    /// <inheritdoc/>
    public override QuantizationMethod For(bool signed)
    {
        int low = signed ? -(1 << (Bits - 1)) : 0;
        return Levels.AsSpan().SequenceEqual(WeightLevels(Bits).AsSpan()) ? this with { Levels = [.. Enumerable.Range(low, 1 << Bits).Select(i => (float)i)] } : this;
    }

    /// <inheritdoc/>
    internal override QuantizationMethod AtBits(int bits)
        => Levels.AsSpan().SequenceEqual(WeightLevels(Bits).AsSpan()) ? this with { Bits = bits, Levels = WeightLevels(bits) } : this with { Bits = bits };

    /// <inheritdoc/>
    public bool Equals(QuantizationNetwork? other) => other is not null && Settings.AsSpan().SequenceEqual(other.Settings.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Bits, Levels.Length, Rate, HardFrom, LearnsThresholds, SlopeLimit, ScalesGradient);

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        float[] sorted = Samples.Sorted(sample.Values<float>());
        float[] sizes = Samples.Sorted(sorted.Select(Math.Abs).ToArray());
        float bound = Samples.Quantile(sizes, Levels[0] == -Levels[^1] ? 1 : 0.999);
        float gain = bound > 0 ? 1.25f * Math.Max(Levels[^1], -Levels[0]) / bound : 1;
        parameters[0].Writable<float>()[0] = 1 / gain;
        parameters[1].Writable<float>()[0] = gain;
        float[] inside = [.. sorted.Where(x => Math.Abs(x) <= bound).Select(x => x * gain)];
        float[] borders = LineClusters.Borders(inside, Levels.Length) ?? [.. Levels.Skip(1).Select((level, i) => (level + Levels[i]) / 2)];
        borders.CopyTo(parameters[2].Writable<float>());
    }

    /// <inheritdoc/>
    public override object Prepare(MethodCall call)
    {
        (float scale, float gain) = (call.Parameter(0)[0], call.Parameter(1)[0]);
        float[] borders = call.Parameter(2).ToArray();
        Array.Sort(borders);
        float temperature = Math.Min(2000, (call.Context.Epoch + 1) * Rate);
        var table = new StairTable([.. borders.Select(b => b / gain)], [.. Levels.Select(y => y * scale)]);
        bool isHard = call.Context.Progress >= HardFrom;
        SoftStairs? back = temperature <= SlopeLimit ? null : new SoftStairs(borders, [.. Levels], scale, gain, SlopeLimit, table, isHard);
        return new SoftStairs(borders, [.. Levels], scale, gain, temperature, table, isHard, back);
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        StairTable table = ((SoftStairs)prepared!).Table;
        Stairs.Apply(call.Values.Slice(begin, y.Length), table.Thresholds, table.Levels, y);
    }

    /// <inheritdoc/>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        var stairs = (SoftStairs)prepared!;
        if (stairs.IsHard)
        {
            Harden(call, prepared, begin, y);
        }
        else
        {
            stairs.Forward(call.Values.Slice(begin, y.Length), y);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        SoftStairs stairs = ((SoftStairs)prepared!).Back;
        ReadOnlySpan<float> x = call.Values.Slice(begin, g.Length);
        (float scale, float gain) = stairs.Backward(x, g, dx);
        sums[0] += scale;
        sums[1] += gain;
        for (int i = 2; i < sums.Length; i++)
        {
            sums[i] += stairs.ThresholdSum(i - 2, x, g);
        }
    }

    /// <inheritdoc/>
    public override void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        int features = call.Site == QuantizerSites.Weights ? call.X.Shape.Count : call.X.Shape.Count / call.X.Shape[0];
        double scale = ScalesGradient ? 1 / Math.Sqrt((double)features * (Levels.Length - 1)) : 1;
        totals[0] *= scale;
        totals[1] *= scale;
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        StairTable table = ((SoftStairs)Prepare(call)).Table;
        if (call.Site != QuantizerSites.Weights)
        {
            return new HardForm.Staircase([.. table.Thresholds], [.. table.Levels]);
        }

        bool isSign = Levels.Length == 2 && Levels[0] == -Levels[1];
        float scale = call.Parameter(0)[0];
        var index = new float[call.Values.Length];
        float[] codes = isSign ? [0, 1] : [.. Levels];
        Stairs.Apply(call.Values, table.Thresholds, codes, index);
        AffineQuantization quantizer = isSign ? HardForms.MidRise(1, [scale * Levels[1]]) : Grid(scale);
        Tensor result = Tensor.Allocate(quantizer.Element, call.X.Shape);
        for (int i = 0; i < index.Length; i++)
        {
            CodeAccess.Write(result, i, (int)index[i]);
        }

        return HardForms.OfCodes(result, quantizer);
    }

    /// <inheritdoc/>
    public override void Check()
    {
        bool isAscending = Levels.Length >= 2 && Levels.Length <= 1 << Bits && Levels.Skip(1).Zip(Levels).All(p => p.First > p.Second);
        bool isInteger = Levels.All(y => y == MathF.Floor(y) && Math.Abs(y) <= LargestLevel);
        MethodChecks.Require(isAscending && isInteger && Rate > 0 && float.IsFinite(Rate) && SlopeLimit > 0 && HardFrom is >= 0 and <= 1, this);
    }

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static QuantizationNetwork From(ImmutableArray<float> s)
        => new() { Bits = (int)s[0], Rate = s[1], HardFrom = s[2], LearnsThresholds = s[3] != 0, SlopeLimit = s[4], ScalesGradient = s[5] != 0, Levels = s[FixedSettings..] };

    private static ImmutableArray<float> WeightLevels(int bits) => bits switch
    {
        1 => [-1, 1],
        3 => [-4, -2, -1, 0, 1, 2, 4],
        _ => [.. Enumerable.Range(0, (1 << bits) - 1).Select(i => i - (float)((1 << (bits - 1)) - 1))],
    };

    private AffineQuantization Grid(float scale)
    {
        int bound = (int)Math.Max(Levels[^1], -Levels[0]);
        int bits = 2 + System.Numerics.BitOperations.Log2((uint)bound);
        return HardForms.Symmetric(bits, true, new IntegerRange((int)Math.Min(0, Levels[0]), (int)Math.Max(0, Levels[^1])), [scale]);
    }
}
