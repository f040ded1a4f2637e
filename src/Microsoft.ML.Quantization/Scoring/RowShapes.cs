using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>
/// Which networks are scored row by row: those whose inputs all begin with the free batch, or all with a batch of 1, as exporters write them by default. Such a network is for one row, and runs once a row.
/// </summary>
internal static class RowShapes
{
    private const string WayOut = "Export the network with a free batch (dynamic axes), or with a batch of 1.";

    /// <summary>Checks all inputs, and those outputs that columns want.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InputShapeMismatch"/> names what is not one a row; <see cref="QuantizationErrorCode.UnsupportedElementType"/> an input of which no column can be read.</exception>
    public static void Check(ModelSignature signature, IEnumerable<string> outputs)
    {
        bool isFree = signature.Inputs.Any(i => i.Shape.IsFree);
        string rows = isFree ? "the free batch" : "the free batch or a batch of 1";
        foreach (InputSignature input in signature.Inputs)
        {
            Require(IsRowWise(input.Shape, isFree ? Shape.Free : 1), "Input", input.Name, input.Shape, rows);
            if (input.Element is not (ElementType.Float32 or ElementType.UInt8 or ElementType.Int64))
            {
                throw new QuantizationException(QuantizationErrorCode.UnsupportedElementType, $"Input '{input.Name}': expected elements of Float32, UInt8 or Int64, found {input.Element}. Let the network begin with a cast from one of them.");
            }
        }

        foreach (OutputSignature output in signature.Outputs.Where(o => outputs.Contains(o.Name)))
        {
            Require(!isFree || IsRowWise(output.Shape, Shape.Free), "Output", output.Name, output.Shape, rows);
        }
    }

    private static bool IsRowWise(Shape shape, int first) => shape.Rank > 0 && shape[0] == first && shape.Dimensions.Skip(1).All(d => d != Shape.Free);

    private static void Require(bool condition, string what, string name, Shape shape, string expected)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.InputShapeMismatch, $"{what} '{name}' {shape}: expected a shape that begins with {expected}, so that rows can be scored, found {shape}. {WayOut}");
        }
    }
}
