using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>QuantizeLinear and DequantizeLinear: codes with their quantizer; constants keep their codes.</summary>
internal static class QuantizationOperators
{
    public static ImportValue QuantizeLinear(NodeCall call)
    {
        call.RequireFloat(0, 1);
        ImportValue x = call.Input(0);
        DataFormat format = call.Optional(2) is { } zero ? FormatOf(call, zero) : DataFormat.Of(call.Attributes.Int("output_dtype", (int)DataType.UInt8), call.Place);
        call.RequireSupported(format.Type is not (DataType.Int32 or DataType.UInt16) && IsCode(format), $"codes of {format.Type} are not supported");
        call.RequireSupported(call.Attributes.Long("block_size", 0) == 0, "blocks (block_size) are not supported");
        AffineQuantization quantization = QuantizerReader.Read(call, x.Shape, format, 1, 2);
        QuantizerReader.RequirePositive(call, quantization);
        if (x.Constant is { } constant)
        {
            call.Context.Budget.Reserve(constant.Shape.Count, call.Place);
            return ImportValue.Of(call.Context.Fresh(call.OutputName + "/Codes"), quantization.Encode(constant), format.Type, quantization);
        }

        if (quantization.Granularity != Granularity.PerTensor)
        {
            return ImportValue.Pending(call.OutputName, x, quantization);
        }

        ImportValue codes = call.Emit(new Quantize { Result = quantization }, x);
        call.Context.Derived[(codes, "source")] = x;
        return codes;
    }

    public static ImportValue DequantizeLinear(NodeCall call)
    {
        ImportValue x = call.Input(0);
        DataFormat format = call.Optional(2) is { } zero && (x.Constant is null || x.Type.IsCodes) ? FormatOf(call, zero) : FormatOf(call, x);
        call.RequireSupported(IsCode(format), $"codes of {format.Type} are not supported");
        call.RequireFloat(1);
        if (call.Attributes.Int("block_size", 0) is > 0 and int block && x.Constant is not null)
        {
            return BlockDecoder.Decode(call, block);
        }

        AffineQuantization quantization = QuantizerReader.Read(call, x.Shape, format, 1, 2);
        return Dequantized(call, x, quantization);
    }

    /// <summary>A Clip between QuantizeLinear and DequantizeLinear narrows the codes in use; null when the input holds no codes.</summary>
    public static ImportValue? TryNarrow(NodeCall call)
    {
        ImportValue codes = call.Input(0);
        if (codes.Type.Quantization is not { } quantization)
        {
            return null;
        }

        ImportValue? source = call.Context.Derived.TryGetValue((codes, "source"), out ImportValue? found) ? found : null;
        call.RequireSupported(source is not null, "a clip of codes is supported directly behind QuantizeLinear only");
        int low = call.Has(1) ? CodeAccess.Read(call.Constant(1, "min"), 0) : quantization.Range.Min;
        int high = call.Has(2) ? CodeAccess.Read(call.Constant(2, "max"), 0) : quantization.Range.Max;
        var range = new IntegerRange(quantization.Range.Clamp(low), quantization.Range.Clamp(high));
        bool fits = range.Min < range.Max && quantization.ZeroPoints.All(range.Contains);
        call.RequireSupported(fits, $"a clip of codes to {range} that leaves out the zero point is not supported");
        ImportValue narrowed = call.Emit(new Quantize { Result = Smallest(quantization, range) }, source!);
        call.Context.Derived[(narrowed, "source")] = source!;
        return narrowed;
    }

    /// <summary>Reals of codes, however the codes came about.</summary>
    public static ImportValue Dequantized(NodeCall call, ImportValue x, AffineQuantization quantization)
    {
        if (x.QuantizedFrom is { } source)
        {
            call.RequireSupported(Agree(x.Type.Quantization!, quantization), "codes per axis read with other parameters than they were written with");
            return FakeQuantized(call, source, quantization);
        }

        if (x.Type.Quantization is { } own)
        {
            call.RequireSupported(Agree(own, quantization), "codes read with other parameters than they were written with");
            return Decoded(call, x);
        }

        bool regular = quantization.Scales.All(s => float.IsFinite(s) && s > 0);
        if (x.Constant is { } constant && regular)
        {
            return Decoded(call, ImportValue.Of(call.Context.Fresh(x.Name + "/Codes"), constant, x.Format, quantization));
        }

        return Arithmetic(call, x, quantization);
    }

    private static ImportValue Decoded(NodeCall call, ImportValue codes)
    {
        ImportValue result = call.Emit(new Dequantize(), codes);
        result.DequantizedFrom = codes.Constant is null ? null : codes;
        return result;
    }

    /// <summary>(float(code) − zero) · scale of integers that no quantizer belongs to.</summary>
    private static ImportValue Arithmetic(NodeCall call, ImportValue x, AffineQuantization quantization)
    {
        bool axis = quantization.Granularity == Granularity.PerAxis;
        Shape shape = axis ? new Shape([.. Enumerable.Range(0, x.Shape.Rank).Select(i => i == quantization.Axis ? quantization.Scales.Length : 1)]) : Shape.Scalar;
        ImportValue zero = call.NewConstant(Tensor.Create(shape, quantization.ZeroPoints.Select(z => (float)z).ToArray()));
        ImportValue scale = call.NewConstant(Tensor.Create(shape, quantization.Scales.AsSpan()));
        ImportValue value = call.CastTo(x, ElementType.Float32);
        return call.Binary(BinaryOperator.Multiply, call.Binary(BinaryOperator.Subtract, value, zero), scale);
    }

    private static ImportValue FakeQuantized(NodeCall call, ImportValue source, AffineQuantization quantization)
    {
        var node = new FakeQuantize { Code = quantization.Code, Range = quantization.Range, Granularity = quantization.Granularity, Axis = quantization.Axis };
        ImportValue scales = call.NewConstant(Tensor.Create(Shape.Of(quantization.Scales.Length), quantization.Scales.AsSpan()));
        ImportValue zeros = call.NewConstant(Tensor.Create(Shape.Of(quantization.ZeroPoints.Length), quantization.ZeroPoints.AsSpan()));
        return call.Emit(node, source, scales, zeros);
    }

    /// <summary>The codes of a narrowed range, of fewer bits where the range is that of a smaller width.</summary>
    private static AffineQuantization Smallest(AffineQuantization quantization, IntegerRange range)
    {
        for (int bits = 2; bits < quantization.Code.Bits.Bits && bits <= 8; bits++)
        {
            var code = new CodeType(new BitWidth(bits), quantization.Code.Signed);
            if (code.Range.Contains(range.Min) && code.Range.Contains(range.Max))
            {
                return quantization with { Code = code, Range = range };
            }
        }

        return quantization with { Range = range };
    }

    /// <summary>Same scales and zero points; the range in use may be narrower than the file can say.</summary>
    private static bool Agree(AffineQuantization written, AffineQuantization read)
        => written.Code.Signed == read.Code.Signed && written.Granularity == read.Granularity && written.Axis == read.Axis
        && written.Scales.SequenceEqual(read.Scales) && written.ZeroPoints.SequenceEqual(read.ZeroPoints);

    private static bool IsCode(DataFormat format) => format.Element is ElementType.UInt8 or ElementType.Int8 or ElementType.Int16 or ElementType.Int32;

    /// <summary>How an input's integers are stored.</summary>
    public static DataFormat FormatOf(NodeCall call, ImportValue value)
        => DataFormat.Of((int)(value.Constant is null ? DataFormat.Plain(value.Type.Element) : value.Format), call.Place);
}
