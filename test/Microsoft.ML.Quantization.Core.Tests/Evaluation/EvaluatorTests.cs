using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Evaluation.ReferenceOperators;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

[TestClass]
public sealed class EvaluatorTests
{
    public static IEnumerable<object[]> Cases => GraphCases.Rows;

    [TestMethod]
    public void Every_node_kind_has_a_reference_operator()
    {
        string[] missing = [.. NodeCatalog.Kinds.Where(k => !ReferenceTable.Contains(k.Type)).Select(k => k.Name)];
        Assert.AreEqual(string.Empty, string.Join(", ", missing));
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void A_row_does_not_depend_on_its_batch(string name)
    {
        Graph graph = GraphCases.Create(name);
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        Tensor input = GraphCases.Inputs(graph, 3)[0];
        float[] all = evaluator.Run([input])[0].Values<float>().ToArray();
        int rowLength = input.Shape.Count / 3;
        for (int row = 0; row < 3; row++)
        {
            Tensor one = Tensor.Create(input.Shape.With(0, 1), input.Values<float>().Slice(row * rowLength, rowLength));
            float[] single = evaluator.Run([one])[0].Values<float>().ToArray();
            CollectionAssert.AreEqual(all[(row * single.Length)..((row + 1) * single.Length)], single);
        }
    }

    [TestMethod]
    public void The_observer_sees_inputs_and_every_computed_value_under_the_ids_of_the_graph_given()
    {
        Graph graph = GraphCases.Residual();
        var seen = new List<ValueId>();
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        evaluator.Run(GraphCases.Inputs(graph, 2), (id, tensor) =>
        {
            Assert.AreEqual(graph[id].Type.Shape.Bind(2), tensor.Shape);
            seen.Add(id);
        }, CancellationToken.None);
        CollectionAssert.AreEqual(graph.Inputs.Concat(graph.Nodes.SelectMany(n => n.Outputs)).ToArray(), seen);
    }

    [TestMethod]
    public void Wrong_inputs_are_refused_by_name()
    {
        Graph graph = GraphCases.Mlp();
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        Refused(evaluator, "'input'", Tensor.Allocate(ElementType.Float32, Shape.Of(2, 19)));
        Refused(evaluator, "'input'", Tensor.Allocate(ElementType.UInt8, Shape.Of(2, 20)));
        Refused(evaluator, "'input'", Tensor.Allocate(ElementType.Float32, Shape.Of(20)));
        Refused(evaluator, "'input'", Tensor.Allocate(ElementType.Float32, Shape.Of(0, 20)));
        Refused(evaluator, "1 inputs");
    }

    [TestMethod]
    public void Cancelling_stops_before_the_next_node()
    {
        Graph graph = GraphCases.Mlp();
        using var source = new CancellationTokenSource();
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        int calls = 0;
        void Cancel(ValueId id, Tensor tensor)
        {
            if (++calls == 2)
            {
                source.Cancel();
            }
        }

        Assert.ThrowsException<OperationCanceledException>(() => evaluator.Run(GraphCases.Inputs(graph, 1), Cancel, source.Token));
        Assert.AreEqual(2, calls);
    }

    [TestMethod]
    public void More_batch_sizes_than_are_kept_still_give_the_same_result()
    {
        Graph graph = GraphCases.Mlp();
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        float[] first = evaluator.Run(GraphCases.Inputs(graph, 1))[0].Values<float>().ToArray();
        for (int batch = 2; batch < 20; batch++)
        {
            Assert.AreEqual(batch, evaluator.Run(GraphCases.Inputs(graph, batch))[0].Shape[0]);
        }

        CollectionAssert.AreEqual(first, evaluator.Run(GraphCases.Inputs(graph, 1))[0].Values<float>().ToArray());
    }

    private static void Refused(Evaluator evaluator, string place, params Tensor[] inputs)
    {
        var error = Assert.ThrowsException<QuantizationException>(() => evaluator.Run(inputs));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, error.Code);
        StringAssert.Contains(error.Message, place);
    }
}
