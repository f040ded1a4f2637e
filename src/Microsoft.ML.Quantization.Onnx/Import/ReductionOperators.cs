using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Reduce*: axes are an attribute up to operator set 17 (ReduceSum: 12), an input behind.</summary>
internal static class ReductionOperators
{
    public static ImportValue Import(NodeCall call, ReduceOperator reduce)
    {
        if (ShapeArithmetic.TryProduct(call, reduce) is { } known)
        {
            return known;
        }

        call.RequireFloat(0);
        ImportValue x = call.Input(0);
        ImmutableArray<long> axes = call.AttributeOrInput("axes", 1) ?? [];
        if (axes.IsEmpty && call.Attributes.Flag("noop_with_empty_axes"))
        {
            return x;
        }

        ImmutableArray<int> normal = axes.IsEmpty ? [.. Enumerable.Range(0, x.Shape.Rank)] : call.Axes(axes, x.Shape.Rank).Sort();
        return call.Emit(new Reduce { Operator = reduce, Axes = normal, KeepDimensions = call.Attributes.Flag("keepdims", true) }, x);
    }
}
