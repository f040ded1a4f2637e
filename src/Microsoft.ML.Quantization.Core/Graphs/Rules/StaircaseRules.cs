using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of quantizers with levels of any spacing and of their integer forms.</summary>
internal static class StaircaseRules
{
    public static ImmutableArray<ValueType> Staircase(RuleContext context)
    {
        context.RequireInputs(3, 3);
        context.RequireFloat(0, 2);
        Tensor? thresholds = context.Inputs[1].Constant;
        Tensor? levels = context.Inputs[2].Constant;
        bool constants = thresholds is { Shape: { Rank: 1, Count: >= 1 and <= Nodes.Staircase.MostThresholds } } && levels is { Shape.Rank: 1 } && levels.Shape.Count == thresholds.Shape.Count + 1;
        context.Require(constants, "constant thresholds [n], n from 1 to 255, and constant levels [n + 1]");
        float[] t = thresholds!.Values<float>().ToArray();
        bool ascending = !t.Any(float.IsNaN) && t.Zip(t.Skip(1)).All(p => p.First <= p.Second);
        context.Require(ascending && levels!.Values<float>().ToArray().All(float.IsFinite), "ascending thresholds and finite levels");
        return RuleContext.Float(context.Shape(0));
    }

    public static ImmutableArray<ValueType> Thresholds(RuleContext context)
    {
        var node = (Thresholds)context.Node;
        context.RequireInputs(1, 1);
        QuantizationRules.RequirePerTensor(context, node.Result);
        context.RequireAttribute(node.Result is { Code: { Signed: false, Bits.Bits: <= 8 }, Range.Min: 0 }, "a result of unsigned codes from 0");
        bool real = context.Type(0).Element == ElementType.Float32;
        if (!real)
        {
            IntegerRules.RequireAccumulator(context);
        }

        int count = real ? node.Reals.Length : node.Integers.Length;
        bool kind = real ? node.Integers.IsEmpty && !node.Reals.Any(float.IsNaN) : node.Reals.IsEmpty;
        int channels = context.Shape(0).Rank == 0 ? 1 : context.Shape(0)[context.Shape(0).Axis(node.Axis)];
        bool counts = (count == node.Count || count == (long)node.Count * channels) && (node.Directions.Length == 1 || node.Directions.Length == channels);
        context.RequireAttribute(kind && counts && node.Directions.All(d => d is 1 or -1), $"{node.Count} thresholds of the input's kind for all channels or for each, and directions 1 or -1");
        return RuleContext.One(ValueType.Codes(node.Result, context.Shape(0)));
    }

    public static ImmutableArray<ValueType> CombineAccumulators(RuleContext context)
    {
        var node = (CombineAccumulators)context.Node;
        context.RequireInputs(1, int.MaxValue);
        bool accumulators = context.Inputs.All(i => i.Type is { Element: ElementType.Int32, IsCodes: false } && i.Type.Shape.Equals(context.Shape(0)));
        context.Require(accumulators, "Int32 accumulators of one shape");
        int channels = context.Shape(0).Rank == 0 ? 1 : context.Shape(0)[context.Shape(0).Axis(node.Axis)];
        bool counts = (node.Offsets.Length == 1 || node.Offsets.Length == channels) && node.Multipliers.Length == (long)node.Offsets.Length * context.Count;
        context.RequireAttribute(counts && node.Multipliers.All(float.IsFinite) && node.Offsets.All(float.IsFinite), "finite numbers: an offset a channel or one for all, and as many multipliers for each input");
        return RuleContext.Float(context.Shape(0));
    }
}
