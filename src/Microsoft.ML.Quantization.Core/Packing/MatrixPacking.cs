using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Products of two computed values, as attention has them.</summary>
internal static class MatrixPacking
{
    /// <summary>Packs a <see cref="MatMul"/>.</summary>
    public static bool Floats(PackingState state, Node node)
    {
        if (!AreComputed(state, node))
        {
            return false;
        }

        (int left, int right) = (state.Read(node.Inputs[0], Layout.RowMajor), state.Read(node.Inputs[1], Layout.RowMajor));
        int destination = state.Write(node.Output, Layout.RowMajor);
        state.Add(new PackedStep(node.Name, node.Kind, [left, right], [destination], c => new FloatMatrixStep(c, Products(c, node), left, right, destination))
        {
            Facts = new LayerFacts("f32", "product of two values", 0, 0),
        });
        return true;
    }

    /// <summary>
    /// Packs an <see cref="IntegerMatMul"/> of unsigned codes. Where the right codes less their zero point are signed bytes (as they are for symmetric quantizers), the requantizer
    /// behind it goes into the step; otherwise accumulators are written.
    /// </summary>
    public static bool Codes(PackingState state, Node node)
    {
        bool bytes = state.TypeOf(node.Inputs[0]).Element == ElementType.UInt8 && state.TypeOf(node.Inputs[1]).Element == ElementType.UInt8;
        AffineQuantization right = state.TypeOf(node.Inputs[1]).Quantization!;
        int columns = state.TypeOf(node.Inputs[1]).Shape is { Rank: > 1 } shape ? shape[-1] : 1;
        int zero = right.Single.ZeroPoint;
        // Codes that a caller gives may be any of the type; codes made inside stay in the quantizer's range.
        IntegerRange range = state.IsGiven(node.Inputs[1]) ? new IntegerRange(0, byte.MaxValue) : right.Range;
        bool fits = range.Min - zero >= sbyte.MinValue && range.Max - zero <= sbyte.MaxValue;
        int depth = state.TypeOf(node.Inputs[0]).Shape[-1];
        if (!bytes || !fits || columns <= 0 || depth == 0 || !AreComputed(state, node))
        {
            return false;
        }

        (Node? tail, EpilogueData epilogue) = IntegerPacking.Tail(state, node, state.TypeOf(node.Output).Shape.Rank - 1, new int[columns]);
        if (tail is not null)
        {
            state.Done.Add(tail);
        }

        (int first, int second) = (state.Read(node.Inputs[0], Layout.RowMajor), state.Read(node.Inputs[1], Layout.RowMajor));
        int destination = state.Write((tail ?? node).Output, Layout.RowMajor);
        int leftZero = state.TypeOf(node.Inputs[0]).Quantization!.Single.ZeroPoint;
        string bits = string.Create(CultureInfo.InvariantCulture, $"A{state.TypeOf(node.Inputs[0]).Quantization!.Code.Bits}A{right.Code.Bits}");
        state.Add(new PackedStep(
            node.Name,
            $"{node.Kind}→{epilogue.Output}",
            [first, second],
            [destination],
            c => new CodeMatrixStep(c, Products(c, node), leftZero, zero, epilogue, first, second, destination))
        {
            Facts = new LayerFacts(bits, "exact in int32, proved from the length of the sums", 2L * byte.MaxValue * -sbyte.MinValue * depth, 0),
        });
        return true;
    }

    private static MatrixProducts Products(BindContext context, Node node) => MatrixProducts.Of(context.ShapeOf(node.Inputs[0]), context.ShapeOf(node.Inputs[1]));

    private static bool AreComputed(PackingState state, Node node) => state.Constant(node.Inputs[0]) is null && state.Constant(node.Inputs[1]) is null;
}
