using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Turns a matrix product by a constant matrix [K, O] into a dense layer with weights [O, K], and melts the addition of a constant per
/// output channel behind a convolution or dense layer without bias into a bias; the sums keep their order, so results keep their bits.
/// </summary>
public static class FuseBias
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Graph dense = graph.Nodes.Any(n => IsProduct(graph, n)) ? PassWalk.Rewrite(graph, ToDense) : graph;
        return PassWalk.Melt(dense, Match, Emit);
    }

    private static bool IsProduct(Graph graph, Node node) => node is MatMul && graph[node.Inputs[0]].Constant is null
        && graph[node.Inputs[1]].Constant is { Shape: { Rank: 2, Count: > 0 } };

    private static bool ToDense(GraphRewriter rewriter, Node node)
    {
        if (!IsProduct(rewriter.Source, node))
        {
            return false;
        }

        Value matrix = rewriter.Source[node.Inputs[1]];
        ValueId weights = rewriter.Builder.AddConstant(matrix.Name, Transposed(matrix.Constant!), isTrainable: matrix.IsTrainable);
        rewriter.Emit(node, new Dense { Name = node.Name, Inputs = [rewriter.Map(node.Inputs[0]), weights] });
        return true;
    }

    private static Tensor Transposed(Tensor matrix)
    {
        (int rows, int columns) = (matrix.Shape[0], matrix.Shape[1]);
        ReadOnlySpan<float> source = matrix.Values<float>();
        var values = new float[source.Length];
        for (int i = 0; i < source.Length; i++)
        {
            values[(i % columns * rows) + (i / columns)] = source[i];
        }

        return Tensor.Create(Shape.Of(columns, rows), values);
    }

    private static Node? Match(PassWalk walk, Node node)
    {
        if (node is not Binary { Operator: BinaryOperator.Add } add)
        {
            return null;
        }

        int input = walk.Graph[add.Inputs[0]].Constant is not null ? 1 : 0;
        Node? layer = walk.SoleProducer(add, input);
        bool open = layer is Convolution { Activation.IsNone: true } or Dense { Activation.IsNone: true } && layer.Inputs.Length == 2;
        return open && Constant(walk.Graph, add, layer!) is not null ? layer : null;
    }

    private static ChannelAffine? Constant(Graph graph, Binary add, Node layer)
        => ChannelAffine.Of(graph, add with { Activation = Activation.None }, layer is Dense ? graph[layer.Output].Type.Shape.Rank - 1 : 1);

    private static void Emit(GraphRewriter rewriter, Node layer, Node node)
    {
        var add = (Binary)node;
        Graph graph = rewriter.Source;
        Value constant = graph[add.Inputs[graph[add.Inputs[0]].Constant is not null ? 0 : 1]];
        ChannelAffine affine = Constant(graph, add, layer)!;
        int channels = graph[layer.Inputs[1]].Type.Shape[0];
        float[] values = [.. Enumerable.Range(0, channels).Select(c => (float)affine.Shift[affine.Shift.Length == 1 ? 0 : c])];
        ValueId bias = rewriter.Builder.AddConstant(constant.Name, Tensor.Create(Shape.Of(channels), values), isTrainable: constant.IsTrainable);
        rewriter.Emit(node, layer switch
        {
            Convolution c => c with { Inputs = [.. rewriter.Map(layer.Inputs), bias], Activation = add.Activation },
            _ => (Dense)layer with { Inputs = [.. rewriter.Map(layer.Inputs), bias], Activation = add.Activation },
        });
    }
}
