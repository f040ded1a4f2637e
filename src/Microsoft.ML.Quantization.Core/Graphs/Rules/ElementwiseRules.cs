using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of element-wise operations.</summary>
internal static class ElementwiseRules
{
    public static ImmutableArray<ValueType> Unary(RuleContext context)
    {
        context.RequireInputs(1, 1);
        context.RequireFloat(0, 0);
        return RuleContext.Float(context.Shape(0));
    }

    public static ImmutableArray<ValueType> Binary(RuleContext context)
    {
        var binary = (Binary)context.Node;
        context.RequireInputs(2, 2);
        ElementType element = context.Type(0).Element;
        context.Require(element == context.Type(1).Element && !context.Type(0).IsCodes && !context.Type(1).IsCodes, "two inputs of one element type that are no codes");
        bool integer = element is ElementType.Int64 or ElementType.Int32 && binary.Operator <= BinaryOperator.Divide && binary.Activation.IsNone;
        context.Require(element == ElementType.Float32 || integer, "Float32, or integers for +, -, * and /");
        return RuleContext.One(new ValueType(element, Broadcast(context, context.Shape(0), context.Shape(1))));
    }

    public static ImmutableArray<ValueType> Where(RuleContext context)
    {
        context.RequireInputs(3, 3);
        context.Require(context.Type(0).Element == ElementType.Boolean && context.Type(1).Element == context.Type(2).Element && !context.Type(1).IsCodes, "a Boolean and two inputs of one type");
        Shape shape = Broadcast(context, context.Shape(0), Broadcast(context, context.Shape(1), context.Shape(2)));
        return RuleContext.One(new ValueType(context.Type(1).Element, shape));
    }

    public static ImmutableArray<ValueType> Cast(RuleContext context)
    {
        context.RequireInputs(1, 1);
        context.Require(!context.Type(0).IsCodes, "an input that holds no codes");
        return RuleContext.One(new ValueType(((Cast)context.Node).To, context.Shape(0)));
    }

    /// <summary>The numpy broadcast of two shapes; a free dimension meets itself or 1.</summary>
    public static Shape Broadcast(RuleContext context, Shape a, Shape b)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        var result = new int[rank];
        for (int i = 1; i <= rank; i++)
        {
            int left = i <= a.Rank ? a[-i] : 1;
            int right = i <= b.Rank ? b[-i] : 1;
            context.RequireShape(left == right || left == 1 || right == 1, "shapes that broadcast");
            result[rank - i] = left == 1 ? right : left;
        }

        return new Shape([.. result]);
    }
}
