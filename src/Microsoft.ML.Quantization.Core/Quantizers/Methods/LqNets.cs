using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// LQ-Nets (Zhang et al., 2018): levels are all sums Σ eⱼ·vⱼ of a small basis v, e ∈ {−1, 1} for weights (one basis an output channel) and activations that can be negative, e ∈ {0, 1} for
/// others; the nearest level is taken. At every step in training v moves by 1 − m towards the least-squares basis of the codes, (BBᵀ + λI)v* = Bx + λv with λ = 1e-4 (quantization error
/// minimization); the step itself uses the old v. Weights get the gradient unchanged, activations where x is not beyond the outer levels.
/// </summary>
/// <remarks>
/// v begins evenly spaced at the paper's 0.6745 of the root mean square, and takes ten full least-squares steps on the sample. Weights become one plane of bits for each vⱼ.
/// </remarks>
public sealed record LqNets : QuantizationMethod
{
    private const int FirstSteps = 10;

    /// <summary>Whether e is −1 or 1; 0 or 1 otherwise.</summary>
    public bool Signed { get; init; } = true;

    /// <summary>One basis for each output channel instead of one for the tensor; weights only.</summary>
    public bool PerChannel { get; init; } = true;

    /// <summary>m, in [0, 1).</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <inheritdoc/>
    public override string Name => "LQ-Nets";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights | QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, PerChannel ? 1 : 0, Momentum];

    /// <summary>v.</summary>
    public override ImmutableArray<MethodParameter> Parameters => [new("basis", Bits, ParameterRole.Measured)];

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => PerChannel ? shape[0] : 1;

    /// <inheritdoc/>
    public override QuantizationMethod For(bool signed) => this with { Signed = signed, PerChannel = false };

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        Span<float> basis = parameters[0].Writable<float>();
        int groups = basis.Length / Bits;
        int length = sample.Shape.Count / groups;
        for (int group = 0; group < groups; group++)
        {
            ReadOnlySpan<float> x = sample.Values<float>().Slice(group * length, length);
            Span<float> v = basis.Slice(group * Bits, Bits);
            double size = Math.Sqrt(FloatReduction.SumSquares(x) / (double)Math.Max(1, length));
            double first = 0.6745 * (size > 0 && double.IsFinite(size) ? size : 1) / (Signed ? 1 << (Bits - 1) : ((1 << Bits) - 1) / 2.0);
            for (int j = 0; j < Bits; j++)
            {
                v[j] = (float)(first * (1 << j));
            }

            for (int step = 0; step < FirstSteps; step++)
            {
                BasisLevels.Of(v, Signed).Improve(x, 0, v);
            }
        }
    }

    /// <inheritdoc/>
    public override object Prepare(MethodCall call)
    {
        var levels = new BasisLevels[call.Parameter(0).Length / Bits];
        for (int group = 0; group < levels.Length; group++)
        {
            levels[group] = BasisLevels.Of(call.Parameter(0).Slice(group * Bits, Bits), Signed);
        }

        return levels;
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        StairTable table = Levels(call, prepared!, begin).Table;
        Stairs.Apply(call.Values.Slice(begin, y.Length), table.Thresholds, table.Levels, y);
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        if (call.Site == QuantizerSites.Weights)
        {
            g.CopyTo(dx);
            return;
        }

        float[] levels = Levels(call, prepared!, begin).Table.Levels;
        Estimator.Window(Signed ? levels[0] : float.NegativeInfinity, levels[^1]).Pass(call.Values.Slice(begin, g.Length), g, dx);
    }

    /// <inheritdoc/>
    public override float[]?[] Measure(MethodCall call, object? prepared)
    {
        var levels = (BasisLevels[])prepared!;
        float[] basis = call.Parameter(0).ToArray();
        int length = call.X.Shape.Count / levels.Length;
        for (int group = 0; group < levels.Length; group++)
        {
            levels[group].Improve(call.Values.Slice(group * length, length), Momentum, basis.AsSpan(group * Bits, Bits));
        }

        return [basis];
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        var levels = (BasisLevels[])Prepare(call);
        return call.Site == QuantizerSites.Weights
            ? new HardForm.Weights([.. Enumerable.Range(0, Bits).Select(j => Plane(call, levels, j))])
            : new HardForm.Staircase([.. levels[0].Table.Thresholds], [.. levels[0].Table.Levels]);
    }

    /// <inheritdoc/>
    public override void Check() => MethodChecks.Require(Momentum is >= 0 and < 1, this);

    private static BasisLevels Levels(MethodCall call, object prepared, int begin)
    {
        var levels = (BasisLevels[])prepared;
        return levels[begin / (call.X.Shape.Count / levels.Length)];
    }

    /// <summary>The bits of vⱼ, of −vⱼ where that is the positive one.</summary>
    private static WeightPlane Plane(MethodCall call, BasisLevels[] levels, int j)
    {
        Tensor codes = Tensor.Allocate(ElementType.UInt8, call.X.Shape);
        int length = call.X.Shape.Count / levels.Length;
        for (int group = 0; group < levels.Length; group++)
        {
            ReadOnlySpan<float> x = call.Values.Slice(group * length, length);
            Span<byte> bits = codes.Writable<byte>().Slice(group * length, length);
            for (int i = 0; i < length; i++)
            {
                bits[i] = (byte)levels[group].Bit(x[i], j);
            }
        }

        return new WeightPlane(codes, HardForms.MidRise(1, [.. levels.Select(l => Math.Abs(l.Basis[j]))]));
    }
}
