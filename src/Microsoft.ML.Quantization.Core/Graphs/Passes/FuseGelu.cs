using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Reads x · ½ · (1 + erf(x / √2)) and x · ½ · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) (Hendrycks and Gimpel, 2016), in any order of the three factors, as one function, so that
/// quantization sees one function of one value. Roundings in the last bits may differ from those of the written formula.
/// </summary>
public static class FuseGelu
{
    private const float RootOfTwo = 1.41421356f;
    private const float RootOfTwoOverPi = 0.797884561f;
    private const float Cubic = 0.044715f;

    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return Formulas.Rewrite(graph, Match);
    }

    private static Unary? Match(Formulas formulas, Node node)
    {
        foreach ((ValueId a, ValueId b, ValueId c) in node.Outputs.Length == 1 ? Factors(formulas, node.Output) : [])
        {
            if (formulas.IsNumber(a, 0.5f) && Function(formulas, b, c) is { } function)
            {
                return new Unary { Name = node.Name, Inputs = [b], Operator = function };
            }
        }

        return null;
    }

    /// <summary>All orders of three factors.</summary>
    private static IEnumerable<(ValueId A, ValueId B, ValueId C)> Factors(Formulas formulas, ValueId product)
        => from outer in formulas.Orders(product, BinaryOperator.Multiply)
           from inner in formulas.Orders(outer.Right, BinaryOperator.Multiply)
           from order in new[] { (outer.Left, inner.Left, inner.Right), (inner.Left, outer.Left, inner.Right), (inner.Left, inner.Right, outer.Left) }
           select order;

    /// <summary>Which function of x one plus it is the third factor.</summary>
    private static UnaryOperator? Function(Formulas formulas, ValueId x, ValueId factor)
    {
        if (formulas.Beside(factor, BinaryOperator.Add, 1) is not { } curve)
        {
            return null;
        }

        if (formulas.Argument(curve, UnaryOperator.Erf) is { } argument)
        {
            bool quotient = formulas.Pair(argument, BinaryOperator.Divide) is var (of, by) && of == x && formulas.IsNumber(by, RootOfTwo);
            return quotient || formulas.Beside(argument, BinaryOperator.Multiply, 1 / RootOfTwo) == x ? UnaryOperator.Gelu : null;
        }

        ValueId? sum = formulas.Argument(curve, UnaryOperator.Tanh) is { } scaled ? formulas.Beside(scaled, BinaryOperator.Multiply, RootOfTwoOverPi) : null;
        bool matches = sum is { } inner && formulas.Orders(inner, BinaryOperator.Add).Any(
            o => o.Left == x && formulas.Beside(o.Right, BinaryOperator.Multiply, Cubic) is { } cube && formulas.IsCube(cube, x));
        return matches ? UnaryOperator.GeluTanh : null;
    }
}
