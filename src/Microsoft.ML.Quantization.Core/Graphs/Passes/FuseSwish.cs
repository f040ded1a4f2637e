using System;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Melts x · sigmoid(x) into Swish and x · clip(x/6 + 1/2, 0, 1) into HardSwish, so that quantization sees one function of one value.</summary>
public static class FuseSwish
{
    private const float Sixth = 1f / 6f;

    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return PassWalk.Melt(graph, Match, Emit);
    }

    private static Node? Match(PassWalk walk, Node node)
    {
        if (node is not Binary { Operator: BinaryOperator.Multiply, Activation.IsNone: true } product)
        {
            return null;
        }

        for (int i = 0; i < 2; i++)
        {
            if (walk.SoleProducer(product, i) is Unary unary && unary.Inputs[0] == product.Inputs[1 - i] && IsGate(unary))
            {
                return unary;
            }
        }

        return null;
    }

    private static bool IsGate(Unary unary) => unary.Operator == UnaryOperator.Sigmoid
        || (unary.Operator == UnaryOperator.HardSigmoid && MathF.Abs(unary.Alpha - Sixth) < 1e-6f && unary.Beta == 0.5f);

    private static void Emit(GraphRewriter rewriter, Node earlier, Node node)
    {
        bool soft = ((Unary)earlier).Operator == UnaryOperator.Sigmoid;
        rewriter.Emit(node, new Unary
        {
            Name = node.Name,
            Inputs = rewriter.Map(earlier.Inputs),
            Operator = soft ? UnaryOperator.Swish : UnaryOperator.HardSwish,
            Alpha = soft ? 1 : 0,
        });
    }
}
