using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Shapes, constants, types, and comparisons of shapes.</summary>
internal static class ShapeOperators
{
    public static ImportValue ShapeOf(NodeCall call)
    {
        Shape shape = call.Shape(0);
        int start = (int)Math.Clamp(Counted(call.Attributes.Long("start", 0), shape.Rank), 0, shape.Rank);
        int end = (int)Math.Clamp(Counted(call.Attributes.Long("end", shape.Rank), shape.Rank), start, shape.Rank);
        ImmutableArray<Symbol> items = [.. shape.Dimensions[start..end].Select(Symbol.OfDimension)];
        return ImportValue.Of(call.Context.Fresh(call.OutputName + "/Shape"), items, Shape.Of(items.Length));
    }

    public static ImportValue SizeOf(NodeCall call)
        => ImportValue.Of(call.Context.Fresh(call.OutputName + "/Shape"), [NodeCallExtensions.Product(call.Shape(0).Dimensions)], Shape.Scalar);

    public static ImportValue Constant(NodeCall call)
    {
        if (call.Attributes.Tensor("value") is { } message)
        {
            (Tensor tensor, DataFormat format) = call.Context.Reader.Read(message, call.OutputName);
            return ImportValue.Of(call.Context.Fresh(call.OutputName + "/Constant"), tensor, format.Type);
        }

        string kind = call.Attributes.Names.FirstOrDefault() ?? "nothing";
        return call.NewConstant(kind switch
        {
            "value_float" => Tensor.Create(Shape.Scalar, [call.Attributes.Float(kind, 0)]),
            "value_int" => Tensor.Create(Shape.Scalar, [call.Attributes.Long(kind, 0)]),
            "value_floats" => Tensor.Create(Shape.Of(call.Attributes.Floats(kind)!.Value.Length), call.Attributes.Floats(kind)!.Value.AsSpan()),
            "value_ints" => Tensor.Create(Shape.Of(call.Attributes.Longs(kind)!.Value.Length), call.Attributes.Longs(kind)!.Value.AsSpan()),
            _ => throw call.Unsupported($"a constant given as {kind} is not supported"),
        });
    }

    public static ImportValue ConstantOfShape(NodeCall call)
    {
        ImmutableArray<Symbol> sizes = call.Symbols(0, "the shape");
        bool batch = !sizes.IsEmpty && sizes[0] == Symbol.Batch;
        call.RequireSupported(!sizes[(batch ? 1 : 0)..].Any(s => s.IsBatch), "the batch size is supported as the first axis only");
        Shape shape = TensorReader.ReadShape([.. sizes.Select(s => s.IsBatch ? 1 : s.Factor)], call.Place);
        Tensor value = call.Attributes.Tensor("value") is { } message ? call.Context.Reader.Read(message, call.OutputName).Tensor : Tensor.Allocate(ElementType.Float32, Shape.Of(1));
        call.RequireValid(value.Shape.Count == 1, $"a value of one element, found {value}");
        ImportValue filled = call.NewConstant(Filler.Fill(value, shape, call));
        return batch ? BatchBroadcast.Apply(call, filled) : filled;
    }

    public static ImportValue Range(NodeCall call)
    {
        Tensor start = call.Constant(0, "the start");
        Tensor limit = call.Constant(1, "the limit");
        Tensor delta = call.Constant(2, "the step");
        call.RequireValid(start.Shape.Count == 1 && limit.Shape.Count == 1 && delta.Shape.Count == 1 && start.Type == limit.Type && start.Type == delta.Type, "three numbers of one type");
        return call.NewConstant(Filler.Range(start, limit, delta, call));
    }

    public static ImportValue Cast(NodeCall call)
    {
        DataFormat format = DataFormat.Of(call.Attributes.Int("to", 0), call.Place);
        if (format.IsWidenedFloat)
        {
            call.Context.Warnings.Add($"{call.Place}: casts to {format.Type}; it is computed in float32.");
        }

        call.RequireSupported(!format.IsPacked, $"a cast to {format.Type} is not supported");
        return To(call, format.Element);
    }

    public static ImportValue CastLike(NodeCall call) => To(call, call.Input(1).Type.Element);

    public static ImportValue Where(NodeCall call) => ShapeArithmetic.TryWhere(call) ?? call.Emit(new Where(), call.Input(0), call.Input(1), call.Input(2));

    private static ImportValue To(NodeCall call, ElementType type)
    {
        ImportValue x = call.Input(0);
        return x.Type.Element == type ? x : ShapeArithmetic.TryCast(call, type) ?? call.CastTo(x, type);
    }

    private static long Counted(long position, int rank) => position < 0 ? position + rank : position;
}
