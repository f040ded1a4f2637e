using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>Joins values along an axis. Codes must share one quantizer.</summary>
public sealed record Concat : Node
{
    /// <summary>The axis.</summary>
    public required int Axis { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("axis", Axis);

    internal static Concat Read(NodeAttributes a) => new() { Axis = a.Int("axis") };
}

/// <summary>A part of x: for each listed axis, positions start, start + step, .. before end. Starts and ends as ONNX: negative from the back, clamped.</summary>
public sealed record Slice : Node
{
    /// <summary>Starts.</summary>
    public required ImmutableArray<int> Starts { get; init; }

    /// <summary>Ends, excluded.</summary>
    public required ImmutableArray<int> Ends { get; init; }

    /// <summary>Axes, normalised.</summary>
    public required ImmutableArray<int> Axes { get; init; }

    /// <summary>Steps, not 0.</summary>
    public required ImmutableArray<int> Steps { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("starts", Starts).Set("ends", Ends).Set("axes", Axes).Set("steps", Steps);

    internal static Slice Read(NodeAttributes a) => new() { Starts = a.Ints("starts"), Ends = a.Ints("ends"), Axes = a.Ints("axes"), Steps = a.Ints("steps") };
}

/// <summary>Cuts x along an axis into parts of the given sizes, one output a part.</summary>
public sealed record Split : Node
{
    /// <summary>The axis.</summary>
    public required int Axis { get; init; }

    /// <summary>Sizes; they sum to the axis.</summary>
    public required ImmutableArray<int> Sizes { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("axis", Axis).Set("sizes", Sizes);

    internal static Split Read(NodeAttributes a) => new() { Axis = a.Int("axis"), Sizes = a.Ints("sizes") };
}

/// <summary>How <see cref="Pad"/> fills. Numbers are part of the file format.</summary>
public enum PadMode
{
    /// <summary>One value.</summary>
    Constant = 1,

    /// <summary>Mirrored without the edge.</summary>
    Reflect = 2,

    /// <summary>The edge repeated.</summary>
    Edge = 3,
}

/// <summary>Pads (or, with negative numbers, crops) every axis.</summary>
public sealed record Pad : Node
{
    /// <summary>How it fills.</summary>
    public PadMode Mode { get; init; } = PadMode.Constant;

    /// <summary>Elements before each axis.</summary>
    public required ImmutableArray<int> Before { get; init; }

    /// <summary>Elements behind each axis.</summary>
    public required ImmutableArray<int> After { get; init; }

    /// <summary>The value of constant padding: a real for floats, a code (an integer) for codes.</summary>
    public float Value { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("mode", Mode).Set("before", Before).Set("after", After).Set("value", Value);

    internal static Pad Read(NodeAttributes a)
        => new() { Mode = a.Enum<PadMode>("mode"), Before = a.Ints("before"), After = a.Ints("after"), Value = a.Float("value") };
}

/// <summary>Slices of x along an axis, picked by int64 indices (negative from the back): shape = x[..axis] + indices + x[axis+1..].</summary>
public sealed record Gather : Node
{
    /// <summary>The axis.</summary>
    public int Axis { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("axis", Axis);

    internal static Gather Read(NodeAttributes a) => new() { Axis = a.Int("axis") };
}

/// <summary>Output axis i is input axis Permutation[i].</summary>
public sealed record Transpose : Node
{
    /// <summary>The permutation.</summary>
    public required ImmutableArray<int> Permutation { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("permutation", Permutation);

    internal static Transpose Read(NodeAttributes a) => new() { Permutation = a.Ints("permutation") };
}

/// <summary>The same values under another shape. In <see cref="Target"/>, 0 copies the input's dimension at that place and −1 (once) takes the rest. An empty dimension cannot be written.</summary>
public sealed record Reshape : Node
{
    /// <summary>The wanted dimensions.</summary>
    public required ImmutableArray<int> Target { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("target", Target);

    internal static Reshape Read(NodeAttributes a) => new() { Target = a.Ints("target") };
}

/// <summary>Broadcasts x against the given dimensions, as numpy (a 1 in the target keeps the input's size; −1 is the free batch).</summary>
public sealed record Expand : Node
{
    /// <summary>The dimensions to broadcast with.</summary>
    public required ImmutableArray<int> Target { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("target", Target);

    internal static Expand Read(NodeAttributes a) => new() { Target = a.Ints("target") };
}

/// <summary>Interpolation of <see cref="Resize"/>. Numbers are part of the file format.</summary>
public enum ResizeMode
{
    /// <summary>Nearest sample.</summary>
    Nearest = 1,

    /// <summary>Linear in each axis.</summary>
    Linear = 2,

    /// <summary>Cubic convolution in each axis.</summary>
    Cubic = 3,
}

/// <summary>How an output position maps to the input, ONNX's coordinate_transformation_mode. Numbers are part of the file format.</summary>
public enum ResizeCoordinates
{
    /// <summary>(x + ½)/scale − ½.</summary>
    HalfPixel = 1,

    /// <summary>x / scale.</summary>
    Asymmetric = 2,

    /// <summary>x · (in − 1)/(out − 1); 0 for one output.</summary>
    AlignCorners = 3,

    /// <summary>As HalfPixel, 0 for one output.</summary>
    PytorchHalfPixel = 4,

    /// <summary>HalfPixel with the symmetric correction of opset 19.</summary>
    HalfPixelSymmetric = 5,
}

/// <summary>How a nearest position rounds, ONNX's nearest_mode. Numbers are part of the file format.</summary>
public enum ResizeNearest
{
    /// <summary>Half down.</summary>
    RoundPreferFloor = 1,

    /// <summary>Half up.</summary>
    RoundPreferCeil = 2,

    /// <summary>Down.</summary>
    Floor = 3,

    /// <summary>Up.</summary>
    Ceil = 4,
}

/// <summary>
/// Resizes x to the given sizes (0 keeps an axis). All in float32, every step rounded. Linear and cubic go axis by axis, the last axis first. Nearest: the position rounded by
/// <see cref="Nearest"/> (ceil(p − ½), floor(p + ½), floor p, ceil p), clamped. Linear: p clamped to [0, n − 1], i = ⌊p⌋, t = p − i, y = fma(t, x[i + 1], fl((1 − t)·x[i])), x[n] = x[n − 1].
/// Cubic: i = ⌊p⌋, t = p − i, the taps i − 1 .. i + 2 (outside: the edge) with weights far(t + 1), near(t), near(1 − t), far(2 − t), near(u) = ((a + 2)u − (a + 3))u·u + 1,
/// far(u) = ((a·u − 5a)u + 8a)u − 4a, one chain acc = fma(w, x, acc) from +0; with <see cref="ExcludeOutside"/> weights outside are 0 and each is divided by their sum.
/// </summary>
public sealed record Resize : Node
{
    /// <summary>Interpolation.</summary>
    public required ResizeMode Mode { get; init; }

    /// <summary>Coordinates.</summary>
    public required ResizeCoordinates Coordinates { get; init; }

    /// <summary>Rounding of nearest.</summary>
    public ResizeNearest Nearest { get; init; } = ResizeNearest.RoundPreferFloor;

    /// <summary>The cubic coefficient a.</summary>
    public float CubicCoefficient { get; init; } = -0.75f;

    /// <summary>Whether taps outside the image are left out and the weights renormalised.</summary>
    public bool ExcludeOutside { get; init; }

    /// <summary>Output size of each axis; 0 keeps the input's.</summary>
    public required ImmutableArray<int> Sizes { get; init; }

    /// <summary>The scale of each axis used in the coordinate formula (out/in unless the file gave another).</summary>
    public required ImmutableArray<float> Scales { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes
        .Set("mode", Mode).Set("coordinates", Coordinates).Set("nearest", Nearest).Set("cubic", CubicCoefficient)
        .Set("excludeOutside", ExcludeOutside).Set("sizes", Sizes).Set("scales", Scales);

    internal static Resize Read(NodeAttributes a) => new()
    {
        Mode = a.Enum<ResizeMode>("mode"),
        Coordinates = a.Enum<ResizeCoordinates>("coordinates"),
        Nearest = a.Enum<ResizeNearest>("nearest"),
        CubicCoefficient = a.Float("cubic"),
        ExcludeOutside = a.Flag("excludeOutside"),
        Sizes = a.Ints("sizes"),
        Scales = a.Floats("scales"),
    };
}
