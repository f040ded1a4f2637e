using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Reads (x − mean) / √(mean((x − mean)²) + ε) · γ + β over the last axes, written out as older exports do, as <see cref="LayerNormalization"/>: the same means over the same elements. The
/// quotient becomes a product with the reciprocal, so that last bits may differ.
/// </summary>
public static class FuseLayerNormalization
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return Formulas.Rewrite(graph, (formulas, node) => node is Binary { Activation.IsNone: true } ? Shifted(formulas, node) ?? Scaled(formulas, node, node.Output) : null);
    }

    private static LayerNormalization? Shifted(Formulas formulas, Node node)
    {
        foreach ((ValueId shift, ValueId scaled) in formulas.Orders(node.Output, BinaryOperator.Add))
        {
            if (formulas.Graph[shift].Constant is not null && Scaled(formulas, node, scaled) is { } normal && Fits(formulas.Graph, normal, shift))
            {
                return normal with { Inputs = [.. normal.Inputs, shift] };
            }
        }

        return null;
    }

    private static LayerNormalization? Scaled(Formulas formulas, Node node, ValueId value)
    {
        foreach ((ValueId scale, ValueId unit) in formulas.Orders(value, BinaryOperator.Multiply))
        {
            if (formulas.Graph[scale].Constant is not null && Unit(formulas, unit) is var (x, axis, epsilon))
            {
                var normal = new LayerNormalization { Name = node.Name, Axis = axis, Epsilon = epsilon, Inputs = [x, scale] };
                return Fits(formulas.Graph, normal, scale) ? normal : null;
            }
        }

        return null;
    }

    /// <summary>Reads d / √(mean(d²) + ε).</summary>
    private static (ValueId X, int Axis, float Epsilon)? Unit(Formulas formulas, ValueId value)
    {
        ValueId difference;
        ValueId? root;
        if (formulas.Pair(value, BinaryOperator.Divide) is var (above, below))
        {
            (difference, root) = (above, formulas.Argument(below, UnaryOperator.Sqrt));
        }
        else
        {
            (difference, ValueId reciprocal) = formulas.Orders(value, BinaryOperator.Multiply).FirstOrDefault(o => formulas.Argument(o.Right, UnaryOperator.Reciprocal) is not null);
            root = formulas.Argument(reciprocal, UnaryOperator.Reciprocal) is { } inner ? formulas.Argument(inner, UnaryOperator.Sqrt) : null;
        }

        foreach ((ValueId epsilon, ValueId variance) in root is { } sum ? formulas.Orders(sum, BinaryOperator.Add) : [])
        {
            if (formulas.Number(epsilon) is float e && Mean(formulas, variance) is var (square, axis) && formulas.SquareOf(square) is { } other
                && Centered(formulas, difference, axis) is { } x && Centered(formulas, other, axis) == x)
            {
                return (x, axis, e);
            }
        }

        return null;
    }

    /// <summary>What a value is the difference of and its own mean over the axes from <paramref name="axis"/> on.</summary>
    private static ValueId? Centered(Formulas formulas, ValueId value, int axis)
        => formulas.Pair(value, BinaryOperator.Subtract) is var (x, mean) && Mean(formulas, mean) is var (of, found) && of == x && found == axis ? x : null;

    /// <summary>What a value is the mean of, over all axes from one on.</summary>
    private static (ValueId Of, int Axis)? Mean(Formulas formulas, ValueId value)
    {
        if (formulas.Producer(value) is not Reduce { Operator: ReduceOperator.Mean, KeepDimensions: true } mean)
        {
            return null;
        }

        int rank = formulas.Graph[mean.Inputs[0]].Type.Shape.Rank;
        int axis = rank - mean.Axes.Length;
        return axis < rank && mean.Axes.SequenceEqual(Enumerable.Range(axis, rank - axis)) ? (mean.Inputs[0], axis) : null;
    }

    /// <summary>Whether a constant has one number for each normalised element, in their order.</summary>
    private static bool Fits(Graph graph, LayerNormalization node, ValueId constant)
    {
        Shape x = graph[node.Inputs[0]].Type.Shape;
        Shape own = graph[constant].Type.Shape;
        return own.Rank <= x.Rank && !own.IsFree && own.Dimensions.SkipWhile(d => d == 1).SequenceEqual(x.Dimensions.Skip(node.Axis).SkipWhile(d => d == 1));
    }
}
