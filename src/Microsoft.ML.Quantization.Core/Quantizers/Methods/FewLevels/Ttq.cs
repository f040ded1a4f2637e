using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Trained ternary quantization (Zhu et al., 2017): ŵ = P where w > Δ, −N where w &lt; −Δ, else 0, with Δ = t·max|w|, or the Δ that leaves a wanted share at 0 (<see cref="Sparsity"/>), a constant and P, N > 0 learned, one of each a layer:
/// dP = Σ g above, dN = −Σ g below, dw = P·g above, N·g below, g between. They begin at the means of the weights that they stand for, or of all sizes where these are none. Two planes, {0, 1} and {−1, 0}. The authors
/// divide the weights of a layer by the largest first and begin at P = N = 1; here the network keeps its function, and dP and dN are divided by √n (as LSQ does), n weights, without which plain
/// gradient descent throws scales around that are far below 1.
/// </summary>
public sealed record Ttq : FewLevelMethod
{
    private const int FewSettings = 3;
    private const float SmallestStart = 1e-6f;

    /// <summary>t, in [0, 1).</summary>
    public float Threshold { get; init; } = 0.05f;

    /// <summary>r in [0, 1): Δ is the smallest size of which ⌈r·n⌉ of the n weights of a layer are no larger, so that at least these are 0 (more where others have that very size), at each step anew; 0 for t·max|w|.</summary>
    public float Sparsity { get; init; }

    /// <summary>Whether dP and dN are divided by √n; optimizers that divide by the gradient's own size do not see it.</summary>
    public bool ScalesGradient { get; init; } = true;

    /// <inheritdoc/>
    public override string Name => "TTQ";

    /// <summary>−N, 0, P.</summary>
    public override int LevelCount => 3;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => Sparsity == 0 ? [Bits, Threshold, ScalesGradient ? 1 : 0] : [Bits, Threshold, ScalesGradient ? 1 : 0, Sparsity];

    /// <inheritdoc/>
    public override ImmutableArray<MethodParameter> Parameters => [new("positive", Minimum: 1e-6f), new("negative", Minimum: 1e-6f)];

    /// <inheritdoc/>
    public override void Check()
    {
        if (Threshold is not (>= 0 and < 1) || Sparsity is not (>= 0 and < 1))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}: expected {nameof(Threshold)} and {nameof(Sparsity)} in [0, 1), found {Threshold} and {Sparsity}."));
        }
    }

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        ReadOnlySpan<float> w = sample.Values<float>();
        float delta = Delta(w);
        for (int i = 0; i < parameters.Length; i++)
        {
            float count = LaneMap.Sum(new Beyond(delta, i == 0, true), w, w);
            float sum = LaneMap.Sum(new Beyond(delta, i == 0, false), w, w);
            parameters[i].Writable<float>()[0] = count > 0 ? MathF.Abs(sum) / count : Math.Max(LatentWeights.MeanSize(w), SmallestStart);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        ReadOnlySpan<float> w = call.Values.Slice(begin, g.Length);
        float delta = -((LevelTable)prepared!).Threshold(0, 0);
        LaneMap.Map(new Scaled(delta, call.Parameter(0)[0], call.Parameter(1)[0]), w, g, dx);
        double factor = ScalesGradient ? 1 / Math.Sqrt(call.X.Shape.Count) : 1;
        sums[0] += factor * LaneMap.Sum(new Beyond(delta, true, false), w, g);
        sums[1] -= factor * LaneMap.Sum(new Beyond(delta, false, false), w, g);
    }

    /// <summary>From <see cref="Settings"/>.</summary>
    internal static Ttq From(ImmutableArray<float> s) => s.Length <= FewSettings + 1
        ? new Ttq { Bits = (int)s[0], Threshold = s[1], ScalesGradient = s[2] != 0, Sparsity = s.Length > FewSettings ? s[FewSettings] : 0 }
        : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method 'TTQ': expected {FewSettings} or {FewSettings + 1} numbers, found {s.Length}.");

    /// <summary>Δ. The share is taken in decimal digits: 0.3 of 10 are 3, though the float 0.3 is above it.</summary>
    private float Delta(ReadOnlySpan<float> w)
        => Sparsity == 0 ? Threshold * LatentWeights.LargestSize(w) : LatentWeights.SizeAt(w, Math.Max(1, (int)Math.Ceiling((decimal)Sparsity * w.Length)) - 1);

    private protected override LevelTable Table(MethodCall call) => new(
        LevelTable.Around([Delta(call.Values)]), LevelPlane.Half(false, [0, 0, 1], [call.Parameter(0)[0]]), LevelPlane.Half(true, [-1, 0, 0], [call.Parameter(1)[0]]));

    private readonly struct Beyond(float delta, bool isAbove, bool isCount) : ILaneFunction2
    {
        public T Of<T>(T w, T g)
            where T : unmanaged, ILanes<T>
            => T.Select(isAbove ? T.Less(T.Create(delta), w) : T.Less(w, T.Create(-delta)), isCount ? T.Create(1) : g, T.Create(0));
    }

    private readonly struct Scaled(float delta, float above, float below) : ILaneFunction2
    {
        public T Of<T>(T w, T g)
            where T : unmanaged, ILanes<T>
            => g * T.Select(T.Less(T.Create(delta), w), T.Create(above), T.Select(T.Less(w, T.Create(-delta)), T.Create(below), T.Create(1)));
    }
}
