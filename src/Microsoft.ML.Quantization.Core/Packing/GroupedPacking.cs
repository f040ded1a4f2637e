using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Dense layers with weights in groups: a step that quantizes the rows, and the product.</summary>
internal static class GroupedPacking
{
    /// <summary>Packs a <see cref="GroupedDense"/>.</summary>
    public static bool Dense(PackingState state, Node node)
    {
        ValueId from = node.Inputs[0];
        if (state.Constant(from) is not null)
        {
            return false;
        }

        Tensor weights = state.Constant(node.Inputs[1])!;
        AffineQuantization quantizer = state.TypeOf(node.Inputs[1]).Quantization!;
        int scaleBits = GroupedGeometry.AreHalves(quantizer.Scales.AsSpan()) ? 16 : 32;
        GroupedGeometry one = GroupedDenseOperator.Geometry(Shape.Of(1, weights.Shape[1]), weights.Shape, quantizer, scaleBits);
        Choice choice = state.Chooser.Choose(KernelWork.Of(GroupedDenseOperator.Geometry(state.TypeOf(from).Shape.Bind(1), weights.Shape, quantizer)));
        string form = string.Create(CultureInfo.InvariantCulture, $"grouped/{choice.Set.Name}/{node.Inputs[1].Index}");
        PackedWeights packed = state.Weights.Get(weights, form, () => choice.Set.PackGroupedDense(one, weights.Values<sbyte>(), quantizer.Scales.AsSpan()));
        float[] bias = node.Inputs.Length > 2 ? state.Constant(node.Inputs[2])!.Values<float>().ToArray() : new float[one.Outputs];
        Activation activation = ((GroupedDense)node).Activation;
        int source = state.Read(from, Layout.RowMajor);
        Shape shape = state.TypeOf(from).Shape;
        int codes = state.Scratch(ElementType.Int8, shape.With(shape.Rank - 1, one.RowStride));
        int sums = state.Scratch(ElementType.Int32, shape.With(shape.Rank - 1, one.Groups));
        int scales = state.Scratch(ElementType.Float32, shape.With(shape.Rank - 1, 1));
        int destination = state.Write(node.Output, Layout.RowMajor);
        var rows = new GroupedRows(codes, sums, scales);
        GroupedGeometry Bind(BindContext c) => GroupedDenseOperator.Geometry(c.ShapeOf(from), weights.Shape, quantizer, scaleBits);
        state.Add(new PackedStep(node.Name, "QuantizeRows", [source], [codes, sums, scales], c => new QuantizeRowsStep(c, Bind(c), source, rows)));
        state.Add(new PackedStep(node.Name, node.Kind, [codes, sums, scales], [destination], c => new GroupedDenseStep(c, Bind(c), packed, bias, activation, rows, destination))
        {
            Facts = new LayerFacts(
                string.Create(CultureInfo.InvariantCulture, $"W{one.Bits}A8"),
                string.Create(CultureInfo.InvariantCulture, $"weights in groups of {one.GroupSize}, inputs quantized row by row"),
                127L * one.GroupSize << (one.Bits - 1),
                packed.ByteLength),
            Kernels = choice.Set,
            Choice = choice.Why,
        });
        return true;
    }
}
