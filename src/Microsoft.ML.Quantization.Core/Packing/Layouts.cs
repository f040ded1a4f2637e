using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Which layouts a value can have and which one suits its readers.</summary>
internal static class Layouts
{
    private const int Depth = 4;

    /// <summary>Whether a shape is [N, C, spatial] with at most the batch free.</summary>
    public static bool CanBeChannelsLast(Shape shape) => shape.Rank is >= 3 and <= 5 && !shape.Dimensions[1..].Contains(Shape.Free);

    /// <summary>Whether a shape is [N, C] or [N, C, spatial] with at most the batch free, so that pixels of C channels can be told apart.</summary>
    public static bool CanBePlanes(Shape shape) => shape.Rank is >= 2 and <= 5 && !shape.Dimensions[1..].Contains(Shape.Free) && shape.CountOf(1, shape.Rank) > 0;

    /// <summary>The layout of such a shape in which the channels of a pixel lie side by side.</summary>
    public static Layout Natural(Shape shape) => shape.Rank > 2 ? Layout.ChannelsLast : Layout.RowMajor;

    /// <summary>Whether numbers that a node has for channels belong to axis 1 of a value (or are one for all).</summary>
    public static bool IsChannelAxis(PackingState state, ValueId id, int axis, int count)
    {
        Shape shape = state.TypeOf(id).Shape;
        return count == 1 || shape.Axis(axis) == 1;
    }

    /// <summary>Whether a value of codes is read by a layer that runs on planes, perhaps behind a max pool, a flatten or a step that turns channels.</summary>
    public static bool WantsPlanes(PackingState state, ValueId id) => WantsPlanes(state, id, Depth);

    /// <summary>Whether both layouts are the same bytes: one channel, or one pixel.</summary>
    public static bool AreEqual(Shape shape) => shape[1] == 1 || shape.CountOf(2, shape.Rank) == 1;

    /// <summary>Whether a node works on spatial data, channels last.</summary>
    public static bool IsSpatial(Node node) => node is IntegerConvolution or Convolution or MaxPool or AveragePool or GlobalAveragePool or IntegerAveragePool;

    /// <summary>Whether a node works element by element, so that any order common to its operands serves.</summary>
    public static bool IsElementwise(PackingState state, Node node)
    {
        Shape shape = state.TypeOf(node.Output).Shape;
        return IsElementwise(node) && node.Inputs.All(i => state.Constant(i) is null && state.TypeOf(i).Shape.Equals(shape))
            && node.Inputs.All(i => state.TypeOf(i).Quantization is not { Scales.Length: > 1 });
    }

    /// <summary>The layout in which an element-wise node finds its operands.</summary>
    public static Layout Common(PackingState state, Node node)
        => CanBeChannelsLast(state.TypeOf(node.Output).Shape) && node.Inputs.Any(state.IsChannelsLast)
            ? Layout.ChannelsLast
            : Layout.RowMajor;

    /// <summary>The layout that the readers of a value would like.</summary>
    public static Layout Preferred(PackingState state, ValueId id)
        => CanBeChannelsLast(state.TypeOf(id).Shape) && LikesChannelsLast(state, id, Depth) ? Layout.ChannelsLast : Layout.RowMajor;

    private static bool WantsPlanes(PackingState state, ValueId id, int depth)
    {
        bool codes = state.TypeOf(id) is { Element: ElementType.UInt8, Quantization.Code.Bits.Bits: <= PlaneLayout.MostBits } type && CanBePlanes(type.Shape);
        return codes && depth > 0 && state.Consumers(id).Exists(c => (state.Planes.Has(c) && c.Inputs[0] == id) || (c is MaxPool or Reshape or Thresholds or Pad && WantsPlanes(state, c.Output, depth - 1)));
    }

    private static bool LikesChannelsLast(PackingState state, ValueId id, int depth)
        => depth > 0 && state.Consumers(id).Exists(c => (IsSpatial(c) && c.Inputs[0] == id) || (IsElementwise(state, c) && LikesChannelsLast(state, c.Output, depth - 1)));

    private static bool IsElementwise(Node node) => node switch
    {
        Unary or Binary or Where or Cast or Quantize or Dequantize or IntegerAdd or IntegerMultiply or LookupTable => true,
        Requantize requantize => requantize.Multipliers.Length == 1,
        DequantizeAccumulator dequantize => dequantize.Multipliers.Length == 1,
        _ => false,
    };
}
