using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// A node that is y = Scale[c] · x + Shift[c] with constants: batch normalization (Scale = γ/√(σ²+ε), or its powers of two; Shift = β − μ·Scale), or +, −, ·, / by a
/// constant that is one number or one a channel. In double. One entry serves all channels.
/// </summary>
internal sealed record ChannelAffine(ValueId Input, double[] Scale, double[] Shift, int Axis)
{
    /// <summary>Reads a node, the channels being those of <paramref name="axis"/>; null when it has no such form.</summary>
    public static ChannelAffine? Of(Graph graph, Node node, int? axis = null) => node switch
    {
        BatchNormalization batch => OfBatchNormalization(graph, batch),
        Binary { Activation.IsNone: true } binary => OfBinary(graph, binary, axis),
        _ => null,
    };

    /// <summary>The default channel axis: 1, or the last one of a matrix.</summary>
    public static int ChannelAxis(Shape shape) => Math.Min(1, shape.Rank - 1);

    /// <summary>The numbers of a constant that is one number, or one a channel of <paramref name="axis"/> when broadcast against a value; null otherwise.</summary>
    public static float[]? Numbers(Graph graph, ValueId constant, ValueId value, int axis)
        => graph[constant].Constant is { Type: ElementType.Float32 } values && graph[value].Type.Shape.Rank > 0 && Numbers(values, graph[value].Type.Shape, axis) is { } numbers
            ? [.. numbers.Select(n => (float)n)]
            : null;

    private static ChannelAffine? OfBatchNormalization(Graph graph, BatchNormalization node)
    {
        if (node.Inputs.Skip(1).Any(i => graph[i].Constant is null))
        {
            return null;
        }

        float[][] p = [.. node.Inputs.Skip(1).Select(i => graph.ConstantOf(i).Values<float>().ToArray())];
        double[] scale = [.. p[0].Select((gamma, c) => node.IsByShifts ? node.Multiplier(gamma, p[3][c]) : gamma / Math.Sqrt((double)p[3][c] + node.Epsilon))];
        double[] shift = [.. p[1].Select((beta, c) => beta - (p[2][c] * scale[c]))];
        return new ChannelAffine(node.Inputs[0], scale, shift, 1);
    }

    private static ChannelAffine? OfBinary(Graph graph, Binary node, int? axis)
    {
        bool constantLeft = graph[node.Inputs[0]].Constant is not null;
        ValueId input = node.Inputs[constantLeft ? 1 : 0];
        Value constant = graph[node.Inputs[constantLeft ? 0 : 1]];
        Shape shape = graph[input].Type.Shape;
        if (constant.Constant is not { Type: ElementType.Float32 } values || graph[input].Constant is not null || shape.Rank == 0 || !graph[node.Output].Type.Shape.Equals(shape))
        {
            return null;
        }

        int channel = axis ?? ChannelAxis(shape);
        double[]? numbers = Numbers(values, shape, channel);
        return numbers is null ? null : (node.Operator, constantLeft) switch
        {
            (BinaryOperator.Add, _) => new(input, [1], numbers, channel),
            (BinaryOperator.Subtract, false) => new(input, [1], [.. numbers.Select(n => -n)], channel),
            (BinaryOperator.Subtract, true) => new(input, [-1], numbers, channel),
            (BinaryOperator.Multiply, _) => new(input, numbers, [0], channel),
            (BinaryOperator.Divide, false) when !numbers.Contains(0) => new(input, [.. numbers.Select(n => 1 / n)], [0], channel),
            _ => null,
        };
    }

    /// <summary>The numbers of a constant that varies along the channel axis only, when broadcast against the shape.</summary>
    private static double[]? Numbers(Tensor values, Shape shape, int channel)
    {
        Shape own = values.Shape;
        int place = channel - (shape.Rank - own.Rank);
        bool single = own.Count == 1;
        bool perChannel = place >= 0 && place < own.Rank && own[place] == shape[channel] && own.Count == own[place];
        return single || perChannel ? [.. values.Values<float>().ToArray().Select(v => (double)v)] : null;
    }
}
