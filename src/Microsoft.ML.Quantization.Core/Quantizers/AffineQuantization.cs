using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>
/// The uniform quantizer: real = Scale[g] · (code − ZeroPoint[g]), code = clamp(halfToEven(real / Scale[g]) + ZeroPoint[g])
/// with one division in float32, g being the element's group; or the mid-rise grid real = Scale[g] · (2·code − (2^bits − 1)) of <see cref="MidRise"/>, its zero points being 0;
/// or, for weights, real = Scale[c] · level of a <see cref="Quantizers.Codebook"/>, c being the output channel (index of axis 0) and all zero points 0.
/// </summary>
public sealed record AffineQuantization : QuantizationParameters
{
    /// <summary>One scale a group; finite, positive.</summary>
    public required ImmutableArray<float> Scales { get; init; }

    /// <summary>One zero point a group, in code units, inside <see cref="QuantizationParameters.Range"/>.</summary>
    public required ImmutableArray<int> ZeroPoints { get; init; }

    /// <summary>The levels of codebook codes; null for others.</summary>
    public Codebook? Codebook { get; init; }

    /// <summary>The parameters of one group.</summary>
    /// <exception cref="InvalidOperationException">The codes are a codebook's, which parameters do not decode.</exception>
    public AffineParameters this[int group] => Codebook is null ? new(Scales[group], ZeroPoints[group], Code.MidRiseTop) : throw new InvalidOperationException("Codes of a codebook are decoded by channel, not by parameters.");

    /// <summary>Scale and zero point of a per-tensor quantizer.</summary>
    public AffineParameters Single => Scales.Length == 1 ? this[0] : throw new InvalidOperationException($"The quantizer has {Scales.Length} groups, not one.");

    /// <summary>Whether the codes are mid-rise.</summary>
    public bool IsMidRise => Code.Space == CodeSpace.MidRise;

    /// <summary>The smallest element type that holds one code: UInt8 or Int8 up to 8 bits, Int16, Int32.</summary>
    public ElementType Element => Code.Bits.Bits switch
    {
        <= 8 => Code.Signed ? ElementType.Int8 : ElementType.UInt8,
        16 when Code.Signed => ElementType.Int16,
        32 when Code.Signed => ElementType.Int32,
        _ => throw new QuantizationException(QuantizationErrorCode.InvalidBitWidth, $"Codes of type {Code}: 16 and 32 bits must be signed."),
    };

    /// <summary>A per-tensor quantizer.</summary>
    public static AffineQuantization PerTensor(CodeType code, IntegerRange range, AffineParameters parameters) => new()
    {
        Code = code,
        Range = range,
        Granularity = Granularity.PerTensor,
        Scales = [parameters.Scale],
        ZeroPoints = [parameters.ZeroPoint],
    };

    /// <summary>Number of groups that a tensor of the given shape has.</summary>
    public int GroupCount(Shape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return Granularity switch
        {
            Granularity.PerTensor => 1,
            Granularity.PerAxis => shape[Axis],
            _ => shape.CountOf(0, shape.Axis(Axis)) * GroupsAlongAxis(shape) * shape.CountOf(shape.Axis(Axis) + 1, shape.Rank),
        };
    }

    /// <summary>The group of the element with the row-major index <paramref name="index"/>.</summary>
    public int GroupOf(Shape shape, int index)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (Granularity == Granularity.PerTensor)
        {
            return 0;
        }

        int axis = shape.Axis(Axis);
        int inner = shape.CountOf(axis + 1, shape.Rank);
        int along = index / inner % shape[axis];
        if (Granularity == Granularity.PerAxis)
        {
            return along;
        }

        int outer = index / inner / shape[axis];
        return (((outer * GroupsAlongAxis(shape)) + (along / GroupSize)) * inner) + (index % inner);
    }

    /// <summary>The integer that the code of an element stands for; sums of products are sums of these.</summary>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="index">Row-major index of the element.</param>
    /// <param name="code">Its code.</param>
    public int ValueOf(Shape shape, int index, int code)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return Codebook is null ? this[GroupOf(shape, index)].ValueOf(code) : Codebook.ValueOf(ChannelOf(shape, index), code);
    }

    /// <summary>The real that the code of an element stands for: fl(float(value(code)) · Scale), or fl(level · Scale).</summary>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="index">Row-major index of the element.</param>
    /// <param name="code">Its code.</param>
    public float RealOf(Shape shape, int index, int code)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return Codebook is null ? this[GroupOf(shape, index)].Dequantize(code) : Codebook.LevelOf(ChannelOf(shape, index), code) * Scales[GroupOf(shape, index)];
    }

    /// <summary>Encodes a tensor of float32 into one of <see cref="Element"/>.</summary>
    public Tensor Encode(Tensor source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Tensor codes = Tensor.Allocate(Element, source.Shape);
        ReadOnlySpan<float> values = source.Values<float>();
        int run = RunLength(source.Shape);
        for (int start = 0; start < values.Length; start += run)
        {
            (int group, int channel) = (GroupOf(source.Shape, start), ChannelOf(source.Shape, start));
            AffineParameters parameters = Codebook is null ? this[group] : default;
            for (int i = start; i < start + run; i++)
            {
                CodeAccess.Write(codes, i, Codebook is null ? parameters.Quantize(values[i], Range) : Codebook.Nearest(channel, values[i], Scales[group]));
            }
        }

        return codes;
    }

    /// <summary>Decodes a tensor of codes into float32.</summary>
    public Tensor Decode(Tensor codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        Tensor result = Tensor.Allocate(ElementType.Float32, codes.Shape);
        Span<float> values = result.Writable<float>();
        int run = RunLength(codes.Shape);
        for (int start = 0; start < values.Length; start += run)
        {
            (int group, int channel) = (GroupOf(codes.Shape, start), ChannelOf(codes.Shape, start));
            AffineParameters parameters = Codebook is null ? this[group] : default;
            for (int i = start; i < start + run; i++)
            {
                int code = CodeAccess.Read(codes, i);
                values[i] = Codebook is null ? parameters.Dequantize(code) : Codebook.LevelOf(channel, code) * Scales[group];
            }
        }

        return result;
    }

    /// <inheritdoc/>
    public bool Equals(AffineQuantization? other) => other is not null && Code == other.Code && Range == other.Range
        && Granularity == other.Granularity && Axis == other.Axis && GroupSize == other.GroupSize && Codebook == other.Codebook
        && Scales.AsSpan().SequenceEqual(other.Scales.AsSpan()) && ZeroPoints.AsSpan().SequenceEqual(other.ZeroPoints.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Code, Range, Granularity, Axis, GroupSize, Scales.Length, Scales.FirstOrDefault(), ZeroPoints.FirstOrDefault());

    /// <inheritdoc/>
    public override string ToString()
    {
        string groups = Granularity switch
        {
            Granularity.PerTensor when Scales.Length == 1 && ZeroPoints.Length == 1 => string.Create(CultureInfo.InvariantCulture, $"scale={Scales[0]:R} zero={ZeroPoints[0]}"),
            Granularity.PerTensor => string.Create(CultureInfo.InvariantCulture, $"scales={Scales.Length} zeros={ZeroPoints.Length}"),
            Granularity.PerAxis => string.Create(CultureInfo.InvariantCulture, $"axis={Axis} groups={Scales.Length}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"axis={Axis} group={GroupSize} groups={Scales.Length}"),
        };
        return $"{Code}{Range} {groups}" + (Codebook is null ? string.Empty : $" {Codebook}");
    }

    /// <summary>So many neighbouring elements, from each multiple of it on, have one group and one output channel.</summary>
    internal int RunLength(Shape shape)
    {
        int run = Granularity switch
        {
            Granularity.PerTensor => shape.Count,
            Granularity.PerAxis => shape.CountOf(shape.Axis(Axis) + 1, shape.Rank),
            _ => shape.Axis(Axis) == shape.Rank - 1 && shape[Axis] % GroupSize == 0 ? GroupSize : 1,
        };
        return Math.Max(1, Codebook is null ? run : Math.Min(run, shape.CountOf(1, shape.Rank)));
    }

    private static int ChannelOf(Shape shape, int index) => index / shape.CountOf(1, shape.Rank);

    private int GroupsAlongAxis(Shape shape) => (shape[Axis] + GroupSize - 1) / GroupSize;
}
