using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>The bounds of clamps: the lower one must not lie above the upper one, where the order of the two comparisons would show.</summary>
internal static class ActivationRules
{
    /// <summary>Checks any node.</summary>
    public static void Check(RuleContext context)
    {
        (float low, float high) = context.Node switch
        {
            Convolution node => Bounds(node.Activation),
            Dense node => Bounds(node.Activation),
            Binary node => Bounds(node.Activation),
            GroupedDense node => Bounds(node.Activation),
            DequantizeAccumulator node => Bounds(node.Activation),
            CombineAccumulators node => Bounds(node.Activation),
            Unary { Operator: UnaryOperator.Clip } node => (node.Alpha, node.Beta),
            _ => Bounds(Activation.None),
        };
        context.RequireAttribute(low <= high, "a clamp whose lower bound is not above the upper one");
    }

    private static (float Low, float High) Bounds(Activation activation) => (activation.Low, activation.High);
}
