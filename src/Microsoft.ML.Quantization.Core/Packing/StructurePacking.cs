using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Nodes that only move elements.</summary>
internal static class StructurePacking
{
    /// <summary>Joins operands in the layout they have.</summary>
    public static bool Concat(PackingState state, Node node)
    {
        if (node.Inputs.Any(i => state.Constant(i) is not null))
        {
            return false;
        }

        Shape shape = state.TypeOf(node.Output).Shape;
        int axis = shape.Axis(((Concat)node).Axis);
        bool channelsLast = Layouts.CanBeChannelsLast(shape) && node.Inputs.All(i => Layouts.CanBeChannelsLast(state.TypeOf(i).Shape))
            && node.Inputs.Any(state.IsChannelsLast);
        Layout layout = channelsLast ? Layout.ChannelsLast : Layout.RowMajor;
        int[] sources = [.. node.Inputs.Select(i => state.Read(i, layout))];
        int destination = state.Write(node.Output, layout);
        int size = state.TypeOf(node.Output).Element.SizeOf();
        state.Add(new PackedStep(node.Name, node.Kind, sources, [destination], context =>
        {
            int[] parts = [.. node.Inputs.Select(i => Part(context.ShapeOf(i), axis, channelsLast))];
            int total = parts.Sum();
            int outer = total == 0 ? 0 : context.ShapeOf(node.Output).Count / total;
            return new ConcatStep(context, outer, sources, parts, size, destination);
        }));
        return true;
    }

    /// <summary>The same bytes under another shape; nothing happens until something reads them in an order of its own.</summary>
    public static bool Reshape(PackingState state, Node node)
    {
        state.Reshape(node.Output, node.Inputs[0]);
        return true;
    }

    // Elements of one operand from the axis inwards: channels-last order is batch, spatial axes, channels.
    private static int Part(Shape shape, int axis, bool channelsLast)
    {
        if (!channelsLast)
        {
            return shape.CountOf(axis, shape.Rank);
        }

        return axis switch
        {
            0 => shape.Count,
            1 => shape[1],
            _ => shape.CountOf(axis, shape.Rank) * shape[1],
        };
    }
}
