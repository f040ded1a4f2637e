using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

[TestClass]
[TestCategory("Portable")]
public sealed class DoubleOracleTests
{
    public static IEnumerable<object[]> Cases => GraphCases.Rows;

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void The_interpreter_agrees_with_an_oracle_in_double(string name)
    {
        Graph graph = GraphCases.Create(name).Bind(2);
        Tensor[] inputs = GraphCases.Inputs(graph, 2);
        DoubleOracleResult expected = DoubleOracle.Run(graph, inputs);
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        evaluator.Run(inputs, (id, tensor) =>
        {
            for (int i = 0; i < tensor.Shape.Count; i++)
            {
                double value = expected.Values[id][i];
                Assert.AreEqual(value, tensor.Values<float>()[i], 1e-4 * Math.Max(1, Math.Abs(value)), graph[id].Name);
            }
        }, default);
    }

    [TestMethod]
    public void Every_fake_quantized_code_is_within_half_a_step_of_the_oracle()
    {
        var net = new GraphCaseBuilder(Shape.Of(2, 3, 7, 7));
        Quantize(net, 0.02f);
        net.Convolution(5, 3, 1, 1, Activation.Relu);
        Quantize(net, 0.05f);
        net.MaxPool(2, 2, 0);
        net.AveragePool(2, 1, 0, countPadding: false);
        Quantize(net, 0.04f);
        Graph graph = net.Build();
        Tensor[] inputs = GraphCases.Inputs(graph, 2);
        var found = new Dictionary<ValueId, double[]>();
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        evaluator.Run(inputs, (id, tensor) => found[id] = Array.ConvertAll(tensor.Values<float>().ToArray(), v => (double)v), default);
        DoubleOracleResult expected = DoubleOracle.Run(graph, inputs, id => found[id]);
        Assert.AreEqual(3, expected.Unrounded.Count);
        foreach (Node node in graph.Nodes)
        {
            for (int i = 0; node is FakeQuantize fake && i < found[node.Output].Length; i++)
            {
                AffineParameters p = fake.Quantizer(graph).Single;
                Assert.AreEqual(expected.Unrounded[node.Output][i], (found[node.Output][i] / p.Scale) + p.ZeroPoint, 0.5 + 1e-4, node.Name);
            }
        }
    }

    private static void Quantize(GraphCaseBuilder net, float scale)
    {
        ValueId scales = net.Builder.AddConstant("scale", Tensor.Create<float>(Shape.Of(1), [scale]));
        ValueId zeros = net.Builder.AddConstant("zero", Tensor.Create<int>(Shape.Of(1), [100]));
        net.Add(new FakeQuantize { Code = new CodeType(new BitWidth(8), Signed: false), Range = IntegerRange.Unsigned(8), Inputs = [net.Current, scales, zeros] });
    }
}
