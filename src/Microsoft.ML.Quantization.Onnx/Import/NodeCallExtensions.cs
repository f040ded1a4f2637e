using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Steps that several operators share.</summary>
internal static class NodeCallExtensions
{
    /// <summary>Fails unless the listed inputs, where present, are float32.</summary>
    public static void RequireFloat(this NodeCall call, params ReadOnlySpan<int> inputs)
    {
        foreach (int i in inputs)
        {
            if (call.Optional(i) is { } value && value.Type.Element != ElementType.Float32)
            {
                throw new QuantizationException(QuantizationErrorCode.UnsupportedElementType, $"{call.Place}: expected input {i} of Float32, found {value.Type}.");
            }
        }
    }

    /// <summary>Fails unless the input is float32, or an integer of 32 or 64 bits where those are allowed.</summary>
    public static void RequireNumbers(this NodeCall call, int input, bool integers)
    {
        ElementType element = call.Input(input).Type.Element;
        if (element != ElementType.Float32 && !(integers && element is ElementType.Int64 or ElementType.Int32))
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedElementType, $"{call.Place}: expected input {input} of Float32{(integers ? ", Int64 or Int32" : string.Empty)}, found {call.Input(input).Type}.");
        }
    }

    /// <summary>The value under another shape of the same count; at most one dimension is the batch.</summary>
    public static ImportValue ReshapeTo(this NodeCall call, ImportValue value, Shape shape)
    {
        if (shape.Equals(value.Shape))
        {
            return value;
        }

        var target = new int[shape.Rank];
        for (int i = 0; i < target.Length; i++)
        {
            bool same = i < value.Shape.Rank && shape[i] == value.Shape[i];
            target[i] = shape[i] > 0 ? shape[i] : same ? 0 : shape[i];
            call.RequireSupported(shape[i] != 0 || same, "an empty axis that moves is not supported");
        }

        return call.Emit(new Reshape { Target = [.. target] }, value);
    }

    /// <summary>a ∘ b.</summary>
    public static ImportValue Binary(this NodeCall call, BinaryOperator binary, ImportValue a, ImportValue b) => call.Emit(new Binary { Operator = binary }, a, b);

    /// <summary>The value of another element type.</summary>
    public static ImportValue CastTo(this NodeCall call, ImportValue value, ElementType type)
        => value.Type.Element == type ? value : call.Emit(new Cast { To = type }, value);

    /// <summary>The transposed matrix of a constant, or of constant codes behind a Dequantize; null for anything else.</summary>
    public static ImportValue? TransposedWeights(this NodeCall call, ImportValue value)
    {
        if (call.Context.Derived.TryGetValue((value, "T"), out ImportValue? found))
        {
            return found;
        }

        ImportValue? result = null;
        if (value.Constant is { } constant && !value.Type.IsCodes)
        {
            result = call.NewConstant(MatrixTransposer.Transpose(constant, call.Context.Budget, call.Place));
        }
        else if (value.DequantizedFrom is { } codes)
        {
            Tensor transposed = MatrixTransposer.Transpose(codes.Constant!, call.Context.Budget, call.Place);
            var quantization = codes.Type.Quantization! with { Axis = 1 - codes.Type.Quantization.Axis };
            ImportValue source = ImportValue.Of(call.Context.Fresh(codes.Name + "/Transposed"), transposed, codes.Format, quantization);
            result = call.Emit(new Dequantize(), source);
            result.DequantizedFrom = source;
        }

        if (result is not null)
        {
            call.Context.Derived[(value, "T")] = result;
        }

        return result;
    }

    /// <summary>Product of dimensions, the batch being kept apart.</summary>
    public static Symbol Product(ImmutableArray<int> dimensions)
    {
        long fixedCount = dimensions.Where(d => d != Shape.Free).Aggregate(1L, (a, d) => a * d);
        return new Symbol(fixedCount, dimensions.Contains(Shape.Free));
    }
}
