using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Reductions over any axes, in 16 lanes.</summary>
internal static class ReductionReference
{
    public static void Reduce(ReferenceCall call)
    {
        var node = (Reduce)call.Node;
        Shape x = call.Shape(0);
        var kept = new List<int>();
        for (int axis = 0; axis < x.Rank; axis++)
        {
            kept.Add(node.Axes.IsEmpty || node.Axes.Contains(axis) ? 1 : x[axis]);
        }

        var shape = new Shape([.. kept]);
        var lines = new List<float>[shape.Count];
        for (int i = 0; i < lines.Length; i++)
        {
            lines[i] = [];
        }

        for (int i = 0; i < x.Count; i++)
        {
            lines[Coordinates.Broadcast(shape, Coordinates.Of(x, i))].Add(call.Floats(0)[i]);
        }

        for (int i = 0; i < lines.Length; i++)
        {
            call.Output.Writable<float>()[i] = Line(node.Operator, [.. lines[i]]);
        }
    }

    private static float Line(ReduceOperator function, float[] values) => function switch
    {
        ReduceOperator.Mean => LaneSum.Of(values) / values.Length,
        ReduceOperator.Maximum => Largest(values),
        ReduceOperator.Minimum => LaneSum.Fold(values, float.PositiveInfinity, (a, v) => v < a ? v : a, (a, b) => b < a ? b : a),
        ReduceOperator.Product => LaneSum.Fold(values, 1, (a, v) => a * v, (a, b) => a * b),
        ReduceOperator.L1 => LaneSum.Fold(values, 0, (a, v) => a + MathF.Abs(v), (a, b) => a + b),
        ReduceOperator.L2 => MathF.Sqrt(SumSquare(values)),
        ReduceOperator.SumSquare => SumSquare(values),
        ReduceOperator.LogSum => FloatMath.Log(LaneSum.Of(values)),
        ReduceOperator.LogSumExp => LogSumExp(values),
        _ => LaneSum.Of(values),
    };

    private static float Largest(float[] values)
        => LaneSum.Fold(values, float.NegativeInfinity, (a, v) => v > a ? v : a, (a, b) => b > a ? b : a);

    private static float SumSquare(float[] values) => LaneSum.Fold(values, 0, (a, v) => a + (v * v), (a, b) => a + b);

    private static float LogSumExp(float[] values)
    {
        float largest = Largest(values);
        float shift = float.IsFinite(largest) ? largest : 0;
        return shift + FloatMath.Log(LaneSum.Fold(values, 0, (a, v) => a + FloatMath.Exp(v - shift), (a, b) => a + b));
    }
}
