using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Types of the steps between floats and codes.</summary>
internal static class QuantizationRules
{
    public static ImmutableArray<ValueType> FakeQuantize(RuleContext context)
    {
        var fake = (FakeQuantize)context.Node;
        context.RequireInputs(3, 3);
        context.RequireFloat(0, 1);
        context.Require(context.Inputs[1].Constant is not null && context.Inputs[2].Constant is not null && context.Type(2).Element == ElementType.Int32, "constant scales and Int32 zero points");
        AffineQuantization quantizer = fake.Quantizer(context.Inputs[1].Constant!, context.Inputs[2].Constant!);
        AffineRules.Check(quantizer, context.Node.Name);
        CheckGroups(context, quantizer, context.Shape(0));
        return RuleContext.Float(context.Shape(0));
    }

    public static ImmutableArray<ValueType> LearnedQuantize(RuleContext context)
    {
        var learned = (LearnedQuantize)context.Node;
        ImmutableArray<MethodParameter> parameters = learned.Method.Parameters;
        QuantizationMethods.Checked(learned.Method);
        context.RequireAttribute((learned.Method.Sites & learned.Site) == learned.Site && learned.Site != QuantizerSites.None, $"a place among {learned.Method.Sites} for {learned.Method.Name}");
        context.RequireInputs(parameters.Length + 1, parameters.Length + 1);
        context.RequireFloat(0, parameters.Length);
        for (int i = 0; i < parameters.Length; i++)
        {
            Shape expected = Nodes.LearnedQuantize.ShapeOf(learned.Method, parameters[i], context.Shape(0));
            context.Require(context.Inputs[i + 1].Constant is { } constant && constant.Shape.Equals(expected), $"'{parameters[i].Name}' as a constant of shape {expected}");
        }

        return RuleContext.Float(context.Shape(0));
    }

    public static ImmutableArray<ValueType> Quantize(RuleContext context)
    {
        var quantize = (Quantize)context.Node;
        context.RequireInputs(1, 1);
        context.RequireFloat(0, 0);
        RequirePerTensor(context, quantize.Result);
        return RuleContext.One(ValueType.Codes(quantize.Result, context.Shape(0)));
    }

    public static ImmutableArray<ValueType> Dequantize(RuleContext context)
    {
        context.RequireInputs(1, 1);
        AffineQuantization quantizer = RequireCodes(context, 0);
        CheckGroups(context, quantizer, context.Shape(0));
        return RuleContext.Float(context.Shape(0));
    }

    /// <summary>The quantizer of an input that must hold codes.</summary>
    public static AffineQuantization RequireCodes(RuleContext context, int input)
    {
        context.Require(context.Type(input).IsCodes && context.Type(input).Quantization!.Element == context.Type(input).Element, $"codes as input {input}");
        return context.Type(input).Quantization!;
    }

    /// <summary>The quantizer of an input that must hold codes with one scale.</summary>
    public static AffineQuantization RequirePerTensorCodes(RuleContext context, int input)
    {
        AffineQuantization quantizer = RequireCodes(context, input);
        RequirePerTensor(context, quantizer);
        return quantizer;
    }

    public static void RequirePerTensor(RuleContext context, AffineQuantization quantizer)
    {
        AffineRules.Check(quantizer, context.Node.Name);
        context.RequireAttribute(quantizer is { Granularity: Granularity.PerTensor, Codebook: null }, "one scale for the tensor and no codebook");
    }

    private static void CheckGroups(RuleContext context, AffineQuantization quantizer, Shape shape)
    {
        bool fixedAxis = quantizer.Granularity == Granularity.PerTensor
            || (shape[shape.Axis(quantizer.Axis)] != Shape.Free && (quantizer.Granularity == Granularity.PerAxis || !shape.IsFree));
        context.RequireAttribute(fixedAxis && quantizer.GroupCount(shape) == quantizer.Scales.Length, "as many scales as the shape has groups");
    }
}
