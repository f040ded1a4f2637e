using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Where the quantizers of residual streams stand.</summary>
[TestClass]
public sealed class InsertStreamsTests
{
    [TestMethod]
    [DataRow(8)]
    [DataRow(16)]
    public void A_stream_that_begins_behind_a_max_pool_is_quantized_before_it_with_the_same_values(int bits)
    {
        var layers = new LayerBuilder(3);
        ValueId stem = layers.Convolution("stem", layers.Input(Shape.Of(2, 9, 9)), 4, 3, 1, hasBias: true);
        ValueId pooled = layers.Graph.Add(new MaxPool { Name = "pool", Inputs = [stem], Window = HandmadeGraphs.Square(3, 2, 1) });
        ValueId branch = layers.Convolution("branch", pooled, 4, 3, 1, hasBias: true);
        layers.Graph.AddOutput(layers.Convolution("last", layers.Graph.Add(new Binary { Name = "sum", Operator = BinaryOperator.Add, Inputs = [branch, pooled] }), 3, 1, 1, hasBias: true));
        Graph graph = layers.Graph.Build();
        Tensor x = RandomTensors.Floats(Shape.Of(3, 2, 9, 9), 3, 2);
        OperatorTable table = OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Shared);
        Graph streamed = InsertStreams.Run(graph, bits, name => Value(graph, name, x, table));
        Node pool = streamed.Nodes.OfType<MaxPool>().Single();
        FakeQuantize before = streamed.Nodes.OfType<FakeQuantize>().Single(q => q.Output == pool.Inputs[0]);
        Assert.IsFalse(streamed.Nodes.OfType<FakeQuantize>().Any(q => q.Inputs[0] == pool.Output));

        // Quantized behind the pool instead: the same values.
        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            rewriter.Copy(node);
            if (node is MaxPool)
            {
                rewriter.Replace(node.Output, NormalizeQdq.Add(rewriter.Builder, rewriter.Map(node.Output), before.Quantizer(streamed), "pool.stream"));
            }
        }

        Graph behind = rewriter.Build();
        CollectionAssert.AreEqual(
            Value(behind, "pool.stream", x, table).Values<float>().ToArray(), Value(streamed, streamed[pool.Output].Name, x, table).Values<float>().ToArray());
    }

    private static Tensor Value(Graph graph, string name, Tensor input, OperatorTable table)
    {
        Tensor? found = null;
        using var evaluator = new Evaluator(graph, table);
        evaluator.Run([input], (id, value) => found = graph[id].Name == name ? Tensor.Create<float>(value.Shape, value.Values<float>()) : found, CancellationToken.None);
        return found!;
    }
}
