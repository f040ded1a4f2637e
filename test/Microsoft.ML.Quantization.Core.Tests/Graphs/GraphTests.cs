using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Graphs;

[TestClass]
public sealed class GraphTests
{
    [TestMethod]
    public void Every_node_record_stands_in_the_catalog()
    {
        string[] records = [.. typeof(Node).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Node))).Select(t => t.Name).Order(StringComparer.Ordinal)];
        CollectionAssert.AreEqual(records, NodeCatalog.Kinds.Select(k => k.Name).ToArray());
        Assert.IsTrue(typeof(Node).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Node))).All(t => t.IsSealed));
    }

    [TestMethod]
    public void A_node_survives_its_attributes()
    {
        foreach (Node node in HandmadeGraphs.IntegerNet(3).Nodes)
        {
            Assert.AreEqual(Text(node), Text(NodeCatalog.Read(node.Kind, Attributes(node))), node.Kind);
        }

        var read = (Softmax)NodeCatalog.Read("Softmax", Attributes(new Softmax { Axis = 2, Logarithm = true }));
        Assert.AreEqual(2, read.Axis);
        Assert.IsTrue(read.Logarithm);
    }

    [TestMethod]
    public void A_graph_prints_one_line_a_node()
    {
        string text = GraphPrinter.Print(HandmadeGraphs.IntegerNet(4));
        StringAssert.Contains(text, "input x: Float32[N,2,5,5]\n");
        StringAssert.Contains(text, "conv: Int32[N,4,5,5] = IntegerConvolution(enter, const w1 Int8[4,2,3,3] s4[-7, 7] axis=0 groups=4, const b1 Int32[4]) kernel=[3,3]");
        StringAssert.Contains(text, "pool: UInt8[N,4,2,2]");
        Assert.AreEqual(9, text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [TestMethod]
    public void Binding_the_batch_fixes_every_shape()
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        Assert.IsTrue(graph.HasFreeBatch);
        Graph bound = graph.Bind(3);
        Assert.IsFalse(bound.Values.Any(v => v.Type.Shape.IsFree));
        Assert.AreEqual("[3,16]", bound.Values.Single(v => v.Name == "flatten").Type.Shape.ToString());
        GraphVerifier.Verify(bound);
    }

    [TestMethod]
    public void The_verifier_names_node_and_expectation()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Quantization.Graphs.ValueType.Float(Shape.Of(Shape.Free, 3, 8, 8)));
        ValueId w = builder.AddConstant("w", Tensor.Allocate(ElementType.Float32, Shape.Of(4, 2, 3, 3)));
        QuantizationException error = Assert.ThrowsException<QuantizationException>(
            () => builder.Add(new Convolution { Name = "first", Inputs = [x, w], Window = HandmadeGraphs.Square(3, 1, 1) }));
        Assert.AreEqual(QuantizationErrorCode.InvalidShape, error.Code);
        StringAssert.Contains(error.Message, "Convolution 'first': expected weights [O, 3, kernel]");
        StringAssert.Contains(error.Message, "Float32[4,2,3,3]");
    }

    [TestMethod]
    [DataRow(new[] { 0, -1 }, new[] { Shape.Free, 4, 3 }, "[N,12]")]
    [DataRow(new[] { -1, 6 }, new[] { Shape.Free, 2, 3 }, "[N,6]")]
    [DataRow(new[] { 2, 3 }, new[] { 6 }, "[2,3]")]
    [DataRow(new[] { -1 }, new[] { 2, 3 }, "[6]")]
    public void Reshape_copies_and_completes(int[] target, int[] input, string expected)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Quantization.Graphs.ValueType.Float(new Shape([.. input])));
        ValueId y = builder.Add(new Reshape { Inputs = [x], Target = [.. target] });
        Assert.AreEqual(expected, builder[y].Type.Shape.ToString());
    }

    [TestMethod]
    [DataRow(new[] { 5 }, new[] { Shape.Free, 4 })]
    [DataRow(new[] { -1, -1 }, new[] { 2, 3 })]
    [DataRow(new[] { 4, -1 }, new[] { 2, 3 })]
    [DataRow(new[] { -1, 3 }, new[] { Shape.Free, 2, 3 })]
    public void Reshape_refuses_what_does_not_fit(int[] target, int[] input)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Quantization.Graphs.ValueType.Float(new Shape([.. input])));
        Assert.ThrowsException<QuantizationException>(() => builder.Add(new Reshape { Inputs = [x], Target = [.. target] }));
    }

    [TestMethod]
    public void Pools_round_their_size_as_asked()
    {
        Window window = HandmadeGraphs.Square(3, 2, 0);
        Assert.AreEqual(3, Quantization.Graphs.Rules.WindowRules.OutputSize(window, 0, 8, ceil: false));
        Assert.AreEqual(4, Quantization.Graphs.Rules.WindowRules.OutputSize(window, 0, 8, ceil: true));
        Window padded = HandmadeGraphs.Square(2, 3, 1);
        Assert.AreEqual(2, Quantization.Graphs.Rules.WindowRules.OutputSize(padded, 0, 3, ceil: true), "a last window may not begin behind image and first padding");
    }

    private static NodeAttributes Attributes(Node node)
    {
        var attributes = new NodeAttributes();
        node.Describe(attributes);
        return attributes;
    }

    private static string Text(Node node) => string.Join(";", Attributes(node).Items.Select(i => $"{i.Key}={(i.Value is System.Collections.IEnumerable list and not string ? string.Join(",", list.Cast<object>()) : i.Value)}"));
}
