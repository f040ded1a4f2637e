using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of pools.</summary>
internal static class PoolingRules
{
    public static ImmutableArray<ValueType> MaxPool(RuleContext context)
    {
        var pool = (MaxPool)context.Node;
        context.RequireInputs(1, 1);
        context.Require(context.Type(0).Element is ElementType.Float32 or ElementType.UInt8 or ElementType.Int8 or ElementType.Int16, "floats or codes");
        return RuleContext.One(context.Type(0) with { Shape = PoolShape(context, pool.Window, pool.CeilMode) });
    }

    public static ImmutableArray<ValueType> AveragePool(RuleContext context)
    {
        var pool = (AveragePool)context.Node;
        context.RequireInputs(1, 1);
        context.RequireFloat(0, 0);
        return RuleContext.Float(PoolShape(context, pool.Window, pool.CeilMode));
    }

    public static ImmutableArray<ValueType> GlobalAveragePool(RuleContext context)
    {
        context.RequireInputs(1, 1);
        context.RequireFloat(0, 0);
        return RuleContext.Float(GlobalShape(context));
    }

    public static Shape PoolShape(RuleContext context, Window window, bool ceil)
    {
        ImmutableArray<int> spatial = context.Spatial(window, context.Shape(0), ceil);
        return new Shape([context.Shape(0)[0], context.Shape(0)[1], .. spatial]);
    }

    public static Shape GlobalShape(RuleContext context)
    {
        Shape x = context.Shape(0);
        context.RequireShape(x.Rank is >= 3 and <= 5, "an input [N, C, spatial]");
        return new Shape([x[0], x[1], .. Enumerable.Repeat(1, x.Rank - 2)]);
    }
}
