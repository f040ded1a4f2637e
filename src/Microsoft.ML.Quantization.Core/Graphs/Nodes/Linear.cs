using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// Convolution: inputs x [N, C, spatial], w [O, C/g, kernel], optional b [O] → [N, O, spatial']; each output is one chain
/// acc = fma(x, w, acc) from +0 in the order (kernel, c), taps in padding skipped, then + b (+0 where there is none), then the activation.
/// </summary>
public sealed record Convolution : Node
{
    /// <summary>The window.</summary>
    public required Window Window { get; init; }

    /// <summary>Number of groups.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Clamp behind it.</summary>
    public Activation Activation { get; init; } = Activation.None;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        Window.Describe(attributes);
        attributes.Set("groups", Groups);
        Activation.Describe(attributes);
    }

    internal static Convolution Read(NodeAttributes a) => new() { Window = Window.Read(a), Groups = a.Int("groups"), Activation = Activation.Read(a) };
}

/// <summary>
/// Transposed convolution: x [N, C, spatial], w [C, O/g, kernel], optional b [O]. Output element (o, p) is one fma chain from +0 over the
/// pairs (tap, c) with p + padBegin = stride · i + dilation · tap for an input position i inside the image, in the order (kernel, c); then + b (+0 where there is none).
/// </summary>
public sealed record ConvolutionTranspose : Node
{
    /// <summary>The window; strides and pads are those of the convolution it transposes.</summary>
    public required Window Window { get; init; }

    /// <summary>Extra size behind each spatial axis.</summary>
    public required ImmutableArray<int> OutputPadding { get; init; }

    /// <summary>Number of groups.</summary>
    public int Groups { get; init; } = 1;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        Window.Describe(attributes);
        attributes.Set("outputPadding", OutputPadding).Set("groups", Groups);
    }

    internal static ConvolutionTranspose Read(NodeAttributes a) => new() { Window = Window.Read(a), OutputPadding = a.Ints("outputPadding"), Groups = a.Int("groups") };
}

/// <summary>Dense layer: x [.., K], w [O, K] (a constant), optional b [O] → [.., O]; one fma chain from +0 over k ascending, then + b (+0 where there is none), then the activation.</summary>
public sealed record Dense : Node
{
    /// <summary>Clamp behind it.</summary>
    public Activation Activation { get; init; } = Activation.None;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => Activation.Describe(attributes);

    internal static Dense Read(NodeAttributes a) => new() { Activation = Activation.Read(a) };
}

/// <summary>Matrix product of two values with broadcasting of the leading axes, as numpy's matmul; one fma chain from +0 over k ascending.</summary>
public sealed record MatMul : Node
{
    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        // No attributes.
    }
}
