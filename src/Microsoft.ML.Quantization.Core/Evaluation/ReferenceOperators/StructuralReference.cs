using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Rules;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Nodes that only move elements, one element at a time.</summary>
internal static class StructuralReference
{
    public static void Concat(ReferenceCall call)
    {
        int axis = call.Output.Shape.Axis(((Concat)call.Node).Axis);
        int offset = 0;
        foreach (Tensor input in call.Inputs)
        {
            for (int i = 0; i < input.Shape.Count; i++)
            {
                int[] place = Coordinates.Of(input.Shape, i);
                place[axis] += offset;
                Coordinates.CopyElement(input, i, call.Output, Coordinates.Index(call.Output.Shape, place));
            }

            offset += input.Shape[axis];
        }
    }

    public static void Split(ReferenceCall call)
    {
        int axis = call.Shape(0).Axis(((Split)call.Node).Axis);
        int offset = 0;
        foreach (Tensor output in call.Outputs)
        {
            int begin = offset;
            Move(call.Inputs[0], output, place => place[axis] += begin);
            offset += output.Shape[axis];
        }
    }

    public static void Slice(ReferenceCall call)
    {
        var node = (Slice)call.Node;
        Shape shape = call.Shape(0);
        Move(call.Inputs[0], call.Output, place =>
        {
            for (int i = 0; i < node.Axes.Length; i++)
            {
                int axis = shape.Axis(node.Axes[i]);
                (int start, _) = StructuralRules.SliceRange(node.Starts[i], node.Ends[i], node.Steps[i], shape[axis]);
                place[axis] = start + (place[axis] * node.Steps[i]);
            }
        });
    }

    public static void Pad(ReferenceCall call)
    {
        var node = (Pad)call.Node;
        Shape shape = call.Shape(0);
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int[] place = Coordinates.Of(call.Output.Shape, i);
            bool inside = true;
            for (int axis = 0; axis < place.Length; axis++)
            {
                int position = place[axis] - node.Before[axis];
                inside &= position >= 0 && position < shape[axis];
                place[axis] = node.Mode == PadMode.Reflect ? Mirror(position, shape[axis]) : Math.Clamp(position, 0, Math.Max(shape[axis] - 1, 0));
            }

            if (inside || node.Mode != PadMode.Constant)
            {
                Coordinates.CopyElement(call.Inputs[0], Coordinates.Index(shape, place), call.Output, i);
            }
            else
            {
                WriteConstant(call.Output, i, node.Value);
            }
        }
    }

    public static void Gather(ReferenceCall call)
    {
        Shape shape = call.Shape(0);
        int axis = shape.Axis(((Gather)call.Node).Axis);
        int rank = call.Shape(1).Rank;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int[] place = Coordinates.Of(call.Output.Shape, i);
            long index = call.Inputs[1].Values<long>()[Coordinates.Index(call.Shape(1), place.AsSpan(axis, rank))];
            int position = GatherIndex(call, index, shape[axis]);
            int[] source = [.. place[..axis], position, .. place[(axis + rank)..]];
            Coordinates.CopyElement(call.Inputs[0], Coordinates.Index(shape, source), call.Output, i);
        }
    }

    public static void Transpose(ReferenceCall call)
    {
        ImmutableArray<int> permutation = ((Transpose)call.Node).Permutation;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int[] place = Coordinates.Of(call.Output.Shape, i);
            var source = new int[place.Length];
            for (int axis = 0; axis < place.Length; axis++)
            {
                source[permutation[axis]] = place[axis];
            }

            Coordinates.CopyElement(call.Inputs[0], Coordinates.Index(call.Shape(0), source), call.Output, i);
        }
    }

    public static void Reshape(ReferenceCall call) => call.Inputs[0].Bytes.Span.CopyTo(call.Output.WritableBytes);

    public static void Expand(ReferenceCall call)
    {
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int source = Coordinates.Broadcast(call.Shape(0), Coordinates.Of(call.Output.Shape, i));
            Coordinates.CopyElement(call.Inputs[0], source, call.Output, i);
        }
    }

    private static int GatherIndex(ReferenceCall call, long index, int size) => index >= -size && index < size
        ? (int)(index < 0 ? index + size : index)
        : throw new QuantizationException(
            QuantizationErrorCode.InconsistentData,
            System.FormattableString.Invariant($"{call.Node.Kind} '{call.Node.Name}': expected indices from {-size} to {size - 1}, found {index}."));

    /// <summary>0, 1, .., n − 1, n − 2, .. without repeating the edge.</summary>
    private static int Mirror(int position, int size)
    {
        int period = Math.Max(2 * (size - 1), 1);
        int place = ((position % period) + period) % period;
        return place < size ? place : period - place;
    }

    private static void WriteConstant(Tensor tensor, int index, float value)
    {
        switch (tensor.Type)
        {
            case ElementType.Float32:
                tensor.Writable<float>()[index] = value;
                break;
            case ElementType.Int64:
                tensor.Writable<long>()[index] = (long)value;
                break;
            case ElementType.Boolean:
                tensor.WritableBytes[index] = value != 0 ? (byte)1 : (byte)0;
                break;
            default:
                CodeAccess.Write(tensor, index, (int)value);
                break;
        }
    }

    /// <summary>Fills a tensor, each element from the place that <paramref name="toSource"/> makes of its own.</summary>
    private static void Move(Tensor source, Tensor destination, Action<int[]> toSource)
    {
        for (int i = 0; i < destination.Shape.Count; i++)
        {
            int[] place = Coordinates.Of(destination.Shape, i);
            toSource(place);
            Coordinates.CopyElement(source, Coordinates.Index(source.Shape, place), destination, i);
        }
    }
}
