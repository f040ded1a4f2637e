using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// Quantize, then dequantize, in float: x̂ = fl(float(code − z) · s) with code = clamp(halfToEven(fl(x / s))) as <see cref="Requantization.Quantize"/>;
/// on a mid-rise grid x̂ = fl(float(2·code − top) · s) with code as <see cref="MidRise.Quantize"/>, so that one bit is s where x ≥ 0 and −s elsewhere.
/// Inputs: x, scales (float [groups]), zero points (int32 [groups]); the last two are constants, so that training can treat them like weights.
/// </summary>
public sealed record FakeQuantize : Node
{
    /// <summary>The codes' type.</summary>
    public required CodeType Code { get; init; }

    /// <summary>The codes in use.</summary>
    public required IntegerRange Range { get; init; }

    /// <summary>Which elements share parameters.</summary>
    public Granularity Granularity { get; init; }

    /// <summary>The axis of per-axis and per-group parameters.</summary>
    public int Axis { get; init; }

    /// <summary>The run length of per-group parameters.</summary>
    public int GroupSize { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes
        .SetCode("code", Code, Range)
        .Set("groups", (ImmutableArray<int>)[(int)Granularity, Axis, GroupSize]);

    /// <summary>The quantizer, from this node's attributes and its constant inputs.</summary>
    public AffineQuantization Quantizer(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return Quantizer(graph.ConstantOf(Inputs[1]), graph.ConstantOf(Inputs[2]));
    }

    /// <summary>The quantizer, from this node's attributes and given scales and zero points.</summary>
    public AffineQuantization Quantizer(Tensor scales, Tensor zeroPoints)
    {
        ArgumentNullException.ThrowIfNull(scales);
        ArgumentNullException.ThrowIfNull(zeroPoints);
        return new()
        {
            Code = Code,
            Range = Range,
            Granularity = Granularity,
            Axis = Axis,
            GroupSize = GroupSize,
            Scales = [.. scales.Values<float>()],
            ZeroPoints = [.. zeroPoints.Values<int>()],
        };
    }

    internal static FakeQuantize Read(NodeAttributes a)
    {
        (CodeType code, IntegerRange range) = a.Code("code");
        ImmutableArray<int> groups = a.Ints("groups");
        if (groups.Length != 3 || groups[0] is < 0 or > 2)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"FakeQuantize: expected 3 numbers of groups, found {groups.Length}.");
        }

        return new()
        {
            Code = code,
            Range = range,
            Granularity = (Granularity)groups[0],
            Axis = groups[1],
            GroupSize = groups[2],
        };
    }
}

/// <summary>Entry into codes: <see cref="AffineParameters.Quantize"/> of each float; per tensor.</summary>
public sealed record Quantize : Node
{
    /// <summary>The codes written.</summary>
    public required AffineQuantization Result { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("result", Result);

    internal static Quantize Read(NodeAttributes a) => new() { Result = a.Affine("result") };
}

/// <summary>Exit from codes: fl(float(value(code)) · s) with the input's own quantizer, whatever its granularity.</summary>
public sealed record Dequantize : Node
{
    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        // The quantizer belongs to the input's type.
    }
}
