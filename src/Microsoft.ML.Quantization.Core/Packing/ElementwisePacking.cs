using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Element-wise nodes that have a kernel; they run in whatever layout their operands have.</summary>
internal static class ElementwisePacking
{
    private const int TableSize = 256;

    public static bool Quantize(PackingState state, Node node)
    {
        AffineQuantization result = ((Quantize)node).Result;
        if (result is { Element: ElementType.Int16, IsMidRise: false, Scales.Length: 1 })
        {
            return Add(state, node, (c, n, s, d) => new QuantizeWideStep(c, n, result.Single, result.Range, s[0], d));
        }

        return result is { Element: ElementType.UInt8, IsMidRise: false }
            && Add(state, node, (c, n, s, d) => new QuantizeStep(c, n, result.Single, result.Range, s[0], d));
    }

    public static bool Dequantize(PackingState state, Node node)
    {
        ValueType input = state.TypeOf(node.Inputs[0]);
        return input is { Element: ElementType.UInt8, Quantization.Scales.Length: 1 }
            && (ExitPacking.TryDefer(state, node) || Add(state, node, (c, n, s, d) => new DequantizeStep(c, n, input.Quantization!.Single, s[0], d)));
    }

    /// <summary>Codes to codes with one multiplier: a table, since there are at most 256 codes.</summary>
    public static bool Requantize(PackingState state, Node node)
    {
        var requantize = (Requantize)node;
        ValueType input = state.TypeOf(node.Inputs[0]);
        if (requantize.Multipliers.Length != 1 || input is not { Element: ElementType.UInt8, Quantization: not null } || requantize.Result.Element != ElementType.UInt8)
        {
            return false;
        }

        int zero = input.Quantization.Single.ZeroPoint;
        int resultZero = requantize.Result.Single.ZeroPoint;
        byte[] table = [.. Enumerable.Range(0, TableSize).Select(x => (byte)Requantization.Apply(x - zero, requantize.Multipliers[0], requantize.Offsets[0], resultZero, requantize.Minimum, requantize.Maximum))];
        return Add(state, node, (c, n, s, d) => new TranslateStep(c, n, table, s[0], d));
    }

    /// <summary>Codes of 8 or 16 bits to such codes with numbers a channel, or of more codes than a table has, where channels lie side by side.</summary>
    public static bool RequantizeChannels(PackingState state, Node node)
    {
        var requantize = (Requantize)node;
        (ValueId from, AffineQuantization result) = (node.Inputs[0], requantize.Result);
        ValueType input = state.TypeOf(from);
        if (input.Quantization is not { IsMidRise: false, Scales.Length: 1 } quantization || result.IsMidRise || !IsCode(input.Element) || !IsCode(result.Element))
        {
            return false;
        }

        int channels = input.Shape.Rank > 1 ? input.Shape[1] : 0;
        if (!state.IsChannelsLast(from) || !Layouts.IsChannelAxis(state, from, requantize.Axis, requantize.Multipliers.Length) || Layouts.WantsPlanes(state, node.Output))
        {
            return false;
        }

        var tail = new CodeTail(result.Single.ZeroPoint, requantize.Minimum, requantize.Maximum);
        var rule = new RequantizeRule(quantization.Single.ZeroPoint, Spread(requantize.Multipliers, channels), Spread(requantize.Offsets, channels), tail);
        int source = state.Read(from, Layout.ChannelsLast);
        int destination = state.Write(node.Output, Layout.ChannelsLast);
        state.Add(new PackedStep(node.Name, node.Kind, [source], [destination], c =>
        {
            Shape bound = c.ShapeOf(node.Output);
            return new RequantizeStep(c, bound[0] * bound.CountOf(2, bound.Rank), rule, (source, input.Element == ElementType.UInt8), (destination, result.Element == ElementType.UInt8));
        }));
        return true;
    }

    private static bool IsCode(ElementType element) => element is ElementType.UInt8 or ElementType.Int16;

    private static float[] Spread(ImmutableArray<float> numbers, int channels) => numbers.Length == 1 ? [.. Enumerable.Repeat(numbers[0], channels)] : [.. numbers];

    public static bool LookupTable(PackingState state, Node node)
    {
        var lookup = (LookupTable)node;
        if (state.TypeOf(node.Inputs[0]).Element != ElementType.UInt8 || lookup.Result.Element != ElementType.UInt8)
        {
            return false;
        }

        var table = new byte[TableSize];
        lookup.Table.CopyTo(table);
        return Add(state, node, (c, n, s, d) => new TranslateStep(c, n, table, s[0], d));
    }

    public static bool IntegerAdd(PackingState state, Node node)
    {
        var add = (IntegerAdd)node;
        ValueType left = state.TypeOf(node.Inputs[0]);
        ValueType right = state.TypeOf(node.Inputs[1]);
        if (left.Element != ElementType.UInt8 || right.Element != ElementType.UInt8 || add.Result.Element != ElementType.UInt8)
        {
            return false;
        }

        var rule = new AddRule(
            new AffineParameters(add.LeftMultiplier, left.Quantization!.Single.ZeroPoint),
            new AffineParameters(add.RightMultiplier, right.Quantization!.Single.ZeroPoint),
            add.Result.Single.ZeroPoint,
            add.Minimum,
            add.Maximum);
        return Add(state, node, (c, n, s, d) => new AddByteStep(c, n, rule, s[0], s[1], d));
    }

    /// <summary>A product with one code a channel and image, on channels-last data.</summary>
    public static bool Gate(PackingState state, Node node)
    {
        var multiply = (IntegerMultiply)node;
        Shape shape = state.TypeOf(node.Output).Shape;
        int value = state.TypeOf(node.Inputs[0]).Shape.Equals(shape) ? 0 : 1;
        ValueId source = node.Inputs[value];
        ValueId gate = node.Inputs[1 - value];
        bool bytes = multiply.Result.Element == ElementType.UInt8 && node.Inputs.All(i => state.TypeOf(i).Element == ElementType.UInt8 && state.Constant(i) is null);
        if (!bytes || !Layouts.CanBeChannelsLast(shape) || !state.TypeOf(source).Shape.Equals(shape) || !IsGate(shape, state.TypeOf(gate).Shape))
        {
            return false;
        }

        var rule = new GateRule(
            state.TypeOf(source).Quantization!.Single.ZeroPoint,
            state.TypeOf(gate).Quantization!.Single.ZeroPoint,
            multiply.Multiplier,
            multiply.Result.Single.ZeroPoint,
            multiply.Minimum,
            multiply.Maximum);
        int[] sources = [state.Read(source, Layout.ChannelsLast), state.Read(gate, Layout.ChannelsLast)];
        int destination = state.Write(node.Output, Layout.ChannelsLast);
        state.Add(new PackedStep(node.Name, node.Kind, sources, [destination], c =>
        {
            Shape bound = c.ShapeOf(node.Output);
            return new GateStep(c, rule, bound[0], bound.CountOf(2, bound.Rank), bound[1], sources[0], sources[1], destination);
        }));
        return true;
    }

    private static bool IsGate(Shape value, Shape gate) => gate.Rank == value.Rank && gate[0] == value[0] && gate[1] == value[1] && gate.CountOf(2, gate.Rank) == 1 && !value.Equals(gate);

    public static bool Add(PackingState state, Node node)
    {
        var binary = (Binary)node;
        return binary.Operator == BinaryOperator.Add && state.TypeOf(node.Output).Element == ElementType.Float32
            && Add(state, node, (c, n, s, d) => new AddFloatStep(c, n, binary.Activation, s[0], s[1], d));
    }

    public static bool Clip(PackingState state, Node node)
    {
        var unary = (Unary)node;
        return unary.Operator == UnaryOperator.Clip && Add(state, node, (c, n, s, d) => new ClampStep(c, n, unary.Alpha, unary.Beta, s[0], d));
    }

    private static bool Add(PackingState state, Node node, Func<BindContext, int, int[], int, BoundStep> bind)
    {
        if (!Layouts.IsElementwise(state, node))
        {
            return false;
        }

        Layout layout = Layouts.Common(state, node);
        int[] sources = [.. node.Inputs.Select(i => state.Read(i, layout))];
        int destination = state.Write(node.Output, layout);
        state.Add(new PackedStep(node.Name, node.Kind, sources, [destination], c => bind(c, c.ShapeOf(node.Output).Count, sources, destination)));
        return true;
    }
}
