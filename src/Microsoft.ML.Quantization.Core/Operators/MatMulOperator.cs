using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Matrix products of two values on the kernel set, one packed right-hand matrix at a time.</summary>
internal static class MatMulOperator
{
    private const int RowsWorthPacking = 4;

    public static void Run(OperatorCall call)
    {
        Shape a = call.Inputs[0].Shape.Rank == 1 ? new Shape([1, .. call.Inputs[0].Shape.Dimensions]) : call.Inputs[0].Shape;
        Shape b = call.Inputs[1].Shape.Rank == 1 ? new Shape([.. call.Inputs[1].Shape.Dimensions, 1]) : call.Inputs[1].Shape;
        int depth = a[-1];
        int columns = b[-1];
        bool shared = b.CountOf(0, b.Rank - 2) == 1;
        int rows = shared ? a.CountOf(0, a.Rank - 1) : a[-2];
        if (rows == 0 || columns == 0)
        {
            return;
        }

        int matrices = shared ? 1 : call.Outputs[0].Shape.Count / (rows * columns);
        var walk = new BroadcastWalk(BatchShape(call.Outputs[0].Shape, matrices, shared, a, b), [Leading(a, shared), Leading(b, shared)]);
        Span<int> place = stackalloc int[2];
        for (int i = 0; i < matrices; i++)
        {
            walk.Locate(i, place);
            Tensor left = Part(call.Inputs[0], place[0] * rows * depth, Shape.Of(rows, depth));
            Tensor right = Part(call.Inputs[1], place[1] * depth * columns, Shape.Of(depth, columns));
            One(call, left, right, Part(call.Outputs[0], i * rows * columns, Shape.Of(rows, columns)), shared);
        }
    }

    private static void One(OperatorCall call, Tensor left, Tensor right, Tensor result, bool shared)
    {
        int depth = right.Shape[0];
        bool kept = shared && WeightCache.IsConstant(call, 1);
        if (depth == 0 || (left.Shape[0] < RowsWorthPacking && !kept))
        {
            Shares.Run(call.Pool, left.Shape[0], 1, (left, right, result), static (t, begin, end) => Plain(t.left, t.right, t.result, begin, end));
            return;
        }

        ConvolutionGeometry geometry = ConvolutionGeometry.Dense(left.Shape[0], depth, right.Shape[1]);
        PackedWeights Pack() => call.Kernels.PackConvolutionFloat(geometry, Turned(right));
        PackedWeights packed = kept ? WeightCache.Get(call.Inputs[1], call.Kernels, typeof(MatMul), Pack) : Pack();
        try
        {
            // x + (−0) is x for every x, so that the sum of the chain passes unchanged, −0 included.
            var bias = new float[right.Shape[1]];
            Array.Fill(bias, -0f);
            ConvolutionOperators.Multiply(call, geometry, left, packed, bias, Activation.None, result);
        }
        finally
        {
            if (!kept)
            {
                packed.Dispose();
            }
        }
    }

    private static void Plain(Tensor left, Tensor right, Tensor result, int begin, int end)
    {
        int depth = right.Shape[0];
        int columns = right.Shape[1];
        ReadOnlySpan<float> b = right.Values<float>();
        for (int row = begin; row < end; row++)
        {
            ReadOnlySpan<float> a = left.Values<float>().Slice(row * depth, depth);
            Span<float> acc = result.Writable<float>().Slice(row * columns, columns);
            acc.Clear();
            for (int k = 0; k < depth; k++)
            {
                ReadOnlySpan<float> line = b.Slice(k * columns, columns);
                for (int j = 0; j < line.Length; j++)
                {
                    acc[j] = MathF.FusedMultiplyAdd(a[k], line[j], acc[j]);
                }
            }
        }
    }

    private static float[] Turned(Tensor matrix)
    {
        int rows = matrix.Shape[0];
        int columns = matrix.Shape[1];
        ReadOnlySpan<float> source = matrix.Values<float>();
        var result = new float[source.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = source[(i % rows * columns) + (i / rows)];
        }

        return result;
    }

    private static Shape Leading(Shape shape, bool shared) => shared ? Shape.Scalar : new Shape(shape.Dimensions[..^2]);

    private static Shape BatchShape(Shape output, int matrices, bool shared, Shape a, Shape b)
        => shared || matrices <= 1 ? Shape.Scalar : new Shape(output.Dimensions[..Math.Max(a.Rank - 2, b.Rank - 2)]);

    private static Tensor Part(Tensor tensor, int start, Shape shape)
        => new(tensor.Type, shape, System.Runtime.InteropServices.MemoryMarshal.AsMemory(tensor.Bytes).Slice(start * sizeof(float), shape.Count * sizeof(float)));
}
