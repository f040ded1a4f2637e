using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Turns a matrix product by a constant matrix [K, O], fake-quantized or not, into a dense layer with weights [O, K], and melts the addition of a constant per
/// output channel behind a convolution or dense layer without bias into a bias; the sums keep their order, so results keep their bits.
/// </summary>
public static class FuseBias
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Dictionary<ValueId, FakeQuantize> quantizers = graph.Nodes.OfType<FakeQuantize>().ToDictionary(f => f.Output);
        bool any = graph.Nodes.Any(n => MatrixOf(graph, quantizers, n) is not null);
        Graph dense = any ? PassWalk.Rewrite(graph, (rewriter, node) => ToDense(rewriter, quantizers, node)) : graph;
        return PassWalk.Melt(dense, Match, Emit);
    }

    /// <summary>The constant matrix of a product and its quantizer, one scale for all or one a column.</summary>
    private static (Value Matrix, FakeQuantize? Quantizer)? MatrixOf(Graph graph, Dictionary<ValueId, FakeQuantize> quantizers, Node node)
    {
        if (node is not MatMul || graph[node.Inputs[0]].Constant is not null)
        {
            return null;
        }

        FakeQuantize? quantizer = quantizers.GetValueOrDefault(node.Inputs[1]);
        Value matrix = graph[quantizer?.Inputs[0] ?? node.Inputs[1]];
        bool columns = quantizer is null or { Granularity: Granularity.PerTensor } or { Granularity: Granularity.PerAxis, Axis: 1 or -1 };
        return matrix.Constant is { Shape: { Rank: 2, Count: > 0 } } && columns ? (matrix, quantizer) : null;
    }

    private static bool ToDense(GraphRewriter rewriter, Dictionary<ValueId, FakeQuantize> quantizers, Node node)
    {
        if (MatrixOf(rewriter.Source, quantizers, node) is not (Value matrix, var quantizer))
        {
            return false;
        }

        ValueId weights = rewriter.Builder.AddConstant(matrix.Name, Transposed(matrix.Constant!), isTrainable: matrix.IsTrainable);
        if (quantizer is not null)
        {
            weights = rewriter.Builder.Add(quantizer with { Inputs = [weights, .. rewriter.Map(quantizer.Inputs[1..])], Axis = 0 });
        }

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
