using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Feasible target propagation by mini-batches (Friesen and Domingos, 2018): the target of a sign is t = −sgn(g), its gradient that of a loss ℓ(x, t) of the layer. Soft hinge
/// 1 + tanh(−t·x) has the slope 1 − tanh²x, saturated hinge clip(1 − t·x, 0, 2) the slope 1[|x| ≤ 1]. Scaled by |g| that is a surrogate; unscaled, dx = sgn(g)·slope/rows. With 2 and 3 bits (their
/// qReLU) the staircase of m = 3 and 7 steps to 1: y = round(m·clip(x, 0, 1))/m, a mean of m signs around (i − ½)/m, each with its own slope at u = 2m·x − (2i − 1), so that the windows of the
/// saturated hinge lie side by side; it takes the place of a rectifier.
/// </summary>
public sealed record TargetPropagation : SignMethod
{
    /// <summary>The soft hinge instead of the saturated one.</summary>
    public bool Soft { get; init; } = true;

    /// <summary>Whether only the sign of g counts.</summary>
    public bool SignOnly { get; init; }

    /// <inheritdoc/>
    public override string Name => "FTP-A";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, Signed ? 1 : 0, Soft ? 1 : 0, SignOnly ? 1 : 0];

    /// <inheritdoc/>
    public override bool IsNonlinearity => Bits > 1;

    /// <inheritdoc/>
    public override QuantizationMethod For(bool signed) => Bits == 1 ? base.For(signed) : this;

    /// <inheritdoc/>
    public override void Check()
    {
        if (Bits > 1 && !Signed)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{Name}.{nameof(Signed)}: expected true for {Bits} bits, whose levels begin at 0 anyway, found false."));
        }
    }

    private int Steps => (1 << Bits) - 1;

    private Estimator Slope => Soft ? Estimator.Tanh(1, 1) : Estimator.Clip();

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        if (Bits == 1)
        {
            base.Harden(call, prepared, begin, y);
        }
        else
        {
            UniformGrid.Quantize(call.Values.Slice(begin, y.Length), 1f / Steps, 0, Steps, y);
        }
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call) => Bits == 1
        ? base.Export(call)
        : new HardForm.Uniform(HardForms.Symmetric(Bits, false, IntegerRange.Unsigned(Bits), [1f / Steps]));

    private protected override LevelTable Table(MethodCall call) => LevelTable.Signs([0], [1]);

    private protected override void OfActivations(MethodCall call, ReadOnlySpan<float> x, ReadOnlySpan<float> g, Span<float> dx)
    {
        if (SignOnly)
        {
            float[] targets = new float[g.Length];
            LaneMap.Map(new Direction(1f / call.X.Shape[0]), g, targets);
            g = targets;
        }

        if (Bits == 1)
        {
            Slope.Pass(x, g, dx);
            return;
        }

        float[] place = new float[x.Length];
        float[] part = new float[x.Length];
        dx.Clear();
        for (int i = 1; i <= Steps; i++)
        {
            LaneMap.Map(new Shifted(2 * Steps, (2 * i) - 1), x, place);
            Slope.Pass(place, g, part);
            LaneMap.Map(default(Plus), part, dx, dx);
        }
    }

    private readonly struct Direction(float size) : ILaneFunction
    {
        public T Of<T>(T g)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(g, T.Create(0)), T.Create(-size), T.Select(T.Less(T.Create(0), g), T.Create(size), g));
    }

    private readonly struct Shifted(float factor, float shift) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => (x * T.Create(factor)) - T.Create(shift);
    }

    private readonly struct Plus : ILaneFunction2
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a + b;
    }
}
