using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Scale and zero point inputs to a quantizer.</summary>
internal static class QuantizerReader
{
    /// <summary>The quantizer of codes in the given format; one scale, or one an index of the attribute axis.</summary>
    public static AffineQuantization Read(NodeCall call, Shape shape, DataFormat format, int scaleInput, int zeroInput, int? fixedAxis = null)
    {
        Tensor scales = call.Constant(scaleInput, "the scale");
        int count = scales.Shape.Count;
        bool single = scales.Shape.Rank == 0 || count == 1;
        call.RequireSupported(single || scales.Shape.Rank == 1, "scales of blocks are supported for constants only");
        int axis = single ? 0 : call.Axis(fixedAxis ?? call.Attributes.Long("axis", 1), shape.Rank);
        call.RequireValid(single || shape[axis] == count, $"one scale, or one an index of axis {axis}; found {count} for the shape {shape}");
        return Create(call, format, [.. scales.Values<float>()], Zeros(call, zeroInput, count), single ? null : axis);
    }

    /// <summary>A quantizer of codes in the given format.</summary>
    public static AffineQuantization Create(NodeCall call, DataFormat format, ImmutableArray<float> scales, ImmutableArray<int> zeros, int? axis)
    {
        var code = new CodeType(new BitWidth(format.Type == DataType.UInt16 ? 32 : format.Bits), format.IsSigned || format.Type == DataType.UInt16);
        call.RequireValid(scales.Length > 0 && zeros.All(code.Range.Contains), $"zero points in {code.Range}");
        return new AffineQuantization
        {
            Code = code,
            Range = code.Range,
            Granularity = axis is null ? Granularity.PerTensor : Granularity.PerAxis,
            Axis = axis ?? 0,
            Scales = scales,
            ZeroPoints = zeros,
        };
    }

    /// <summary>Zero points, 0 when the input is missing.</summary>
    public static ImmutableArray<int> Zeros(NodeCall call, int input, int count)
    {
        if (!call.Has(input))
        {
            return [.. Enumerable.Repeat(0, count)];
        }

        Tensor zeros = call.Constant(input, "the zero point");
        call.RequireValid(zeros.Shape.Count == count && zeros.Type is ElementType.UInt8 or ElementType.Int8 or ElementType.Int16 or ElementType.Int32, $"{count} integer zero points, found {zeros}");
        return [.. Enumerable.Range(0, count).Select(i => CodeAccess.Read(zeros, i))];
    }

    /// <summary>A quantizer that writes codes needs positive scales.</summary>
    public static void RequirePositive(NodeCall call, AffineQuantization quantization)
        => call.RequireValid(quantization.Scales.All(s => float.IsFinite(s) && s > 0), "finite positive scales");
}
