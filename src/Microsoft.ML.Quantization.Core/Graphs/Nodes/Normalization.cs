using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// x [N, C, ..], scale γ, shift β, mean μ, variance σ² (each [C]): m = γ / √(σ² + ε), y = fma(x, m, β − μ·m) with
/// m and the offset c = fl(β − fl(μ·m)) computed once a channel in float32. By shifts (Hubara et al., 2016, algorithm 3), m = p(γ)·p(1/√(σ² + ε)), p the nearest power of two in the logarithm.
/// </summary>
public sealed record BatchNormalization : Node
{
    /// <summary>ε.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>Whether factors are powers of two; training then measures the variance as mean((x − μ)·p(x − μ)).</summary>
    public bool IsByShifts { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        attributes.Set("epsilon", Epsilon);
        if (IsByShifts)
        {
            attributes.Set("shifts", IsByShifts);
        }
    }

    /// <summary>m of a channel.</summary>
    internal float Multiplier(float scale, float variance) => IsByShifts
        ? PowerOfTwo.Nearest(scale) * PowerOfTwo.Nearest(1 / MathF.Sqrt(variance + Epsilon))
        : scale / MathF.Sqrt(variance + Epsilon);

    internal static BatchNormalization Read(NodeAttributes a) => new() { Epsilon = a.Float("epsilon"), IsByShifts = a.Has("shifts") && a.Flag("shifts") };
}

/// <summary>
/// Over the axes from <see cref="Axis"/> on, n values: (x − mean) / √(variance + ε) · γ + β; inputs x, γ, optional β. Every step rounded:
/// mean = fl(Σ x / n), d = fl(x − mean), variance = fl(Σ fl(d·d) / n), r = fl(1 / √fl(variance + ε)), y = fl(fl(fl(d·r)·γ) + β); Σ in 16 strided lanes from +0, tree 8-4-2-1.
/// </summary>
public sealed record LayerNormalization : Node
{
    /// <summary>First normalised axis.</summary>
    public int Axis { get; init; } = -1;

    /// <summary>ε.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("axis", Axis).Set("epsilon", Epsilon);

    internal static LayerNormalization Read(NodeAttributes a) => new() { Axis = a.Int("axis"), Epsilon = a.Float("epsilon") };
}

/// <summary>x [N, C, spatial], γ [C], β [C]: normalised over the spatial axes of each image and channel, with the steps of <see cref="LayerNormalization"/>.</summary>
public sealed record InstanceNormalization : Node
{
    /// <summary>ε.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("epsilon", Epsilon);

    internal static InstanceNormalization Read(NodeAttributes a) => new() { Epsilon = a.Float("epsilon") };
}

/// <summary>
/// Local response normalization across channels: y = x / (bias + α/size · Σ x²)^β over the window [c − ⌊(size−1)/2⌋, c + ⌈(size−1)/2⌉]: one chain s = fma(x, x, s) from +0,
/// channels ascending, then y = fl(x / pow(fma(fl(α / size), s, bias), β)).
/// </summary>
public sealed record LocalResponseNormalization : Node
{
    /// <summary>Channels in a window.</summary>
    public required int Size { get; init; }

    /// <summary>α.</summary>
    public float Alpha { get; init; } = 1e-4f;

    /// <summary>β.</summary>
    public float Beta { get; init; } = 0.75f;

    /// <summary>The constant under the power.</summary>
    public float Bias { get; init; } = 1;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("size", Size).Set("alpha", Alpha).Set("beta", Beta).Set("bias", Bias);

    internal static LocalResponseNormalization Read(NodeAttributes a)
        => new() { Size = a.Int("size"), Alpha = a.Float("alpha"), Beta = a.Float("beta"), Bias = a.Float("bias") };
}

/// <summary>
/// exp(x − max) / Σ exp(x − max) along one axis, or its logarithm: max as in <see cref="Reduce"/>, d = fl(x − max), e = exp(d), Σ e in 16 strided lanes from +0 and the tree
/// 8-4-2-1, then fl(e / Σ) or fl(d − log Σ).
/// </summary>
public sealed record Softmax : Node
{
    /// <summary>The axis.</summary>
    public int Axis { get; init; } = -1;

    /// <summary>Whether the logarithm is wanted.</summary>
    public bool Logarithm { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("axis", Axis).Set("logarithm", Logarithm);

    internal static Softmax Read(NodeAttributes a) => new() { Axis = a.Int("axis"), Logarithm = a.Flag("logarithm") };
}
