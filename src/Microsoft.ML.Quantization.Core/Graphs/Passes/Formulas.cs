using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Reads a graph backwards as formulas of additions, products and functions.</summary>
internal sealed class Formulas(PassWalk walk)
{
    /// <summary>Constants that went through float16 count as what they meant.</summary>
    private const float Tolerance = 1e-3f;

    public Graph Graph => walk.Graph;

    /// <summary>Runs a rewriting walk: nodes for which <paramref name="match"/> gives a replacement (inputs of the old graph) are replaced, and what only they read goes.</summary>
    public static Graph Rewrite(Graph graph, Func<Formulas, Node, Node?> match)
    {
        var formulas = new Formulas(new PassWalk(graph));
        Dictionary<Node, Node> found = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in graph.Nodes)
        {
            if (match(formulas, node) is { } replacement)
            {
                found[node] = replacement;
            }
        }

        return found.Count == 0 ? graph : RemoveDead.Run(PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (!found.TryGetValue(node, out Node? replacement))
            {
                return false;
            }

            rewriter.Emit(node, replacement with { Inputs = rewriter.Map(replacement.Inputs) });
            return true;
        }));
    }

    /// <summary>The operands of a value that a plain binary operator writes, or null.</summary>
    public (ValueId Left, ValueId Right)? Pair(ValueId value, BinaryOperator op)
        => walk.Producer(value) is Binary { Activation.IsNone: true } binary && binary.Operator == op ? (binary.Inputs[0], binary.Inputs[1]) : null;

    /// <summary>The other operand of a value that a symmetric operator makes of it and of a number; null when the value is none.</summary>
    public ValueId? Beside(ValueId value, BinaryOperator op, float number)
        => Pair(value, op) is not var (left, right) ? null : IsNumber(left, number) ? right : IsNumber(right, number) ? left : null;

    /// <summary>Both orders of the operands of a symmetric operator.</summary>
    public IEnumerable<(ValueId Left, ValueId Right)> Orders(ValueId value, BinaryOperator op)
        => Pair(value, op) is not var (left, right) ? [] : [(left, right), (right, left)];

    /// <summary>The argument of a function, or null.</summary>
    public ValueId? Argument(ValueId value, UnaryOperator op) => walk.Producer(value) is Unary unary && unary.Operator == op ? unary.Inputs[0] : null;

    /// <summary>The node that writes a value.</summary>
    public Node? Producer(ValueId value) => walk.Producer(value);

    /// <summary>Whether a value is that number.</summary>
    public bool IsNumber(ValueId value, float number) => Number(value) is float found && MathF.Abs(found - number) <= Tolerance * MathF.Abs(number);

    /// <summary>A constant of one float, or null.</summary>
    public float? Number(ValueId value) => Graph[value].Constant is { Type: ElementType.Float32, Shape.Count: 1 } constant ? constant.Values<float>()[0] : null;

    /// <summary>What a value is the square of, or null.</summary>
    public ValueId? SquareOf(ValueId value)
    {
        if (Pair(value, BinaryOperator.Multiply) is var (left, right) && left == right)
        {
            return left;
        }

        return Pair(value, BinaryOperator.Power) is var (of, exponent) && IsNumber(exponent, 2) ? of : null;
    }

    /// <summary>Whether a value is the third power of another.</summary>
    public bool IsCube(ValueId value, ValueId of)
    {
        bool power = Pair(value, BinaryOperator.Power) is var (x, exponent) && x == of && IsNumber(exponent, 3);
        return power || Orders(value, BinaryOperator.Multiply).Any(o => o.Left == of && SquareOf(o.Right) == of);
    }
}
