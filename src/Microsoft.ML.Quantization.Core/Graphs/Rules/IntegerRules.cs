using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of integer operations.</summary>
internal static class IntegerRules
{
    public static ImmutableArray<ValueType> Convolution(RuleContext context)
    {
        var convolution = (IntegerConvolution)context.Node;
        RequireProduct(context);
        return RuleContext.One(new ValueType(ElementType.Int32, LinearRules.ConvolutionShape(context, convolution.Window, convolution.Groups)));
    }

    public static ImmutableArray<ValueType> Dense(RuleContext context)
    {
        RequireProduct(context);
        return RuleContext.One(new ValueType(ElementType.Int32, LinearRules.DenseShape(context)));
    }

    public static ImmutableArray<ValueType> MatMul(RuleContext context)
    {
        RequirePair(context);
        context.Require(context.Inputs.All(i => i.Type.Quantization is { Code.Bits.Bits: <= 8, IsMidRise: false }), "affine codes of up to 8 bits");
        Shape shape = LinearRules.MatMulShape(context);
        int depth = context.Shape(0)[-1];
        context.RequireShape(depth is >= 0 and <= IntegerMatMul.LongestDepth, $"an inner size of at most {IntegerMatMul.LongestDepth}, for which 32 bits are proved to hold the sums");
        return RuleContext.One(new ValueType(ElementType.Int32, shape));
    }

    public static ImmutableArray<ValueType> GroupedDense(RuleContext context)
    {
        context.RequireInputs(2, 3);
        context.RequireFloat(0, 0);
        AffineQuantization weights = QuantizationRules.RequireCodes(context, 1);
        AffineRules.Check(weights, context.Node.Name);
        Shape result = LinearRules.DenseShape(context);
        Shape w = context.Shape(1);
        bool grouped = weights.Granularity == Granularity.PerGroup && w.Axis(weights.Axis) == 1 && weights.GroupCount(w) == weights.Scales.Length;
        context.Require(context.Inputs[1].Constant is not null && grouped, "constant weights [O, K] with scales for groups along axis 1");
        bool proved = Math.Min(weights.GroupSize, w[1]) <= Nodes.GroupedDense.LongestGroup;
        bool signed = weights.Code.Signed && weights.Code.Bits.Bits <= 8 && weights.ZeroPoints.All(z => z == 0);
        context.Require(proved && signed, $"signed weights of up to 8 bits with zero points 0, in groups of at most {Nodes.GroupedDense.LongestGroup}");
        context.Require(context.Count < 3 || (context.Type(2).Element == ElementType.Float32 && context.Inputs[2].Constant is not null), "a constant float bias");
        return RuleContext.Float(result);
    }

    public static ImmutableArray<ValueType> Requantize(RuleContext context)
    {
        var requantize = (Requantize)context.Node;
        context.RequireInputs(1, 1);
        RequireAccumulator(context);
        RequireChannels(context, requantize.Multipliers, requantize.Offsets, requantize.Axis);
        RequireResult(context, requantize.Result, requantize.Minimum, requantize.Maximum);
        context.RequireAttribute(requantize.Result is not { IsMidRise: true, Code.Bits.Bits: 1 }, "a result of another type than one mid-rise bit, which thresholds write");
        return RuleContext.One(ValueType.Codes(requantize.Result, context.Shape(0)));
    }

    public static ImmutableArray<ValueType> DequantizeAccumulator(RuleContext context)
    {
        var dequantize = (DequantizeAccumulator)context.Node;
        context.RequireInputs(1, 1);
        RequireAccumulator(context);
        RequireChannels(context, dequantize.Multipliers, dequantize.Offsets, dequantize.Axis);
        return RuleContext.Float(context.Shape(0));
    }

    public static ImmutableArray<ValueType> Add(RuleContext context)
    {
        var add = (IntegerAdd)context.Node;
        RequirePair(context);
        context.RequireAttribute(float.IsFinite(add.LeftMultiplier) && float.IsFinite(add.RightMultiplier), "finite multipliers");
        RequireAffine(context, add.Result, add.Minimum, add.Maximum);
        return RuleContext.One(ValueType.Codes(add.Result, ElementwiseRules.Broadcast(context, context.Shape(0), context.Shape(1))));
    }

    public static ImmutableArray<ValueType> Multiply(RuleContext context)
    {
        var multiply = (IntegerMultiply)context.Node;
        RequirePair(context);
        context.Require(context.Type(0).Element != ElementType.Int16 && context.Type(1).Element != ElementType.Int16, "codes of up to 8 bits");
        context.RequireAttribute(float.IsFinite(multiply.Multiplier), "a finite multiplier");
        RequireAffine(context, multiply.Result, multiply.Minimum, multiply.Maximum);
        return RuleContext.One(ValueType.Codes(multiply.Result, ElementwiseRules.Broadcast(context, context.Shape(0), context.Shape(1))));
    }

    public static ImmutableArray<ValueType> AveragePool(RuleContext context)
    {
        var pool = (IntegerAveragePool)context.Node;
        context.RequireInputs(1, 1);
        QuantizationRules.RequirePerTensorCodes(context, 0);
        context.RequireAttribute(float.IsFinite(pool.Multiplier), "a finite multiplier");
        RequireAffine(context, pool.Result, pool.Result.Range.Min, pool.Result.Range.Max);
        Shape shape = pool.IsGlobal ? PoolingRules.GlobalShape(context) : PoolingRules.PoolShape(context, pool.Window, pool.CeilMode);
        return RuleContext.One(ValueType.Codes(pool.Result, shape));
    }

    public static ImmutableArray<ValueType> LookupTable(RuleContext context)
    {
        var table = (LookupTable)context.Node;
        context.RequireInputs(1, 1);
        AffineQuantization input = QuantizationRules.RequirePerTensorCodes(context, 0);
        context.Require(input.Code.Bits.Bits <= 8 && table.Result.Code.Bits.Bits <= 8, "codes of up to 8 bits");
        context.RequireAttribute(table.Table.Length == input.Code.Range.Count, $"{input.Code.Range.Count} table entries");
        RequireResult(context, table.Result, table.Result.Range.Min, table.Result.Range.Max);
        bool inside = table.Table.All(b => table.Result.Range.Contains(table.Result.Code.Signed ? (sbyte)b : b));
        context.RequireAttribute(inside, $"table entries in {table.Result.Range}");
        return RuleContext.One(ValueType.Codes(table.Result, context.Shape(0)));
    }

    /// <summary>Checks that input 0 is an accumulator or per-tensor codes.</summary>
    public static void RequireAccumulator(RuleContext context)
    {
        if (context.Type(0).IsCodes)
        {
            QuantizationRules.RequirePerTensorCodes(context, 0);
            return;
        }

        context.Require(context.Type(0).Element == ElementType.Int32, "an accumulator or codes");
    }

    private static void RequireProduct(RuleContext context)
    {
        context.RequireInputs(2, 3);
        QuantizationRules.RequirePerTensorCodes(context, 0);
        AffineQuantization weights = QuantizationRules.RequireCodes(context, 1);
        bool channels = context.Shape(1).Rank > 0 && weights.Scales.Length == context.Shape(1)[0] && weights.ZeroPoints.Length == weights.Scales.Length;
        bool axis = weights.Granularity == Granularity.PerTensor || (weights.Granularity == Granularity.PerAxis && weights.Axis == 0 && channels);
        context.Require(context.Inputs[1].Constant is not null && axis && weights.Code.Bits.Bits <= 8, "constant weights of up to 8 bits, per tensor or per output channel");
        context.Require(context.Type(0).Quantization!.Code.Bits.Bits <= 8, "codes of up to 8 bits as input 0");
        context.Require(context.Count < 3 || (context.Type(2).Element == ElementType.Int32 && context.Inputs[2].Constant is not null), "a constant Int32 bias");
    }

    private static void RequirePair(RuleContext context)
    {
        context.RequireInputs(2, 2);
        QuantizationRules.RequirePerTensorCodes(context, 0);
        QuantizationRules.RequirePerTensorCodes(context, 1);
    }

    private static void RequireChannels(RuleContext context, ImmutableArray<float> multipliers, ImmutableArray<float> offsets, int axis)
    {
        bool count = multipliers.Length == offsets.Length && (multipliers.Length == 1 || multipliers.Length == context.Shape(0)[context.Shape(0).Axis(axis)]);
        context.RequireAttribute(count && multipliers.All(float.IsFinite) && offsets.All(float.IsFinite), "one finite multiplier and offset a channel, or one for all");
    }

    private static void RequireAffine(RuleContext context, AffineQuantization result, int minimum, int maximum)
    {
        RequireResult(context, result, minimum, maximum);
        context.RequireAttribute(!result.IsMidRise, "a result of affine codes");
    }

    private static void RequireResult(RuleContext context, AffineQuantization result, int minimum, int maximum)
    {
        QuantizationRules.RequirePerTensor(context, result);
        var range = new IntegerRange(minimum, maximum);
        context.RequireAttribute(minimum <= maximum && result.Range.Contains(range.Min) && result.Range.Contains(range.Max), $"code limits inside {result.Range}");
    }
}
