using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Loss-aware binarization (Hou et al., 2017) and quantization (Hou and Kwok, 2018): min over α > 0 and b of ½·Σ d·(w − α·b)², d = √v + ε with v the second moments of Adam, one α a layer.
/// 1 bit: b = ±1 (LAB); 2 bits: {−1, 0, 1} (LAT); m bits: j/n, |j| ≤ n = 2^(m−1) − 1, or 0 and powers of two down to 2^−(n−1) (LAQ). Gradients pass unchanged; behind a step w is clipped to [−1, 1]
/// and α solved anew, exactly for LAB, else by alternation from the old one, or exactly by a sort. Without Adam, or before its first step, d = 1. The papers' own step begins at ŵ
/// instead of w, which is then no memory of its own: w = ŵ + (what the optimizer added), the minimum of the loss's second-order model around ŵ.
/// </summary>
public sealed record LossAware : FewLevelMethod
{
    private const float Epsilon = 1e-8f;

    /// <summary>Powers of two instead of even levels; 3 and 4 bits.</summary>
    public bool Logarithmic { get; init; }

    /// <summary>Whether α is the exact optimum at every step; sorts.</summary>
    public bool Exact { get; init; }

    /// <summary>Whether a step begins at the quantized weights, as the proximal Newton method of the papers has it, and not at the latent ones, as their code has it.</summary>
    public bool FromLevels { get; init; }

    /// <inheritdoc/>
    public override string Name => Bits switch
    {
        1 => "LAB",
        2 => "LAT",
        _ => Logarithmic ? "LAQ-log" : "LAQ",
    };

    /// <inheritdoc/>
    public override int LevelCount => Bits == 1 ? 2 : (2 * Levels.Length) - 1;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Exact ? 1 : 0, FromLevels ? 1 : 0];

    /// <inheritdoc/>
    public override bool NeedsAdam => true;

    /// <summary>α, for levels as integers: that of the papers over the largest of them.</summary>
    public override ImmutableArray<MethodParameter> Parameters => [new("scale", Role: ParameterRole.Measured)];

    private bool IsEven => Bits > 1 && !Logarithmic;

    private int Most => (1 << (Bits - 1)) - 1;

    /// <summary>Sizes of the levels as integers.</summary>
    private float[] Levels => Bits == 1 ? [1] : Logarithmic ? [0, .. Enumerable.Range(0, Most).Select(i => (float)(1 << i))] : [.. Enumerable.Range(0, Most + 1).Select(i => (float)i)];

    /// <inheritdoc/>
    public override void Check()
    {
        if (Logarithmic && Bits is not (3 or 4))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidBitWidth, FormattableString.Invariant($"{Name}: expected 3 or 4 bits for powers of two, found {Bits}."));
        }
    }

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
        => parameters[0].Writable<float>()[0] = Positive(ScaledLevels.Start(sample.Values<float>(), Levels));

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call) => IsEven ? null : Table(call);

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        if (IsEven)
        {
            UniformGrid.Quantize(call.Values.Slice(begin, y.Length), call.Parameter(0)[0], -Most, Most, y);
        }
        else
        {
            base.Harden(call, prepared, begin, y);
        }
    }

    /// <inheritdoc/>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        if (FromLevels)
        {
            float[] start = new float[before.Length];
            Tensor old = Tensor.Create(call.X.Shape, before);
            MethodCall at = call with { X = old };
            Harden(at, Prepare(at), 0, start);
            LaneMap.Map(default(Difference), weights, before, weights);
            LaneMap.Map(default(Sum), start, weights, weights);
        }

        base.AfterStep(call, before, weights);
        float[] d = Weights(call);
        Span<float> scale = call.Parameters[0].Writable<float>();
        scale[0] = Positive(Exact || Bits == 1 ? ScaledLevels.Solve(weights, d, Levels) : ScaledLevels.Alternate(weights, d, Levels, scale[0]));
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call) => IsEven
        ? HardForms.OfWeights(call.X, HardForms.Symmetric(Bits, true, new IntegerRange(-Most, Most), call.Parameter(0)))
        : base.Export(call);

    /// <summary>d = √v + ε of each weight; empty where there are no second moments.</summary>
    internal static float[] Weights(MethodCall call)
    {
        float[] d = new float[call.Curvature.Length];
        LaneMap.Map(default(Root), call.Curvature.Span, d);
        return d;
    }

    private protected override LevelTable Table(MethodCall call) => LevelTable.Nearest(Logarithmic ? Most + 1 : Bits, Levels, [call.Parameter(0)[0]]);

    private protected override float Bound(Shape shape) => 1;

    private static float Positive(float scale) => Math.Max(scale, LevelTable.SmallestScale);

    private readonly struct Difference : ILaneFunction2
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a - b;
    }

    private readonly struct Sum : ILaneFunction2
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a + b;
    }

    private readonly struct Root : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Sqrt(x) + T.Create(Epsilon);
    }
}
