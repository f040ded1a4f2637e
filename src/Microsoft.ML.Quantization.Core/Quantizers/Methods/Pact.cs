using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Parameterized clipping of activations (Choi et al., 2018): y = (α/n)·round(clamp(x·n/α, 0, n)), n = 2^k − 1, α learned: ∂y/∂α = 1 where x ≥ α, else 0; the loss holds λ/2·α².
/// x passes where 0 ≤ x &lt; α. It is the nonlinearity itself. α begins at the 99.9 % quantile of a sample, or at a given value (10 in the paper).
/// </summary>
public sealed record Pact : QuantizationMethod
{
    private const double InitialShare = 0.999;

    /// <summary>α at the beginning; 0 takes it from the sample.</summary>
    public float InitialClip { get; init; }

    /// <summary>λ, from 0. The paper takes the decay of the weights, 1e-4 to 2e-4.</summary>
    public float Decay { get; init; } = 1e-4f;

    /// <summary>Whether α also gets round(u) − u inside the range, over n, as a learned step does; for an α that stalls.</summary>
    public bool FullResidual { get; init; }

    /// <inheritdoc/>
    public override string Name => "PACT";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <inheritdoc/>
    public override bool IsNonlinearity => true;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, InitialClip, Decay, FullResidual ? 1 : 0];

    /// <inheritdoc/>
    public override ImmutableArray<MethodParameter> Parameters => [new("clip", Decay: Decay, Minimum: 1e-6f)];

    private int Steps => (1 << Bits) - 1;

    /// <inheritdoc/>
    public override void Initialize(Tensor sample, Tensor[] parameters)
    {
        float found = InitialClip > 0 ? InitialClip : Samples.Quantile(Samples.Sorted(sample.Values<float>()), InitialShare);
        parameters[0].Writable<float>()[0] = found > 0 ? found : 1;
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
        => UniformGrid.Quantize(call.Values.Slice(begin, y.Length), Step(call), 0, Steps, y);

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        ReadOnlySpan<float> x = call.Values.Slice(begin, g.Length);
        float step = Step(call);
        LaneMap.Map(new Within(step, Steps), x, g, dx);
        sums[0] += FullResidual ? UniformGrid.StepSum(x, step, 0, Steps, g) / Steps : UniformGrid.AboveSum(x, step, Steps, g);
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call) => new HardForm.Uniform(HardForms.Symmetric(Bits, false, IntegerRange.Unsigned(Bits), [Step(call)]));

    /// <inheritdoc/>
    public override void Check() => MethodChecks.Require(InitialClip >= 0 && Decay >= 0, this);

    private float Step(MethodCall call) => call.Parameter(0)[0] / Steps;

    private readonly struct Within(float step, float high) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T u = x / T.Create(step);
            T passes = T.Select(T.Less(u, T.Create(0)), T.Create(0), T.Less(u, T.Create(high)) & g);
            return T.Select(T.Same(u, u), passes, u);
        }
    }
}
