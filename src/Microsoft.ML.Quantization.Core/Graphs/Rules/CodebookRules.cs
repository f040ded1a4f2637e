using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Where codes of a codebook may stand: constants that are weights of an integer layer (integer levels) or are decoded (any levels), with axis 0 as output channels.</summary>
internal static class CodebookRules
{
    /// <summary>Checks the inputs of any node.</summary>
    public static void Check(RuleContext context)
    {
        for (int i = 0; i < context.Count; i++)
        {
            if (context.Type(i).Quantization is { Codebook: not null } quantizer)
            {
                Check(context, i, quantizer);
            }
        }
    }

    private static void Check(RuleContext context, int input, AffineQuantization quantizer)
    {
        AffineRules.Check(quantizer, context.Node.Name);
        bool weights = context.Node is IntegerConvolution or IntegerDense && input == 1;
        context.Require(context.Inputs[input].Constant is not null && (weights || context.Node is Dequantize), "codes of a codebook as constant weights of an integer layer or of Dequantize only");
        context.Require(!weights || quantizer.Codebook!.IsInteger, "a codebook of integers for an integer layer");
        bool covered = context.Shape(input).Rank > 0 && quantizer.Codebook!.Covers(context.Shape(input)[0]) && quantizer.GroupCount(context.Shape(input)) == quantizer.Scales.Length;
        context.Require(covered, "a book and a scale for every output channel");
    }
}
