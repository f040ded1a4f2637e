using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Operators that move elements.</summary>
internal static class StructuralOperators
{
    public static ImportValue Identity(NodeCall call)
    {
        call.RequireSupported(call.Optional(2) is not { } training || (training.Constant is { } flag && flag.WritableBytes.IndexOfAnyExcept((byte)0) < 0), "training mode is not supported");
        call.RequireSupported(call.OperatorSet >= 7 || call.Attributes.Flag("is_test") || !call.Attributes.Has("ratio"), "training (is_test = 0 of old operator sets) is not supported");
        if (call.Wants(1))
        {
            call.RequireSupported(!call.Shape(0).IsFree && call.OperatorSet >= 12, "the mask (output 1) of a free batch or an old operator set is not supported");
            call.MoreOutputs[1] = call.NewConstant(Filler.Fill(Tensor.Create(Shape.Of(1), [true]), call.Shape(0), call));
        }

        return call.Input(0);
    }

    public static ImportValue Concat(NodeCall call)
    {
        if (ShapeArithmetic.TryConcat(call) is { } known)
        {
            return known;
        }

        ImmutableArray<ImportValue> inputs = [.. Enumerable.Range(0, call.InputCount).Select(call.Input)];
        call.RequireValid(inputs.Length > 0, "one input or more");
        return call.Emit(new Concat { Axis = call.Axis(call.Attributes.Long("axis", 1), inputs[0].Shape.Rank) }, inputs);
    }

    public static ImportValue Slice(NodeCall call)
    {
        if (ShapeArithmetic.TrySlice(call) is { } known)
        {
            return known;
        }

        ImportValue x = call.Input(0);
        SliceParts parts = SliceParts.Read(call, x.Shape.Rank).WithoutWholeBatch(x.Shape);
        call.RequireSupported(!parts.Axes.Any(a => x.Shape[a] == Shape.Free), "a slice of the free batch is not supported");
        var node = new Slice { Starts = parts.Starts, Ends = parts.Ends, Steps = parts.Steps, Axes = parts.Axes };
        return parts.Axes.IsEmpty ? x : call.Emit(node, x);
    }

    public static ImportValue Split(NodeCall call)
    {
        ImportValue x = call.Input(0);
        int axis = call.Axis(call.Attributes.Long("axis", 0), x.Shape.Rank);
        call.RequireSupported(x.Shape[axis] != Shape.Free, "a split of the free batch is not supported");
        ImmutableArray<int> sizes = SplitSizes(call, x.Shape[axis]);
        call.RequireValid(sizes.Length == call.OutputCount, $"as many sizes as outputs, found {sizes.Length} and {call.OutputCount}");
        ImmutableArray<ImportValue> parts = call.EmitAll(new Split { Axis = axis, Sizes = sizes }, x);
        for (int i = 1; i < parts.Length; i++)
        {
            call.MoreOutputs[i] = parts[i];
        }

        return parts[0];
    }

    /// <summary>Pads are attributes up to operator set 10, inputs from 11 on, and name their axes from 18 on.</summary>
    public static ImportValue Pad(NodeCall call)
    {
        Shape shape = call.Shape(0);
        ImmutableArray<long> pads = call.AttributeOrInput("pads", 1) ?? call.Attributes.Longs("paddings") ?? throw call.Unsupported("expected pads");
        ImmutableArray<int> axes = call.Has(3) ? call.Axes(call.Longs(3, "axes"), shape.Rank) : [.. Enumerable.Range(0, shape.Rank)];
        call.RequireValid(pads.Length == 2 * axes.Length && pads.All(p => Math.Abs((double)p) < 1 << 28), $"{2 * axes.Length} pads below 2^28, found {pads.Length}");
        var before = new int[shape.Rank];
        var after = new int[shape.Rank];
        for (int i = 0; i < axes.Length; i++)
        {
            before[axes[i]] = (int)pads[i];
            after[axes[i]] = (int)pads[axes.Length + i];
        }

        float value = call.Has(2) ? Number(call, call.Constant(2, "the padding value")) : call.Attributes.Float("value", 0);
        return call.Emit(new Pad { Mode = ModeOf(call), Before = [.. before], After = [.. after], Value = value }, call.Input(0));
    }

    public static ImportValue Gather(NodeCall call)
    {
        if (ShapeArithmetic.TryGather(call) is { } known)
        {
            return known;
        }

        int axis = call.Axis(call.Attributes.Long("axis", 0), call.Shape(0).Rank);
        ImportValue indices = call.Input(1);
        call.RequireValid(indices.Type.Element is ElementType.Int64 or ElementType.Int32, $"integer indices, found {indices.Type}");
        return call.Emit(new Gather { Axis = axis }, call.Input(0), call.CastTo(indices, ElementType.Int64));
    }

    public static ImportValue Transpose(NodeCall call)
    {
        ImportValue x = call.Input(0);
        int rank = x.Shape.Rank;
        ImmutableArray<int> permutation = call.Attributes.Ints("perm", rank) ?? [.. Enumerable.Range(0, rank).Reverse()];
        bool weights = permutation is [1, 0] && (x.DequantizedFrom is not null || x.Constant is not null);
        return (weights ? call.TransposedWeights(x) : null) ?? call.Emit(new Transpose { Permutation = permutation }, x);
    }

    /// <summary>Repeats along each axis, as joins of the value with itself.</summary>
    public static ImportValue Tile(NodeCall call)
    {
        ImportValue x = call.Input(0);
        ImmutableArray<long> repeats = call.Longs(1, "repeats");
        call.RequireValid(repeats.Length == x.Shape.Rank && repeats.All(r => r >= 0), $"{x.Shape.Rank} repeats from 0");
        for (int axis = 0; axis < repeats.Length; axis++)
        {
            call.RequireSupported(repeats[axis] is 1 || (x.Shape[axis] != Shape.Free && repeats[axis] is > 0 and <= Integers.MaximumCount), "repeats of the free batch, 0 repeats and more than 4096 are not supported");
            x = repeats[axis] == 1 ? x : call.Emit(new Concat { Axis = axis }, [.. Enumerable.Repeat(x, (int)repeats[axis])]);
        }

        return x;
    }

    private static ImmutableArray<int> SplitSizes(NodeCall call, int size)
    {
        if (call.AttributeOrInput("split", 1) is { } given)
        {
            call.RequireValid(given.All(s => s is >= 0 and <= int.MaxValue), "sizes from 0");
            return [.. given.Select(s => (int)s)];
        }

        int count = Math.Max(1, call.Attributes.Int("num_outputs", call.OutputCount));
        call.RequireValid(count <= Integers.MaximumCount, "at most 4096 outputs");
        int each = (size + count - 1) / count;
        return [.. Enumerable.Range(0, count).Select(i => Math.Clamp(size - (i * each), 0, each))];
    }

    private static PadMode ModeOf(NodeCall call)
    {
        string mode = call.Attributes.Text("mode", "constant");
        return mode switch
        {
            "constant" => PadMode.Constant,
            "reflect" => PadMode.Reflect,
            "edge" => PadMode.Edge,
            _ => throw call.Unsupported($"mode '{mode}' is not supported"),
        };
    }

    private static float Number(NodeCall call, Tensor tensor)
    {
        call.RequireValid(tensor.Shape.Count == 1, $"one padding value, found {tensor}");
        return tensor.Type == ElementType.Float32 ? tensor.Values<float>()[0]
            : tensor.Type == ElementType.Int64 ? tensor.Values<long>()[0]
            : Quantizers.CodeAccess.Read(tensor, 0);
    }
}
