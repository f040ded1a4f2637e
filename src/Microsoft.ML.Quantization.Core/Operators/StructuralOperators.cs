using System;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Rules;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Nodes that only move elements.</summary>
internal static class StructuralOperators
{
    private const int SmallestBytes = 65536;

    public static void Concat(OperatorCall call)
    {
        Tensor result = call.Outputs[0];
        int axis = result.Shape.Axis(((Concat)call.Node).Axis);
        int offset = 0;
        foreach (Tensor input in call.Inputs)
        {
            CopyBlocks(input, 0, result, offset, axis, input.Shape[axis]);
            offset += input.Shape[axis];
        }
    }

    public static void Split(OperatorCall call)
    {
        int axis = call.Inputs[0].Shape.Axis(((Split)call.Node).Axis);
        int offset = 0;
        foreach (Tensor output in call.Outputs)
        {
            CopyBlocks(call.Inputs[0], offset, output, 0, axis, output.Shape[axis]);
            offset += output.Shape[axis];
        }
    }

    public static PreparedWork Slice(OperatorCall call)
    {
        var node = (Slice)call.Node;
        Shape shape = call.Inputs[0].Shape;
        int[] strides = Strides(shape);
        int[][] offsets = Identity(call.Outputs[0].Shape, strides);
        for (int i = 0; i < node.Axes.Length; i++)
        {
            int axis = shape.Axis(node.Axes[i]);
            (int start, int length) = StructuralRules.SliceRange(node.Starts[i], node.Ends[i], node.Steps[i], shape[axis]);
            offsets[axis] = GridCopy.Steps(length, node.Steps[i] * strides[axis], start * strides[axis]);
        }

        return GridCopy.Prepare(call.Inputs[0], offsets, call.Outputs[0]);
    }

    public static void Pad(OperatorCall call)
    {
        var node = (Pad)call.Node;
        Shape shape = call.Inputs[0].Shape;
        int[] strides = Strides(shape);
        var offsets = new int[shape.Rank][];
        for (int axis = 0; axis < offsets.Length; axis++)
        {
            offsets[axis] = new int[call.Outputs[0].Shape[axis]];
            for (int i = 0; i < offsets[axis].Length; i++)
            {
                int place = PadPlace(node.Mode, i - node.Before[axis], shape[axis]);
                offsets[axis][i] = place < 0 ? GridCopy.Fill : place * strides[axis];
            }
        }

        GridCopy.Run(call.Pool, call.Inputs[0], offsets, call.Outputs[0], Element(call.Inputs[0].Type, node.Value));
    }

    public static PreparedWork Gather(OperatorCall call)
    {
        Shape source = call.Inputs[0].Shape;
        int axis = source.Axis(((Gather)call.Node).Axis);
        int indices = call.Inputs[1].Shape.Count;
        int block = source.CountOf(axis + 1, source.Rank) * call.Inputs[0].Type.SizeOf();
        return new GatherWork(call, source[axis], block, source.CountOf(0, axis) * indices, indices, Math.Max(1, SmallestBytes / Math.Max(block, 1)));
    }

    public static PreparedWork Transpose(OperatorCall call)
    {
        ImmutableArray<int> permutation = ((Transpose)call.Node).Permutation;
        int[] strides = Strides(call.Inputs[0].Shape);
        var offsets = new int[permutation.Length][];
        for (int axis = 0; axis < offsets.Length; axis++)
        {
            offsets[axis] = GridCopy.Steps(call.Outputs[0].Shape[axis], strides[permutation[axis]]);
        }

        return GridCopy.Prepare(call.Inputs[0], offsets, call.Outputs[0]);
    }

    public static void Reshape(OperatorCall call) => call.Inputs[0].Bytes.Span.CopyTo(call.Outputs[0].WritableBytes);

    public static PreparedWork Expand(OperatorCall call)
    {
        Shape shape = call.Inputs[0].Shape;
        Shape output = call.Outputs[0].Shape;
        int[] strides = Strides(shape);
        var offsets = new int[output.Rank][];
        for (int axis = 0; axis < offsets.Length; axis++)
        {
            int own = axis - (output.Rank - shape.Rank);
            offsets[axis] = GridCopy.Steps(output[axis], own >= 0 && shape[own] != 1 ? strides[own] : 0);
        }

        return GridCopy.Prepare(call.Inputs[0], offsets, call.Outputs[0]);
    }

    /// <summary>Elements from one index of an axis to the next.</summary>
    public static int[] Strides(Shape shape)
    {
        var strides = new int[shape.Rank];
        for (int axis = 0; axis < strides.Length; axis++)
        {
            strides[axis] = shape.CountOf(axis + 1, shape.Rank);
        }

        return strides;
    }

    /// <summary>The offsets that copy each index of each axis to itself.</summary>
    public static int[][] Identity(Shape shape, int[] strides)
    {
        var offsets = new int[shape.Rank][];
        for (int axis = 0; axis < offsets.Length; axis++)
        {
            offsets[axis] = GridCopy.Steps(shape[axis], strides[axis]);
        }

        return offsets;
    }

    private static void CopyBlocks(Tensor source, int from, Tensor destination, int to, int axis, int count)
    {
        int inner = source.Shape.CountOf(axis + 1, source.Shape.Rank) * source.Type.SizeOf();
        int outer = source.Shape.CountOf(0, axis);
        for (int i = 0; i < outer; i++)
        {
            source.Bytes.Span.Slice(((i * source.Shape[axis]) + from) * inner, count * inner)
                .CopyTo(destination.WritableBytes[(((i * destination.Shape[axis]) + to) * inner)..]);
        }
    }

    private static int PadPlace(PadMode mode, int position, int size)
    {
        if (position >= 0 && position < size)
        {
            return position;
        }

        return mode switch
        {
            PadMode.Edge => position < 0 ? 0 : size - 1,
            PadMode.Reflect => position < 0 ? -position : (2 * (size - 1)) - position,
            _ => GridCopy.Fill,
        };
    }

    private static byte[] Element(ElementType type, float value)
    {
        var bytes = new byte[sizeof(long)];
        if (type == ElementType.Float32)
        {
            MemoryMarshal.Write(bytes, value);
        }
        else
        {
            MemoryMarshal.Write(bytes, type == ElementType.Boolean ? (value != 0 ? 1L : 0L) : (long)value);
        }

        return bytes;
    }

    private sealed record GatherWork(OperatorCall Call, int Size, int Block, int Blocks, int Indices, int SmallestBlocks) : PreparedWork(Blocks, SmallestBlocks)
    {
        public override void Run(int begin, int end)
        {
            ReadOnlySpan<byte> source = Call.Inputs[0].Bytes.Span;
            ReadOnlySpan<long> indices = Call.Inputs[1].Values<long>();
            Span<byte> target = Call.Outputs[0].WritableBytes;
            for (int i = begin; i < end; i++)
            {
                long index = indices[i % Indices];
                if (index < -Size || index >= Size)
                {
                    throw new QuantizationException(
                        QuantizationErrorCode.InconsistentData,
                        FormattableString.Invariant($"{Call.Node.Kind} '{Call.Node.Name}': expected indices from {-Size} to {Size - 1}, found {index}."));
                }

                int place = (int)(index < 0 ? index + Size : index);
                source.Slice(((i / Indices * Size) + place) * Block, Block).CopyTo(target[(i * Block)..]);
            }
        }
    }
}
