using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// Convolution of codes: x (per tensor), w (a constant), optional bias int32 [O] → int32 accumulators = bias + Σ value(x)·value(w), value(c) being c − z, or 2c − (2^bits − 1)
/// for mid-rise codes. A tap in padding contributes 0. Zero points are those of the inputs' quantizers. The sum is exact.
/// </summary>
public sealed record IntegerConvolution : Node
{
    /// <summary>The window.</summary>
    public required Window Window { get; init; }

    /// <summary>Number of groups.</summary>
    public int Groups { get; init; } = 1;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        Window.Describe(attributes);
        attributes.Set("groups", Groups);
    }

    internal static IntegerConvolution Read(NodeAttributes a) => new() { Window = Window.Read(a), Groups = a.Int("groups") };
}

/// <summary>Dense layer of codes: x [.., K] (per tensor), w [O, K] (a constant), optional bias int32 [O] → int32 accumulators, as <see cref="IntegerConvolution"/>.</summary>
public sealed record IntegerDense : Node
{
    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        // No attributes.
    }
}

/// <summary>
/// Matrix product of two values of codes (each per tensor, of up to 8 bits), their leading axes broadcast as by <see cref="MatMul"/> → int32 = Σ (a − za)·(b − zb), exact.
/// With at most <see cref="LongestDepth"/> products in a sum, every order of summation stays inside int32, whatever the codes: neither 255 · 255 · K, nor 2 · 255 · 128 · K, which
/// bounds sums of a·(b − z') and the correction za·Σ (b − z') together, reaches 2^31.
/// </summary>
public sealed record IntegerMatMul : Node
{
    /// <summary>The longest sum that is proved to fit 32 bits.</summary>
    public const int LongestDepth = 1 << 15;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        // No attributes.
    }
}

/// <summary>
/// Dense layer with weights in groups and floats in and out: x [.., K] floats, w [O, K] constant codes of 2 to 8 bits with a scale t[o, g] for each run of GroupSize inputs and
/// zero points 0, optional constant b [O] → [.., O]. Each row is quantized by itself to 8 bits: s = fl(max|x| / 127), 1 where that is 0;
/// q[k] = halfToEven(clamp(fl(x[k] / s), −127, 127)). Then d[g] = Σ q[k] · w[o, k] over the group, exact in int32; acc = fma(float(d[g]), t[o, g], acc) from +0,
/// g ascending; y = fl(fl(acc · s) + b) (+0 where there is none), then the activation. A row that holds a NaN or an infinity gives NaN in all its outputs.
/// With <see cref="FloatInputs"/> only the weights are quantized: acc = fma(x[k], fl(t[o, g] · w[o, k]), acc) from +0, k ascending; y = fl(acc + b), then the activation.
/// </summary>
public sealed record GroupedDense : Node
{
    /// <summary>The longest group whose sum of products, at most 127 · 128 each, is proved to fit 32 bits.</summary>
    public const int LongestGroup = 1 << 17;

    /// <summary>Clamp behind it.</summary>
    public Activation Activation { get; init; } = Activation.None;

    /// <summary>Whether inputs stay float instead of being quantized row by row.</summary>
    public bool FloatInputs { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        Activation.Describe(attributes);
        if (FloatInputs)
        {
            attributes.Set("floatInputs", FloatInputs);
        }
    }

    internal static GroupedDense Read(NodeAttributes a) => new() { Activation = Activation.Read(a), FloatInputs = a.Has("floatInputs") && a.Flag("floatInputs") };
}

/// <summary>
/// The step to new codes by <see cref="Requantization.Apply"/>, one multiplier and offset for each index of <see cref="Axis"/> (or one for all). The input is an int32
/// accumulator, or codes, whose values count. Into mid-rise codes t counts in codes, so that m holds 1 / (2·sy) and b the middle (2^bits − 1) / 2; one mid-rise bit, whose
/// ties go up, is the work of thresholds.
/// </summary>
public sealed record Requantize : Node
{
    /// <summary>m: 1 number, or one a channel.</summary>
    public required ImmutableArray<float> Multipliers { get; init; }

    /// <summary>b: as many as multipliers, in units of the new codes.</summary>
    public required ImmutableArray<float> Offsets { get; init; }

    /// <summary>The channel axis.</summary>
    public int Axis { get; init; } = 1;

    /// <summary>Lowest code written (a fused activation may lie above the quantizer's range).</summary>
    public required int Minimum { get; init; }

    /// <summary>Highest code written.</summary>
    public required int Maximum { get; init; }

    /// <summary>The codes written.</summary>
    public required AffineQuantization Result { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes
        .Set("multipliers", Multipliers).Set("offsets", Offsets).Set("axis", Axis).Set("minimum", Minimum).Set("maximum", Maximum).Set("result", Result);

    internal static Requantize Read(NodeAttributes a) => new()
    {
        Multipliers = a.Floats("multipliers"),
        Offsets = a.Floats("offsets"),
        Axis = a.Int("axis"),
        Minimum = a.Int("minimum"),
        Maximum = a.Int("maximum"),
        Result = a.Affine("result"),
    };
}

/// <summary>Accumulator to float: y = fl(fl(float(acc) · m) + b), then the activation; m and b for each index of <see cref="Axis"/>.</summary>
public sealed record DequantizeAccumulator : Node
{
    /// <summary>m: 1 number, or one a channel.</summary>
    public required ImmutableArray<float> Multipliers { get; init; }

    /// <summary>b: as many as multipliers, reals.</summary>
    public required ImmutableArray<float> Offsets { get; init; }

    /// <summary>The channel axis.</summary>
    public int Axis { get; init; } = 1;

    /// <summary>Clamp behind it.</summary>
    public Activation Activation { get; init; } = Activation.None;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        attributes.Set("multipliers", Multipliers).Set("offsets", Offsets).Set("axis", Axis);
        Activation.Describe(attributes);
    }

    internal static DequantizeAccumulator Read(NodeAttributes a)
        => new() { Multipliers = a.Floats("multipliers"), Offsets = a.Floats("offsets"), Axis = a.Int("axis"), Activation = Activation.Read(a) };
}

/// <summary>Residual add of two codes of equal shape (or broadcast) by <see cref="Requantization.Add"/>: ma = sa/sy, mb = sb/sy in float.</summary>
public sealed record IntegerAdd : Node
{
    /// <summary>ma.</summary>
    public required float LeftMultiplier { get; init; }

    /// <summary>mb.</summary>
    public required float RightMultiplier { get; init; }

    /// <summary>Lowest code written.</summary>
    public required int Minimum { get; init; }

    /// <summary>Highest code written.</summary>
    public required int Maximum { get; init; }

    /// <summary>The codes written.</summary>
    public required AffineQuantization Result { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes
        .Set("left", LeftMultiplier).Set("right", RightMultiplier).Set("minimum", Minimum).Set("maximum", Maximum).Set("result", Result);

    internal static IntegerAdd Read(NodeAttributes a) => new()
    {
        LeftMultiplier = a.Float("left"),
        RightMultiplier = a.Float("right"),
        Minimum = a.Int("minimum"),
        Maximum = a.Int("maximum"),
        Result = a.Affine("result"),
    };
}

/// <summary>Product of two codes of equal shape (or broadcast): tail(fl(float((a − za)·(b − zb)) · m)), m = sa·sb/sy.</summary>
public sealed record IntegerMultiply : Node
{
    /// <summary>m.</summary>
    public required float Multiplier { get; init; }

    /// <summary>Lowest code written.</summary>
    public required int Minimum { get; init; }

    /// <summary>Highest code written.</summary>
    public required int Maximum { get; init; }

    /// <summary>The codes written.</summary>
    public required AffineQuantization Result { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes
        .Set("multiplier", Multiplier).Set("minimum", Minimum).Set("maximum", Maximum).Set("result", Result);

    internal static IntegerMultiply Read(NodeAttributes a)
        => new() { Multiplier = a.Float("multiplier"), Minimum = a.Int("minimum"), Maximum = a.Int("maximum"), Result = a.Affine("result") };
}

/// <summary>
/// Mean of each window of codes: sum = Σ (x − zx) over the taps inside, code = tail(fl(float(sum) · fl(Multiplier / n))), Multiplier = sx/sy, n as in
/// <see cref="AveragePool"/>. <see cref="IsGlobal"/> takes all spatial positions as one window.
/// </summary>
public sealed record IntegerAveragePool : Node
{
    /// <summary>The window; ignored when <see cref="IsGlobal"/>.</summary>
    public required Window Window { get; init; }

    /// <summary>As in <see cref="MaxPool"/>.</summary>
    public bool CeilMode { get; init; }

    /// <summary>As in <see cref="AveragePool"/>.</summary>
    public bool CountPadding { get; init; }

    /// <summary>One window over the whole image.</summary>
    public bool IsGlobal { get; init; }

    /// <summary>sx/sy.</summary>
    public required float Multiplier { get; init; }

    /// <summary>The codes written.</summary>
    public required AffineQuantization Result { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        Window.Describe(attributes);
        attributes.Set("ceil", CeilMode).Set("countPadding", CountPadding).Set("global", IsGlobal).Set("multiplier", Multiplier).Set("result", Result);
    }

    internal static IntegerAveragePool Read(NodeAttributes a) => new()
    {
        Window = Window.Read(a),
        CeilMode = a.Flag("ceil"),
        CountPadding = a.Flag("countPadding"),
        IsGlobal = a.Flag("global"),
        Multiplier = a.Float("multiplier"),
        Result = a.Affine("result"),
    };
}

/// <summary>A function of codes of at most 8 bits, as a table computed when the model was fitted: result code = Table[code − lowest code of the input's type], stored as a byte (two's complement when the result is signed).</summary>
public sealed record LookupTable : Node
{
    /// <summary>2^bits entries.</summary>
    public required ImmutableArray<byte> Table { get; init; }

    /// <summary>The codes written.</summary>
    public required AffineQuantization Result { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("table", Table).Set("result", Result);

    internal static LookupTable Read(NodeAttributes a) => new() { Table = a.Bytes("table"), Result = a.Affine("result") };
}
