using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Reductions over any axes: the reduced elements of one output are brought together, then folded in the fixed order.</summary>
internal static class ReductionOperators
{
    public static void Reduce(OperatorCall call)
    {
        var node = (Reduce)call.Node;
        Shape x = call.Inputs[0].Shape;
        int[] reduced = Offsets(x, axis => node.Axes.IsEmpty || node.Axes.Contains(axis));
        int[] kept = Offsets(x, axis => !node.Axes.IsEmpty && !node.Axes.Contains(axis));
        var work = new Work(call, node.Operator, reduced, kept);
        Shares.Run(call.Pool, kept.Length, Math.Max(1, 8192 / Math.Max(reduced.Length, 1)), work, static (w, begin, end) => w.Run(begin, end));
    }

    /// <summary>The offset of every combination of the chosen axes' indices, in row-major order.</summary>
    private static int[] Offsets(Shape shape, Func<int, bool> chosen)
    {
        int[] offsets = [0];
        int stride = 1;
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            if (chosen(axis))
            {
                var longer = new int[offsets.Length * shape[axis]];
                for (int i = 0; i < longer.Length; i++)
                {
                    longer[i] = (i / offsets.Length * stride) + offsets[i % offsets.Length];
                }

                offsets = longer;
            }

            stride *= shape[axis];
        }

        return offsets;
    }

    private static float Fold(ReduceOperator function, ReadOnlySpan<float> values) => function switch
    {
        ReduceOperator.Mean => FloatReduction.Sum(values) / values.Length,
        ReduceOperator.Maximum => FloatReduction.Max(values),
        ReduceOperator.Minimum => FloatReduction.Min(values),
        ReduceOperator.Product => FloatReduction.Product(values),
        ReduceOperator.L1 => FloatReduction.SumAbsolute(values),
        ReduceOperator.L2 => MathF.Sqrt(FloatReduction.SumSquares(values)),
        ReduceOperator.SumSquare => FloatReduction.SumSquares(values),
        ReduceOperator.LogSum => FloatMath.Log(FloatReduction.Sum(values)),
        ReduceOperator.LogSumExp => LogSumExp(values),
        _ => FloatReduction.Sum(values),
    };

    private static float LogSumExp(ReadOnlySpan<float> values)
    {
        float largest = FloatReduction.Max(values);
        float shift = float.IsFinite(largest) ? largest : 0;
        return shift + FloatMath.Log(FloatReduction.SumExp(values, shift));
    }

    private sealed record Work(OperatorCall Call, ReduceOperator Function, int[] Reduced, int[] Kept)
    {
        private bool IsRun => Reduced.Length > 0 && Reduced[^1] == Reduced.Length - 1;

        public void Run(int begin, int end)
        {
            ReadOnlySpan<float> source = Call.Inputs[0].Values<float>();
            Span<float> result = Call.Outputs[0].Writable<float>();
            var line = new float[IsRun ? 0 : Reduced.Length];
            for (int i = begin; i < end; i++)
            {
                if (IsRun)
                {
                    result[i] = Fold(Function, source.Slice(Kept[i], Reduced.Length));
                    continue;
                }

                for (int j = 0; j < line.Length; j++)
                {
                    line[j] = source[Kept[i] + Reduced[j]];
                }

                result[i] = Fold(Function, line);
            }
        }
    }
}
