using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>QLinearConv and QLinearMatMul, as Dequantize, the float layer, and Quantize; lowering makes integers of them again.</summary>
internal static class QuantizedLinearOperators
{
    /// <summary>Inputs x, scale, zero, w, scale, zero, scale of y, zero of y, optional int32 bias with the scale x · w.</summary>
    public static ImportValue Conv(NodeCall call)
    {
        call.Part = "Input";
        ImportValue x = Real(call, 0, null, out AffineQuantization inputs);
        call.Part = "Weights";
        ImportValue w = Real(call, 3, 0, out AffineQuantization weights);
        call.RequireValid(w.Shape.Rank >= 3, $"weights [O, C, kernel], found {w.Shape}");
        call.Part = "Bias";
        ImportValue? bias = call.Has(8) ? Bias(call, inputs, weights) : null;
        call.Part = null;
        var node = new Convolution { Window = WindowReader.Read(call, w.Shape.Dimensions[2..]), Groups = call.Attributes.Int("group", 1) };
        ImportValue y = bias is null ? call.Emit(node, x, w) : call.Emit(node, x, w, bias);
        return Codes(call, y);
    }

    /// <summary>Inputs a, scale, zero, b, scale, zero, scale of y, zero of y.</summary>
    public static ImportValue MatMul(NodeCall call)
    {
        call.Part = "Input";
        ImportValue a = Real(call, 0, null, out _);
        call.Part = "Weights";
        ImportValue b = Real(call, 3, -1, out _);
        bool matrix = b.Shape.Rank == 2 && b.Shape.FixedCount > 0 && a.Shape.Rank >= 1 && b.DequantizedFrom is not null;
        ImportValue? weights = matrix ? call.TransposedWeights(b) : null;
        call.Part = null;
        return Codes(call, weights is null ? call.Emit(new MatMul(), a, b) : call.Emit(new Dense(), a, weights));
    }

    private static ImportValue Real(NodeCall call, int input, int? axis, out AffineQuantization quantization)
    {
        ImportValue codes = call.Input(input);
        call.RequireFloat(input + 1);
        DataFormat format = QuantizationOperators.FormatOf(call, call.Input(input + 2));
        call.RequireSupported(format.Type is DataType.UInt8 or DataType.Int8, $"codes of {format.Type} are not supported");
        quantization = QuantizerReader.Read(call, codes.Shape, format, input + 1, input + 2, axis ?? 0);
        call.RequireSupported(axis is not null || quantization.Granularity == Granularity.PerTensor, "an input with several scales is not supported");
        return QuantizationOperators.Dequantized(call, codes, quantization);
    }

    private static ImportValue Bias(NodeCall call, AffineQuantization inputs, AffineQuantization weights)
    {
        Tensor bias = call.Constant(8, "the bias");
        call.RequireValid(bias.Type == ElementType.Int32 && bias.Shape.Rank == 1 && (weights.Scales.Length == 1 || bias.Shape[0] == weights.Scales.Length), $"a bias of Int32, one a channel, found {bias}");
        float[] scales = [.. weights.Scales.Select(s => inputs.Scales[0] * s)];
        DataFormat format = DataFormat.Of((int)DataType.Int32, call.Place);
        AffineQuantization quantization = QuantizerReader.Create(call, format, [.. scales], [.. scales.Select(_ => 0)], scales.Length == 1 ? null : 0);
        return QuantizationOperators.Dequantized(call, call.Input(8), quantization);
    }

    private static ImportValue Codes(NodeCall call, ImportValue y)
    {
        call.RequireFloat(6);
        call.Part = "Output";
        DataFormat format = QuantizationOperators.FormatOf(call, call.Input(7));
        call.RequireSupported(format.Type is DataType.UInt8 or DataType.Int8, $"codes of {format.Type} are not supported");
        AffineQuantization quantization = QuantizerReader.Read(call, y.Shape, format, 6, 7);
        QuantizerReader.RequirePositive(call, quantization);
        call.RequireSupported(quantization.Granularity == Granularity.PerTensor, "an output with several scales is not supported");
        return call.Emit(new Quantize { Result = quantization }, y);
    }
}
