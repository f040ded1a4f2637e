using System;
using System.Buffers;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Ternary weight networks (Li and Liu, 2016): ŵ = α·sign(w) where |w| > Δ, else 0. Near the best: Δ = 0.7·mean|w| of the weights that are not 0 (pruned ones are), α = mean of the |w| above it. Exact: the k largest with k the first that
/// makes S²/k largest (S their sum), α = S/k, Δ = α/2; it sorts the weights at each step. Gradients pass unchanged.
/// </summary>
public sealed record TernaryWeights : FewLevelMethod
{
    private const float Share = 0.7f;

    /// <summary>Whether the scale is the exact optimum.</summary>
    public bool Exact { get; init; }

    /// <summary>One scale and threshold an output channel instead of one for the layer.</summary>
    public bool PerChannel { get; init; }

    /// <inheritdoc/>
    public override string Name => "TWN";

    /// <summary>−1, 0, 1.</summary>
    public override int LevelCount => 3;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Exact ? 1 : 0, PerChannel ? 1 : 0];

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => PerChannel ? shape[0] : 1;

    /// <summary>Mean of the sizes above Δ; 0 where none is.</summary>
    internal static float MeanAbove(ReadOnlySpan<float> w, float delta)
    {
        float count = LaneMap.Sum(new Above(delta, true), w);
        return count > 0 ? (float)(LaneMap.Sum(new Above(delta, false), w) / (double)count) : 0;
    }

    private protected override LevelTable Table(MethodCall call)
    {
        if (Exact)
        {
            return LevelTable.Nearest(2, [0, 1], EachGroup(call, Best));
        }

        float[] deltas = EachGroup(call, w => Share * (w.Contains(0f) ? MeanAbove(w, 0) : LatentWeights.MeanSize(w)));
        int group = 0;
        return LevelTable.Ternary(deltas, EachGroup(call, w => MeanAbove(w, deltas[group++])));
    }

    /// <summary>S/k of the k largest sizes that make S²/k largest: <see cref="ScaledLevels.Solve"/> for {0, 1}, by one sort of floats.</summary>
    private static float Best(ReadOnlySpan<float> w)
    {
        float[] sizes = ArrayPool<float>.Shared.Rent(w.Length);
        for (int i = 0; i < w.Length; i++)
        {
            sizes[i] = -MathF.Abs(w[i]);
        }

        Array.Sort(sizes, 0, w.Length);
        (double sum, double best, double scale) = (0, 0, 0);
        for (int k = 1; k <= w.Length; k++)
        {
            sum -= sizes[k - 1];
            if (sum * sum / k > best)
            {
                (best, scale) = (sum * sum / k, sum / k);
            }
        }

        ArrayPool<float>.Shared.Return(sizes);
        return (float)scale;
    }

    private readonly struct Above(float delta, bool isCount) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T size = x & T.CreateInt(0x7FFFFFFF);
            return T.Select(T.Less(T.Create(delta), size), isCount ? T.Create(1) : size, T.Create(0));
        }
    }
}
