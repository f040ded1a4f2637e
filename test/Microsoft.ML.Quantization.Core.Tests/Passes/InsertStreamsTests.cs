using System.Collections.Generic;
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

    [TestMethod]
    public void Wide_values_that_additions_join_have_one_scale_and_what_is_much_narrower_its_own()
    {
        var layers = new LayerBuilder(3);
        ValueId x = layers.Convolution("stem", layers.Input(Shape.Of(2, 9, 9)), 4, 3, 1, hasBias: true);
        x = layers.Add("first", layers.Convolution("branch1", x, 4, 3, 1, hasBias: true), x);
        x = layers.Add("second", layers.Scale("narrow", layers.Convolution("branch2", x, 4, 3, 1, hasBias: true), 1e-3f), x);
        x = layers.Relu("relu", layers.Add("third", layers.Convolution("branch3", x, 4, 3, 1, hasBias: true), x));
        layers.Graph.AddOutput(layers.Convolution("last", x, 3, 1, 1, hasBias: true));
        Dictionary<string, float> wide = Scales(layers.Graph.Build(), 16);
        CollectionAssert.AreEquivalent((string[])["stem", "branch1", "first", "narrow", "second", "branch3", "relu"], wide.Keys.ToArray());
        Assert.AreEqual(2, wide.Values.Distinct().Count(), string.Join(", ", wide));
        Assert.AreEqual(1, wide.Values.Count(s => s == wide["narrow"]));
        Assert.IsTrue(wide["narrow"] < wide["stem"] / 64);
        Assert.AreEqual(7, Scales(layers.Graph.Build(), 8).Values.Distinct().Count(), "8 bits have ranges of their own");
    }

    [TestMethod]
    public void A_normalization_behind_a_max_pool_reads_wide_codes()
    {
        var layers = new LayerBuilder(3);
        ValueId stem = layers.Normalize("inner", layers.Convolution("stem", layers.Input(Shape.Of(2, 9, 9)), 4, 3, 1, hasBias: false));
        ValueId x = layers.Normalize("outer", layers.Pool("pool", stem));
        x = layers.Add("sum", layers.Convolution("branch", x, 4, 3, 1, hasBias: true), x);
        layers.Graph.AddOutput(layers.Convolution("last", x, 3, 1, 1, hasBias: true));
        CollectionAssert.AreEquivalent((string[])["inner", "outer", "branch", "sum"], Scales(layers.Graph.Build(), 16).Keys.ToArray());
        CollectionAssert.AreEquivalent((string[])["outer", "branch", "sum"], Scales(layers.Graph.Build(), 8).Keys.ToArray());
    }

    /// <summary>The scales of the quantizers put in, by what they read.</summary>
    private static Dictionary<string, float> Scales(Graph graph, int bits)
    {
        Tensor x = RandomTensors.Floats(Shape.Of(3, 2, 9, 9), 3, 2);
        OperatorTable table = OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Shared);
        Graph streamed = InsertStreams.Run(graph, bits, name => Value(graph, name, x, table));
        return streamed.Nodes.OfType<FakeQuantize>().ToDictionary(q => streamed[q.Inputs[0]].Name, q => q.Quantizer(streamed).Single.Scale);
    }

    private static Tensor Value(Graph graph, string name, Tensor input, OperatorTable table)
    {
        Tensor? found = null;
        using var evaluator = new Evaluator(graph, table);
        evaluator.Run([input], (id, value) => found = graph[id].Name == name ? Tensor.Create<float>(value.Shape, value.Values<float>()) : found, CancellationToken.None);
        return found!;
    }
}
