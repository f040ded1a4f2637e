using System;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// Weights with the factor of a batch normalization folded in (Jacob et al., 2018, section 3.2), for training: inputs w [O, ..], γ [O] and the running variance σ² [O]; y = fl(w · m), m = fl(γ / √fl(σ² + ε)).
/// <see cref="Passes.HardenQuantizers"/> makes a constant of it.
/// </summary>
public sealed record FoldedWeights : Node
{
    /// <summary>ε.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("epsilon", Epsilon);

    /// <summary>m of a channel.</summary>
    internal float Multiplier(float scale, float variance) => scale / MathF.Sqrt(variance + Epsilon);

    /// <summary>The folded weights.</summary>
    /// <param name="inputs">w, γ and σ².</param>
    /// <param name="result">Written, of the shape of w.</param>
    internal void Evaluate(Tensor[] inputs, Tensor result)
    {
        int length = inputs[0].Shape.CountOf(1, inputs[0].Shape.Rank);
        ReadOnlySpan<float> w = inputs[0].Values<float>();
        Span<float> y = result.Writable<float>();
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = w[i] * Multiplier(inputs[1].Values<float>()[i / length], inputs[2].Values<float>()[i / length]);
        }
    }

    internal static FoldedWeights Read(NodeAttributes a) => new() { Epsilon = a.Float("epsilon") };
}

/// <summary>
/// What is left of a batch normalization behind a layer whose weights hold its factor, for training: inputs y (the layer with folded, quantized weights), y₀ (the layer with its own weights, without
/// quantizer), γ, β, running μ and σ² [C]. Evaluated y + fl(β − fl(μ · m)), m = fl(γ / √fl(σ² + ε)), a bias; y₀ is not looked at. Training corrects y to what the statistics of y₀ over the batch give, until a share of
/// the run from which on it does what evaluation does (Jacob et al., 2018, section 3.2; Krishnamoorthi, 2018, section 3.2.2).
/// </summary>
public sealed record FoldedNormalization : Node
{
    /// <summary>ε.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>Share of the run from which on running statistics stand still and are used, in [0, 1].</summary>
    public required float FreezeAt { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("epsilon", Epsilon).Set("freeze", FreezeAt);

    /// <summary>The offset of evaluation in each channel.</summary>
    /// <param name="inputs">All inputs of the node; the first two are not looked at.</param>
    internal float[] Offsets(Tensor?[] inputs)
    {
        var offsets = new float[inputs[2]!.Shape[0]];
        for (int c = 0; c < offsets.Length; c++)
        {
            float shift = inputs[4]!.Values<float>()[c] * (inputs[2]!.Values<float>()[c] / MathF.Sqrt(inputs[5]!.Values<float>()[c] + Epsilon));
            offsets[c] = inputs[3]!.Values<float>()[c] - shift;
        }

        return offsets;
    }

    /// <summary>Evaluation.</summary>
    /// <param name="inputs">All inputs, row-major.</param>
    /// <param name="result">Written, of the shape of y.</param>
    internal void Evaluate(Tensor[] inputs, Tensor result)
    {
        float[] offsets = Offsets(inputs);
        Shape shape = inputs[0].Shape;
        int pixels = shape.CountOf(2, shape.Rank);
        ReadOnlySpan<float> x = inputs[0].Values<float>();
        Span<float> y = result.Writable<float>();
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = x[i] + offsets[i / pixels % offsets.Length];
        }
    }

    internal static FoldedNormalization Read(NodeAttributes a) => new() { Epsilon = a.Float("epsilon"), FreezeAt = a.Float("freeze") };
}
