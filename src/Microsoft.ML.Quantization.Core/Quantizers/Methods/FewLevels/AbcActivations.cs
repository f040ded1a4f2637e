using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Activations of ABC-Net (Lin et al., 2017): Σ β_n·A_n, A_n = 1 where clip(x + v_n, 0, 1) ≥ ½ and −1 elsewhere, with β_n &gt; 0 and v_n learned, of the tensor:
/// dx = σ·Σ β_n·g·1[0 ≤ x + v_n ≤ 1], dv_n the sum of its addend, dβ_n = Σ g·A_n. The thresholds ½ − v_n begin at the quantiles (n − ½)/N of a sample, in descending order (of what lies above its smallest value, where that value is so frequent that a plane would have nothing below), the scales at least
/// squares, but no lower than 0.01. σ is the slope of a plane (<see cref="Slope"/>), 1 in the paper; the paper gives no rate for v_n of its own (<see cref="ShiftRate"/>). Bits are N.
/// </summary>
public sealed record AbcActivations : StairMethod
{
    /// <summary>σ, above 0, of gradients of x and v: 1 as in the paper, 2 for that of 2·clip(x + v, 0, 1) − 1, whose values are those of a plane at both ends.</summary>
    public float Slope { get; init; } = 1;

    /// <summary>Multiplies the learning rate of v_n, from 0: each moves the threshold of a whole tensor, and at the rate of weights several of them unsettle a longer run.</summary>
    public float ShiftRate { get; init; } = 0.1f;

    /// <inheritdoc/>
    public override string Name => "ABC-A";

    /// <summary>N thresholds.</summary>
    public override int LevelCount => Bits + 1;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Slope, ShiftRate];

    /// <inheritdoc/>
    public override ImmutableArray<MethodParameter> Parameters => [new("shift", Bits, RateFactor: ShiftRate), new("scale", Bits, Minimum: 1e-6f)];

    /// <inheritdoc/>
    public override void Check()
    {
        if (!(Slope > 0) || !float.IsFinite(Slope) || !(ShiftRate >= 0) || !float.IsFinite(ShiftRate))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}: expected finite {nameof(Slope)} above 0 and {nameof(ShiftRate)} from 0, found {Slope} and {ShiftRate}."));
        }
    }

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        float[] sorted = sample.Values<float>().ToArray();
        Array.Sort(sorted);
        Span<float> shifts = parameters[0].Writable<float>();
        ReadOnlySpan<float> spread = Spread(sorted);
        for (int n = 0; n < Bits; n++)
        {
            shifts[Bits - 1 - n] = 0.5f - spread[(int)((n + 0.5) / Bits * spread.Length)];
        }

        double[,] gram = new double[Bits, Bits];
        double[] right = new double[Bits];
        foreach (float x in sorted)
        {
            for (int a = 0; a < Bits; a++)
            {
                right[a] += x * Sign(x, shifts[a]);
                for (int b = 0; b < Bits; b++)
                {
                    gram[a, b] += Sign(x, shifts[a]) * Sign(x, shifts[b]);
                }
            }
        }

        for (int a = 0; a < Bits; a++)
        {
            gram[a, a] += 1e-6 * sorted.Length;
        }

        double[] scales = NormalEquations.Solve(gram, right);
        Span<float> written = parameters[1].Writable<float>();
        for (int n = 0; n < Bits; n++)
        {
            written[n] = Math.Max((float)scales[n], 1e-2f);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        ReadOnlySpan<float> x = call.Values.Slice(begin, g.Length);
        float[] part = new float[g.Length];
        dx.Clear();
        for (int n = 0; n < Bits; n++)
        {
            float shift = call.Parameter(0)[n];
            Estimator.Window(-shift, 1 - shift).Pass(x, g, part, factor: Slope * call.Parameter(1)[n]);
            LaneMap.Map(default(Plus), part, dx, dx);
            sums[n] += FloatReduction.Sum(part);
            sums[Bits + n] += LaneMap.Sum(new SignedBy(0.5f - shift), x, g);
        }
    }

    /// <summary>From <see cref="Settings"/>; those of earlier versions hold fewer numbers.</summary>
    internal static AbcActivations From(ImmutableArray<float> s)
        => new() { Bits = (int)s[0], Slope = s.Length > 1 ? s[1] : 1, ShiftRate = s.Length > 2 ? s[2] : 1 };

    /// <summary>Planes in the order of their thresholds; a level is Σ ±β with the planes passed positive.</summary>
    private protected override Stairs Steps(MethodCall call)
    {
        float[] shifts = call.Parameter(0).ToArray();
        float[] scales = call.Parameter(1).ToArray();
        int[] order = [.. Enumerable.Range(0, Bits).OrderBy(n => 0.5f - shifts[n])];
        float[] levels = [.. Enumerable.Range(0, Bits + 1).Select(l => (float)order.Select((n, i) => i < l ? (double)scales[n] : -scales[n]).Sum())];
        return Stairs.Ascending([.. order.Select(n => 0.5f - shifts[n])], levels);
    }

    /// <summary>All values; those above the smallest where so many are as small that the first threshold would lie on it, with nothing below.</summary>
    private ReadOnlySpan<float> Spread(ReadOnlySpan<float> sorted)
    {
        int smallest = sorted.LastIndexOf(sorted[0]) + 1;
        return smallest > (int)(0.5 / Bits * sorted.Length) && smallest < sorted.Length ? sorted[smallest..] : sorted;
    }

    private static double Sign(float x, float shift) => x >= 0.5f - shift ? 1 : -1;

    private readonly struct Plus : ILaneFunction2
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a + b;
    }

    private readonly struct SignedBy(float threshold) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, T.Create(threshold)), T.Create(0) - g, g);
    }
}
