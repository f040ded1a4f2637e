using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>How the caller's data come in.</summary>
internal static class EntryPacking
{
    /// <summary>Checks every input's signature against the graph.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InputShapeMismatch"/>.</exception>
    public static void Check(Graph graph, ModelSignature signature)
    {
        bool counts = signature.Inputs.Length == graph.Inputs.Length && signature.Outputs.Length == graph.Outputs.Length;
        for (int i = 0; counts && i < signature.Inputs.Length; i++)
        {
            InputSignature input = signature.Inputs[i];
            Value value = graph[graph.Inputs[i]];
            bool plain = input.Scale.Length == 0 && input.Offset.Length == 0;
            bool element = value.Type.Element == ElementType.Float32 && !value.Type.IsCodes
                ? input.Element is ElementType.Float32 or ElementType.UInt8 or ElementType.Int64
                : input.Element == value.Type.Element && plain;
            CheckBatch(value);
            bool layout = input.Layout == RowLayout.Planar || Layouts.CanBeChannelsLast(value.Type.Shape);
            if (!element || !layout || !input.Shape.Equals(value.Type.Shape) || !FitsChannels(input.Scale, value.Type.Shape) || !FitsChannels(input.Offset, value.Type.Shape))
            {
                throw new QuantizationException(QuantizationErrorCode.InputShapeMismatch, $"Signature of input '{input.Name}': expected {value.Type}, normalisation of floats only with one number or one a channel, found {input.Element}{input.Shape} {input.Layout}.");
            }
        }

        if (!counts)
        {
            throw new QuantizationException(QuantizationErrorCode.InputShapeMismatch, $"Signature: expected {graph.Inputs.Length} inputs and {graph.Outputs.Length} outputs, found {signature.Inputs.Length} and {signature.Outputs.Length}.");
        }
    }

    private static void CheckBatch(Value input)
    {
        if (input.Type.Shape.Dimensions.Count(d => d == Shape.Free) > 1)
        {
            throw new QuantizationException(QuantizationErrorCode.InputShapeMismatch, $"Input '{input.Name}': expected the batch in one dimension, found {input.Type.Shape}.");
        }
    }

    /// <summary>Brings a graph input into a slot, in the wanted layout where that costs nothing more.</summary>
    public static (int Slot, Layout Layout) Load(PackingState state, ValueId id, Layout wanted, int slot)
    {
        int index = state.Graph.Inputs.IndexOf(id);
        InputSignature signature = state.Signature.Inputs[index];
        ValueType type = state.TypeOf(id);
        Layout natural = signature.Layout == RowLayout.Interleaved ? Layout.ChannelsLast : Layout.RowMajor;
        if (signature.Element == type.Element && signature.Scale.Length == 0 && signature.Offset.Length == 0)
        {
            int size = type.Element.SizeOf();
            state.Add(new PackedStep(signature.Name, "Input", [], [slot], c => new CopyEntryStep(c, c.ShapeOf(id).Count, size, index, slot)));
            return (slot, natural);
        }

        state.Add(new PackedStep(signature.Name, "InputAsFloat", [], [slot], c => new FloatEntryStep(c, Reader(signature, c.ShapeOf(id), wanted), index, wanted, slot)));
        return (slot, wanted);
    }

    /// <summary>Fuses a quantizer that reads a graph input with the entry.</summary>
    public static bool Quantize(PackingState state, Node node)
    {
        AffineQuantization result = ((Quantize)node).Result;
        ValueId id = node.Inputs[0];
        int index = state.Graph.Inputs.IndexOf(id);
        if (index < 0 || result.Element != ElementType.UInt8 || result.IsMidRise)
        {
            return false;
        }

        InputSignature signature = state.Signature.Inputs[index];
        Layout layout = Layouts.Preferred(state, node.Output);
        int slot = state.Write(node.Output, layout);
        state.Add(new PackedStep(node.Name, "InputQuantize", [], [slot], c => BindQuantize(c, signature, c.ShapeOf(id), layout, result, index, slot)));
        return true;
    }

    private static BoundStep BindQuantize(BindContext context, InputSignature signature, Shape shape, Layout layout, AffineQuantization result, int input, int slot)
    {
        EntryReader reader = Reader(signature, shape, layout);
        bool inOrder = reader.Channels == 1;
        return (signature.Element, inOrder && reader.IsPlain) switch
        {
            (ElementType.UInt8, _) => new TableEntryStep(context, reader, input, layout, result.Single, result.Range, slot),
            (ElementType.Float32, true) => new FlatQuantizeEntryStep(context, shape.Count, result.Single, result.Range, input, slot),
            _ => new QuantizeEntryStep(context, reader, input, layout, result.Single, result.Range, slot),
        };
    }

    /// <summary>The reader; values that keep their order and share their normalisation count as one long channel.</summary>
    private static EntryReader Reader(InputSignature signature, Shape shape, Layout target)
    {
        bool interleaved = signature.Layout == RowLayout.Interleaved;
        bool inOrder = interleaved == (target == Layout.ChannelsLast) || shape.Rank < 3 || Layouts.AreEqual(shape);
        if (inOrder && signature.Scale.Length <= 1 && signature.Offset.Length <= 1)
        {
            return new EntryReader(signature, 1, 1, shape.Count);
        }

        return new EntryReader(signature, shape[0], shape[1], shape.CountOf(2, shape.Rank));
    }

    private static bool FitsChannels(ImmutableArray<float> numbers, Shape shape) => numbers.Length <= 1 || (shape.Rank >= 2 && shape[1] == numbers.Length);
}
