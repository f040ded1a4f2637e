using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Makes the first output of a classifier probabilities: y = softmax(y) along axis 1 under the output's old name. A network that ends so already, or whose output is a constant or an input, stays.
/// </summary>
public static class AppendSoftmax
{
    private const int ClassAxis = 1;

    /// <summary>Runs the pass.</summary>
    /// <param name="graph">A network whose first output is [N, C, …] float.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidGraph"/>: the output has no axis of classes or is not float.</exception>
    public static Graph Run(Graph graph)
    {
        Check(graph);
        ValueId output = graph.Outputs[0];
        Value value = graph[output];
        Node? producer = graph.Producers()[output.Index];
        if (producer is null or Softmax { Logarithm: false })
        {
            return graph;
        }

        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            rewriter.Copy(node);
        }

        ValueId scores = rewriter.Map(output);
        rewriter.Builder.Rename(scores, Free(graph, value.Name));
        rewriter.Replace(output, rewriter.Builder.Add(new Softmax { Inputs = [scores], Axis = ClassAxis }));
        return rewriter.Build();
    }

    /// <summary>Refuses what <see cref="Run"/> would refuse, before hours of training.</summary>
    /// <param name="graph">The network.</param>
    /// <exception cref="QuantizationException">As of <see cref="Run"/>.</exception>
    public static void Check(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Value value = graph[graph.Outputs[0]];
        if (value.Type.Shape.Rank <= ClassAxis || value.Type.Element != ElementType.Float32)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"'{value.Name}': expected an output of float scores [N, classes], found {value.Type}.");
        }
    }

    private static string Free(Graph graph, string name)
    {
        string free = name + ".scores";
        while (graph.TryFind(free, out _))
        {
            free += "_";
        }

        return free;
    }
}
