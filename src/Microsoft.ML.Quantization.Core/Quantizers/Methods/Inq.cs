using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Numerics;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Incremental network quantization (Zhou et al., 2017): weights become 0 or ±2^j, n₂ ≤ j ≤ n₁, with n₁ = ⌊log₂(4s/3)⌋, s = max|w| at the start, n₂ = n₁ + 1 − 2^(b−1)/2. The run has stages
/// of equal length; each begins by rounding and freezing more of the largest weights, and the rest is trained on in float. |w| &lt; 2^(n₂−1) gives 0, otherwise j = ⌊log₂(4|w|/3)⌋ between n₂ and n₁.
/// </summary>
/// <remarks>
/// Begin with a trained network and let the learning rate start over in each stage (<c>Schedule.Restarts</c> = <see cref="Stages"/>, as <c>TrainingDefaults</c> has it). Frozen weights stay as they are whatever momentum and
/// decay do. Weights that grew beyond 1.5·2^n₁ become ±2^n₁. Evaluated and exported, all weights are rounded.
/// The paper's n₁ follows from the largest weight alone: at 4 bits and more that is near the n₁ of least error, at 3 bits the error of trained filters is about twice the least, and at 2 bits, where ±2^n₁ are the only
/// levels beside 0, about three times: all but a tenth to a fifth of the weights become 0. <see cref="LeastError"/> takes the other.
/// </remarks>
public sealed record Inq : QuantizationMethod
{
    private const int SmallestExponent = -100;
    private const int HalfOfMantissa = 0x400000;
    private const int ExponentBits = 0x7F800000;
    private const int OnePlane = 64;
    private const int Candidates = 5;
    private const int FewSettings = 2;

    /// <summary>Shares frozen from each stage on, the paper's for ResNet-18.</summary>
    private static readonly ImmutableArray<double>[] _shares =
    [
        [0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.975, 1],
        [0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 1],
        [0.3, 0.5, 0.8, 0.9, 0.95, 1],
        [0.5, 0.75, 0.875, 1],
    ];

    /// <summary>s and with it n₁ of each output channel, not of the layer as the paper has it: where a few channels are large, the layer's levels turn most weights of the others into 0. The recipe has it.</summary>
    public bool PerChannel { get; init; }

    /// <summary>n₁ of the least square error of the weights at the start, at most four below the paper's, instead of the one that follows from the largest of them.</summary>
    public bool LeastError { get; init; }

    /// <inheritdoc/>
    public override string Name => "INQ";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights;

    /// <summary>2^(b−1) + 1.</summary>
    public override int LevelCount => (1 << (Bits - 1)) + 1;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => LeastError ? [Bits, PerChannel ? 1 : 0, 1] : [Bits, PerChannel ? 1 : 0];

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => PerChannel ? shape[0] : 1;

    /// <summary>2^n₁ of each group (0 where all weights are 0), and for each weight 1 once it is frozen.</summary>
    public override ImmutableArray<MethodParameter> Parameters => [new("largest", 1, ParameterRole.Measured), new("frozen", 0, ParameterRole.Measured)];

    /// <inheritdoc/>
    public override bool ActsAfterStep => true;

    /// <inheritdoc/>
    public override int Stages => _shares[Bits - 2].Length;

    /// <summary>n₁ − n₂.</summary>
    private int Span => (1 << (Bits - 2)) - 1;

    /// <summary>Share of the weights that is frozen at a place of the run.</summary>
    public double FrozenShare(MethodContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return _shares[Bits - 2][Math.Min(Stages - 1, (int)(context.Progress * Stages))];
    }

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        Span<float> largest = parameters[0].Writable<float>();
        int length = sample.Shape.Count / largest.Length;
        for (int group = 0; group < largest.Length; group++)
        {
            ReadOnlySpan<float> w = sample.Values<float>().Slice(group * length, length);
            float size = Math.Max(FloatReduction.Max(w), -FloatReduction.Min(w));
            largest[group] = size > 0 ? Math.Max(MathF.ScaleB(1, SmallestExponent), Largest(w, PowerBelow(new Lanes1(size)).Value)) : 0;
        }

        parameters[1].Writable<float>().Clear();
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y) => LaneMap.Map(Rule(call, begin), call.Values.Slice(begin, y.Length), y);

    /// <summary>The latent weights: frozen ones are levels already.</summary>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y) => call.Values.Slice(begin, y.Length).CopyTo(y);

    /// <summary>dw = g where not frozen.</summary>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => LaneMap.Map(default(Free), call.Parameter(1).Slice(begin, g.Length), g, dx);

    /// <summary>Puts frozen weights back; at the beginning of a stage rounds and freezes more of the largest, the first of equals first. Shares are those of the weights that are not pruned.</summary>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        Span<float> frozen = call.Parameters[1].Writable<float>();
        ReadOnlySpan<float> mask = call.Mask.Span;
        bool[] taken = new bool[weights.Length];
        int count = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = frozen[i] != 0 ? before[i] : weights[i];
            bool isPruned = !mask.IsEmpty && mask[i] == 0;
            taken[i] = isPruned || frozen[i] != 0;
            count += taken[i] && !isPruned ? 1 : 0;
        }

        // Shares are decimals: 0.7 of 10 is 7.
        int wanted = Math.Min(call.Survivors, (int)((FrozenShare(call.Context) * call.Survivors) + 1e-6)) - count;
        if (wanted <= 0)
        {
            return;
        }

        float[] sizes = [.. weights.ToArray().Select(MathF.Abs)];
        foreach (int i in Enumerable.Range(0, sizes.Length).Where(i => !taken[i]).OrderByDescending(i => sizes[i]).ThenBy(i => i).Take(wanted))
        {
            weights[i] = Rule(call, i).Of(new Lanes1(weights[i])).Value;
            frozen[i] = 1;
        }
    }

    /// <summary>Whole multiples of 2^n₂; ±128 of 5 bits is 64 in a plane of 8 bits and 64 more in a ternary one.</summary>
    public override HardForm Export(MethodCall call)
    {
        int top = 1 << Span;
        float[] units = [.. call.Parameter(0).ToArray().Select(l => l > 0 ? l / top : 1)];
        int length = call.Values.Length / units.Length;
        Tensor hard = Tensor.Allocate(ElementType.Float32, call.X.Shape);
        MethodShares.Forward(this, call, null, hard, training: false);
        int[] codes = [.. hard.Values<float>().ToArray().Select((v, i) => (int)(v / units[i / length]))];
        int first = Math.Min(top, OnePlane);
        WeightPlane plane = Plane(call.X.Shape, codes.Select(c => Math.Clamp(c, -first, first)), BitOperations.Log2((uint)first) + 2, first, units);
        return top == first
            ? new HardForm.Weights([plane])
            : new HardForm.Weights([plane, Plane(call.X.Shape, codes.Select(c => (c - Math.Clamp(c, -first, first)) / first), 2, 1, [.. units.Select(u => u * first)])]);
    }

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static Inq From(ImmutableArray<float> s) => s.Length <= FewSettings + 1
        ? new() { Bits = (int)s[0], PerChannel = s[1] != 0, LeastError = s.Length > FewSettings && s[FewSettings] != 0 }
        : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method 'INQ': expected {FewSettings} or {FewSettings + 1} numbers, found {s.Length}.");

    /// <summary>2^n₁ of a group whose largest weight gives <paramref name="power"/>.</summary>
    private float Largest(ReadOnlySpan<float> w, float power)
    {
        (double Error, float Power) best = (double.PositiveInfinity, power);
        var y = new float[LeastError ? w.Length : 0];
        for (int i = 0; LeastError && i < Candidates; i++, power /= 2)
        {
            LaneMap.Map(new LevelOf(power / (1 << Span), power), w, y);
            double error = 0;
            for (int j = 0; j < y.Length; j++)
            {
                error += ((double)w[j] - y[j]) * ((double)w[j] - y[j]);
            }

            best = error < best.Error ? (error, power) : best;
        }

        return best.Power;
    }

    private static WeightPlane Plane(Shape shape, IEnumerable<int> codes, int bits, int top, float[] units)
        => new(Tensor.Create<sbyte>(shape, [.. codes.Select(c => (sbyte)c)]), HardForms.Symmetric(bits, true, new IntegerRange(-top, top), units));

    private LevelOf Rule(MethodCall call, int index)
    {
        ReadOnlySpan<float> sizes = call.Parameter(0);
        float largest = sizes[index / (call.X.Shape.Count / sizes.Length)];
        return new LevelOf(largest / (1 << Span), largest);
    }

    /// <summary>2^⌊log₂(4v/3)⌋ of a positive normal v: the exponent, one more where the mantissa is from 1.5 up.</summary>
    private static T PowerBelow<T>(T size)
        where T : unmanaged, ILanes<T> => T.AddInt(size, T.CreateInt(HalfOfMantissa)) & T.CreateInt(ExponentBits);

    private readonly struct LevelOf(float smallest, float largest) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T sign = x & T.CreateInt(int.MinValue);
            T size = x ^ sign;
            T power = PowerBelow(size);
            power = T.Select(T.Less(power, T.Create(smallest)), T.Create(smallest), power);
            power = T.Select(T.Less(size, T.Create(largest)), power, T.Create(largest));
            T zero = T.Less(size, T.Create(smallest * 0.5f));
            return T.Select(T.Same(x, x), T.Select(zero, T.Create(0), power | (largest > 0 ? sign : T.Create(0))), x);
        }
    }

    private readonly struct Free : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => T.Select(T.Same(x, T.Create(0)), g, T.Create(0));
    }
}
