using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>A mean over exactly the spatial axes becomes a global average pool, followed by a reshape where the axes are dropped; both sum in the same order.</summary>
public static class CanonicalizeMeans
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return !graph.Nodes.Any(n => IsSpatialMean(graph, n)) ? graph : PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (!IsSpatialMean(graph, node))
            {
                return false;
            }

            var pool = new GlobalAveragePool { Name = node.Name, Inputs = rewriter.Map(node.Inputs) };
            if (((Reduce)node).KeepDimensions)
            {
                rewriter.Emit(node, pool);
                return true;
            }

            ValueId mean = rewriter.Builder.Add(pool, node.Name + ".mean");
            rewriter.Emit(node, new Reshape { Name = node.Name + ".flatten", Inputs = [mean], Target = [0, graph[node.Output].Type.Shape[1]] });
            return true;
        });
    }

    private static bool IsSpatialMean(Graph graph, Node node)
    {
        Shape shape = node.Inputs.Length > 0 ? graph[node.Inputs[0]].Type.Shape : Shape.Scalar;
        return node is Reduce { Operator: ReduceOperator.Mean } reduce && shape.Rank is >= 3 and <= 5 && shape[1] > 0
            && reduce.Axes.SequenceEqual(Enumerable.Range(2, shape.Rank - 2));
    }
}
