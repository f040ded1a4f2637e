using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Extremely low bit networks by ADMM (Leng et al., 2018): weights w stay real in training and are pulled to G = α·Q by the gradient ρ·(w − G + λ); every so many epochs G becomes the nearest
/// α·levels to w + λ (exactly, over α too) and λ grows by w − G. Levels: 1 bit {±1}, 2 bits {0, ±1}, 3 bits with ±2, 4 bits with ±4. From a share of the run on w stays what G, projected once more, then is, and only the
/// rest of the network learns. The steps between are those of the run's optimizer; the paper's is <c>Training.Extragradient</c>.
/// </summary>
public sealed record Admm : FewLevelMethod
{
    private const int Target = 1;
    private const int Dual = 2;

    /// <summary>ρ; so large that weights come to G within a few epochs, or λ grows before they move.</summary>
    public float Penalty { get; init; } = 1e-2f;

    /// <summary>Epochs between two projections.</summary>
    public int EveryEpochs { get; init; } = 1;

    /// <summary>Share of the run from which on weights are G, in (0, 1].</summary>
    public float FreezeAt { get; init; } = 0.7f;

    /// <inheritdoc/>
    public override string Name => "ADMM";

    /// <inheritdoc/>
    public override int LevelCount => Bits == 1 ? 2 : (2 * Levels.Length) - 1;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Penalty, EveryEpochs, FreezeAt];

    /// <inheritdoc/>
    public override ImmutableArray<MethodParameter> Parameters =>
        [new("scale", Role: ParameterRole.Measured), new("target", 0, ParameterRole.Measured), new("dual", 0, ParameterRole.Measured)];

    /// <inheritdoc/>
    public override bool ActsAfterStep => true;

    /// <summary>True: until the freeze, which a run may not come to, normalizations see weights that are not those of the exported network.</summary>
    public override bool OutrunsStatistics => true;

    /// <summary>False: weights are pulled to G.</summary>
    public override bool TakesDecay => false;

    private float[] Levels => Bits switch
    {
        1 => [1],
        2 => [0, 1],
        3 => [0, 1, 2],
        _ => [0, 1, 2, 4],
    };

    /// <inheritdoc/>
    public override void Check()
    {
        if (!(Penalty > 0) || EveryEpochs < 1 || FreezeAt is not (> 0 and <= 1))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                FormattableString.Invariant($"{Name}: expected {nameof(Penalty)} above 0, {nameof(EveryEpochs)} from 1 and {nameof(FreezeAt)} in (0, 1], found {Penalty}, {EveryEpochs} and {FreezeAt}."));
        }
    }

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters) => Project(sample.Values<float>(), parameters);

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        LaneMap.Map(default(Sum), call.Values.Slice(begin, y.Length), call.Parameter(Dual).Slice(begin, y.Length), y);
        ((LevelTable)prepared!).Write(y, 0, y);
    }

    /// <inheritdoc/>
    public override void Forward(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        if (IsFrozen(call.Context, call.Context.Step))
        {
            Harden(call, prepared, begin, y);
        }
        else
        {
            call.Values.Slice(begin, y.Length).CopyTo(y);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        if (IsFrozen(call.Context, call.Context.Step))
        {
            dx.Clear();
            return;
        }

        LaneMap.Map(default(Difference), call.Values.Slice(begin, g.Length), call.Parameter(Target).Slice(begin, g.Length), dx);
        LaneMap.Map(default(Sum), dx, call.Parameter(Dual).Slice(begin, g.Length), dx);
        LaneMap.Map(new Scaled(Penalty), dx, g, dx);
    }

    /// <inheritdoc/>
    public override void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        long done = call.Context.Step + 1;
        if (IsFrozen(call.Context, call.Context.Step))
        {
            before.CopyTo(weights);
        }
        else if (IsFrozen(call.Context, done))
        {
            Turn(weights, call.Parameters);
            call.Parameter(Target).CopyTo(weights);
            call.Parameters[Dual].Writable<float>().Clear();
        }
        else if (done % (call.Context.StepsPerEpoch * EveryEpochs) == 0)
        {
            Turn(weights, call.Parameters);
        }
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        float[] v = new float[call.Values.Length];
        LaneMap.Map(default(Sum), call.Values, call.Parameter(Dual), v);
        return Table(call).Export(call.X.Shape, v);
    }

    private protected override LevelTable Table(MethodCall call) => LevelTable.Nearest(Bits, Levels, [call.Parameter(0)[0]]);

    private bool IsFrozen(MethodContext context, long step) => FreezeAt < 1 && step >= FreezeAt * (double)(context.StepsPerEpoch * context.Epochs);

    /// <summary>G ← nearest to w + λ; λ ← λ + w − G.</summary>
    private void Turn(ReadOnlySpan<float> weights, Tensor[] parameters)
    {
        Span<float> dual = parameters[Dual].Writable<float>();
        LaneMap.Map(default(Sum), weights, dual, dual);
        Project(dual, parameters);
        LaneMap.Map(default(Difference), dual, parameters[Target].Values<float>(), dual);
    }

    /// <summary>Scale and target from values.</summary>
    private void Project(ReadOnlySpan<float> values, Tensor[] parameters)
    {
        float scale = Math.Max(ScaledLevels.Start(values, Levels), LevelTable.SmallestScale);
        parameters[0].Writable<float>()[0] = scale;
        LevelTable.Nearest(Bits, Levels, [scale]).Write(values, 0, parameters[Target].Writable<float>());
    }

    private readonly struct Sum : ILaneFunction2
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a + b;
    }

    private readonly struct Difference : ILaneFunction2
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a - b;
    }

    private readonly struct Scaled(float factor) : ILaneFunction2
    {
        public T Of<T>(T pull, T g)
            where T : unmanaged, ILanes<T> => g + (T.Create(factor) * pull);
    }
}
