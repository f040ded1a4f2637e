using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>What quantization does with a node.</summary>
internal enum OperatorClass
{
    /// <summary>Stays float.</summary>
    Float,

    /// <summary>Convolution or dense layer.</summary>
    Layer,

    /// <summary>Only moves elements: codes pass through unchanged.</summary>
    Share,

    /// <summary>Joins values, which must share one quantizer.</summary>
    Concat,

    /// <summary>Has an integer form on the codes of the stream.</summary>
    Stream,

    /// <summary>Adds two values: the residual stream.</summary>
    Add,

    /// <summary>Multiplies two computed matrices.</summary>
    Product,
}

/// <summary>The table of <see cref="OperatorClass"/>.</summary>
internal static class OperatorClasses
{
    /// <summary>Whether a node is a rectifier, bounded above or not.</summary>
    public static bool IsRectifier(Node? node) => node is Unary { Operator: UnaryOperator.Clip, Alpha: 0 };

    public static OperatorClass Of(Graph graph, Node node) => node switch
    {
        Convolution or Dense => OperatorClass.Layer,
        MatMul => IsProduct(graph, node) ? OperatorClass.Product : OperatorClass.Float,
        Concat => OperatorClass.Concat,
        Binary binary => OfBinary(graph, binary),
        Unary or AveragePool or GlobalAveragePool => OperatorClass.Stream,
        BatchNormalization => ChannelAffine.Of(graph, node) is null ? OperatorClass.Float : OperatorClass.Stream,
        _ => IsShare(graph, node) ? OperatorClass.Share : OperatorClass.Float,
    };

    /// <summary>Whether both operands are computed and the sums short enough for the proof of <see cref="IntegerMatMul"/>.</summary>
    private static bool IsProduct(Graph graph, Node node)
        => node.Inputs.All(i => graph[i].Constant is null) && graph[node.Inputs[0]].Type.Shape[-1] is > 0 and <= IntegerMatMul.LongestDepth;

    /// <summary>Whether the first input's codes are the outputs' codes.</summary>
    public static bool IsShare(Graph graph, Node node) => node switch
    {
        MaxPool or Reshape or Transpose or Slice or Split or Expand => true,
        Gather => graph[node.Inputs[0]].Constant is null,
        Resize resize => resize.Mode == ResizeMode.Nearest,
        Pad pad => pad.Mode != PadMode.Constant || pad.Value == 0,
        _ => false,
    };

    /// <summary>Whether the node only clamps what one stream operator gives, so that both are one step.</summary>
    public static bool IsFusedClamp(PassWalk walk, Node node) => node is Unary { Operator: UnaryOperator.Clip } clip && clip.Alpha <= clip.Beta
        && walk.SoleProducer(node, 0) is BatchNormalization or Binary
        && Of(walk.Graph, walk.Producer(node.Inputs[0])!) is OperatorClass.Stream or OperatorClass.Add;

    private static OperatorClass OfBinary(Graph graph, Binary node)
    {
        if (graph[node.Output].Type.Element != Tensors.ElementType.Float32)
        {
            return OperatorClass.Float;
        }

        if (ChannelAffine.Of(graph, node with { Activation = Activation.None }) is not null)
        {
            return OperatorClass.Stream;
        }

        return node.Operator switch
        {
            BinaryOperator.Add or BinaryOperator.Subtract => OperatorClass.Add,
            BinaryOperator.Multiply => OperatorClass.Stream,
            _ => OperatorClass.Float,
        };
    }
}
