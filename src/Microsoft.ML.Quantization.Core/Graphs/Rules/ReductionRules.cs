using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of reductions.</summary>
internal static class ReductionRules
{
    public static ImmutableArray<ValueType> Reduce(RuleContext context)
    {
        var reduce = (Reduce)context.Node;
        context.RequireInputs(1, 1);
        context.RequireFloat(0, 0);
        Shape x = context.Shape(0);
        var result = ImmutableArray.CreateBuilder<int>();
        for (int i = 0; i < x.Rank; i++)
        {
            bool reduced = reduce.Axes.IsEmpty || reduce.Axes.Contains(i);
            context.RequireShape(!reduced || x[i] != Shape.Free, "reduced axes of fixed size");
            if (!reduced || reduce.KeepDimensions)
            {
                result.Add(reduced ? 1 : x[i]);
            }
        }

        foreach (int axis in reduce.Axes)
        {
            context.RequireAttribute(axis >= 0 && axis < x.Rank, $"axes from 0 to {x.Rank - 1}");
        }

        return RuleContext.Float(new Shape(result.ToImmutable()));
    }
}
