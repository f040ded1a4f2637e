using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Functions of one and two elements; every intermediate is rounded to float32.</summary>
internal static class ElementwiseReference
{
    private static readonly FrozenDictionary<BinaryOperator, Func<float, float, float>> _floatFunctions = new Dictionary<BinaryOperator, Func<float, float, float>>
    {
        [BinaryOperator.Add] = (a, b) => a + b,
        [BinaryOperator.Subtract] = (a, b) => a - b,
        [BinaryOperator.Multiply] = (a, b) => a * b,
        [BinaryOperator.Divide] = (a, b) => a / b,
        [BinaryOperator.Power] = FloatMath.Pow,
        [BinaryOperator.Minimum] = (a, b) => b < a ? b : a,
        [BinaryOperator.Maximum] = (a, b) => b > a ? b : a,
        [BinaryOperator.PRelu] = (a, b) => a < 0 ? b * a : a,
    }.ToFrozenDictionary();

    public static void Unary(ReferenceCall call)
    {
        var node = (Unary)call.Node;
        UnaryFunction function = UnaryFunctions.Of(node.Operator);
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = function(call.Floats(0)[i], node.Alpha, node.Beta);
        }
    }

    public static void Binary(ReferenceCall call)
    {
        var node = (Binary)call.Node;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int[] place = Coordinates.Of(call.Output.Shape, i);
            int a = Coordinates.Broadcast(call.Shape(0), place);
            int b = Coordinates.Broadcast(call.Shape(1), place);
            switch (call.Output.Type)
            {
                case ElementType.Float32:
                    float value = _floatFunctions[node.Operator](call.Floats(0)[a], call.Floats(1)[b]);
                    call.Output.Writable<float>()[i] = ReferenceCall.Clamp(value, node.Activation);
                    break;
                case ElementType.Int64:
                    call.Output.Writable<long>()[i] = Integer(node.Operator, call.Inputs[0].Values<long>()[a], call.Inputs[1].Values<long>()[b]);
                    break;
                default:
                    call.Output.Writable<int>()[i] = (int)Integer(node.Operator, call.Inputs[0].Values<int>()[a], call.Inputs[1].Values<int>()[b]);
                    break;
            }
        }
    }

    public static void Where(ReferenceCall call)
    {
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int[] place = Coordinates.Of(call.Output.Shape, i);
            int chosen = call.Inputs[0].Bytes.Span[Coordinates.Broadcast(call.Shape(0), place)] != 0 ? 1 : 2;
            Coordinates.CopyElement(call.Inputs[chosen], Coordinates.Broadcast(call.Shape(chosen), place), call.Output, i);
        }
    }

    public static void Cast(ReferenceCall call)
    {
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            if (call.Inputs[0].Type == ElementType.Float32)
            {
                WriteFloat(call.Output, i, call.Floats(0)[i]);
            }
            else
            {
                WriteInteger(call.Output, i, ReadInteger(call.Inputs[0], i));
            }
        }
    }

    /// <summary>Two's complement arithmetic that wraps; x / 0 is 0.</summary>
    private static long Integer(BinaryOperator function, long a, long b) => function switch
    {
        BinaryOperator.Add => unchecked(a + b),
        BinaryOperator.Subtract => unchecked(a - b),
        BinaryOperator.Multiply => unchecked(a * b),
        _ => b == 0 ? 0 : b == -1 ? unchecked(-a) : a / b,
    };

    private static void WriteFloat(Tensor tensor, int index, float value)
    {
        switch (tensor.Type)
        {
            case ElementType.Float32:
                tensor.Writable<float>()[index] = value;
                break;
            case ElementType.Boolean:
                tensor.WritableBytes[index] = value != 0 ? (byte)1 : (byte)0;
                break;
            case ElementType.Int64:
                WriteInteger(tensor, index, Saturated(value, long.MinValue, long.MaxValue));
                break;
            case ElementType.Int32:
                WriteInteger(tensor, index, Saturated(value, int.MinValue, int.MaxValue));
                break;
            case ElementType.Int16:
                WriteInteger(tensor, index, Saturated(value, short.MinValue, short.MaxValue));
                break;
            case ElementType.Int8:
                WriteInteger(tensor, index, Saturated(value, sbyte.MinValue, sbyte.MaxValue));
                break;
            default:
                WriteInteger(tensor, index, Saturated(value, byte.MinValue, byte.MaxValue));
                break;
        }
    }

    /// <summary>Truncates toward zero; outside the range its end, NaN 0.</summary>
    private static long Saturated(float value, long minimum, long maximum)
        => float.IsNaN(value) ? 0 : value >= maximum ? maximum : value <= minimum ? minimum : (long)value;

    private static long ReadInteger(Tensor tensor, int index) => tensor.Type switch
    {
        ElementType.Boolean => tensor.Bytes.Span[index] != 0 ? 1 : 0,
        ElementType.UInt8 => tensor.Values<byte>()[index],
        ElementType.Int8 => tensor.Values<sbyte>()[index],
        ElementType.Int16 => tensor.Values<short>()[index],
        ElementType.Int32 => tensor.Values<int>()[index],
        _ => tensor.Values<long>()[index],
    };

    private static void WriteInteger(Tensor tensor, int index, long value)
    {
        switch (tensor.Type)
        {
            case ElementType.Float32:
                tensor.Writable<float>()[index] = value;
                break;
            case ElementType.Boolean:
                tensor.WritableBytes[index] = value != 0 ? (byte)1 : (byte)0;
                break;
            case ElementType.UInt8:
                tensor.Writable<byte>()[index] = unchecked((byte)value);
                break;
            case ElementType.Int8:
                tensor.Writable<sbyte>()[index] = unchecked((sbyte)value);
                break;
            case ElementType.Int16:
                tensor.Writable<short>()[index] = unchecked((short)value);
                break;
            case ElementType.Int32:
                tensor.Writable<int>()[index] = unchecked((int)value);
                break;
            default:
                tensor.Writable<long>()[index] = value;
                break;
        }
    }
}
