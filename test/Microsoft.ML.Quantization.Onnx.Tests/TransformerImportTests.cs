using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>What exporters write around transformer blocks: values of the batch's size, comparisons, weights in blocks.</summary>
[TestClass]
public sealed class TransformerImportTests
{
    [TestMethod]
    public void Values_of_the_batchs_size_follow_the_batch()
    {
        Graph graph = SampleModels.Tokens().Import().Graph;
        Assert.AreEqual(Shape.Of(Shape.Free, 3, 2), graph[graph.Outputs[0]].Type.Shape);
        Tensor ids = Tensor.Create(Shape.Of(2, 3), [0L, 1, 2, 4, 3, 0]);
        Tensor mask = Tensor.Create(Shape.Of(2, 3), [1L, 1, 0, 1, 0, 1]);
        float[] expected = [10, 21, 12, 23, -86, -75, 18, 29, -84, -73, 10, 21];
        CollectionAssert.AreEqual(expected, Run(graph, ids, mask)[0].Values<float>().ToArray());
    }

    [TestMethod]
    [DataRow("Greater", "0 0 1")]
    [DataRow("Less", "1 0 0")]
    [DataRow("GreaterOrEqual", "0 1 1")]
    [DataRow("LessOrEqual", "1 1 0")]
    [DataRow("Equal", "0 1 0")]
    public void Integers_compare_at_run_time(string kind, string expected)
    {
        Graph graph = new ModelWriter(17).Input("a", DataType.Int64, 3).Input("b", DataType.Int64, 3).Node(kind, "a b", "y").Output("y").Import().Graph;
        Tensor result = Run(graph, Tensor.Create(Shape.Of(3), [-5L, 7, 1L << 40]), Tensor.Create(Shape.Of(3), [3L, 7, -2]))[0];
        Assert.AreEqual(expected, string.Join(' ', result.Values<bool>().ToArray().Select(b => b ? 1 : 0)));
    }

    [TestMethod]
    public void Floats_compare_as_IEEE_says()
    {
        Graph graph = new ModelWriter(17).Input("a", 4).Input("b", 4).Node("Greater", "a b", "y").Output("y").Import().Graph;
        Tensor a = Tensor.Create(Shape.Of(4), [1f, float.NaN, float.PositiveInfinity, 1e-45f]);
        Tensor b = Tensor.Create(Shape.Of(4), [2f, 0, float.PositiveInfinity, 0]);
        CollectionAssert.AreEqual(new[] { false, false, false, true }, Run(graph, a, b)[0].Values<bool>().ToArray());
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => new ModelWriter(17).Input("a", 4).Input("b", 4).Node("Equal", "a b", "y").Output("y").Import());
        StringAssert.Contains(error.Message, "integers or Booleans");
    }

    [TestMethod]
    public void Logic_is_that_of_the_tables()
    {
        Graph graph = new ModelWriter(17).Input("a", DataType.Boolean, 4).Input("b", DataType.Boolean, 4)
            .Node("And", "a b", "and").Node("Or", "a b", "or").Node("Not", "a", "not").Output("and").Output("or").Output("not").Import().Graph;
        IReadOnlyList<Tensor> results = Run(graph, Tensor.Create(Shape.Of(4), [false, false, true, true]), Tensor.Create(Shape.Of(4), [false, true, false, true]));
        Assert.AreEqual("0001 0111 1100", string.Join(' ', results.Select(r => string.Concat(r.Values<bool>().ToArray().Select(v => v ? 1 : 0)))));
    }

    [TestMethod]
    [DataRow(2, false)]
    [DataRow(4, false)]
    [DataRow(8, false)]
    [DataRow(2, true)]
    [DataRow(4, true)]
    public void MatMulNBits_becomes_a_layer_in_groups_with_the_same_weights(int bits, bool negative)
    {
        (ModelWriter model, float[] weights) = Blocked(bits, 40, 3, 16, negative, zeros: null);
        OnnxImportResult imported = model.Import();
        var layer = (GroupedDense)imported.Graph.Nodes.Single();
        Value codes = imported.Graph[layer.Inputs[1]];
        Assert.IsTrue(imported.IsQuantized);
        Assert.AreEqual((bits + (negative ? 1 : 0), 16, Granularity.PerGroup), (codes.Type.Quantization!.Code.Bits.Bits, codes.Type.Quantization.GroupSize, codes.Type.Quantization.Granularity));
        CollectionAssert.AreEqual(weights, codes.Type.Quantization.Decode(codes.Constant!).Values<float>().ToArray());
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(4)]
    [DataRow(8)]
    public void MatMulNBits_with_zero_points_in_the_middle_needs_none(int bits)
    {
        (ModelWriter model, float[] weights) = Blocked(bits, 40, 3, 16, false, _ => 1 << (bits - 1));
        Graph graph = model.Import().Graph;
        Value codes = graph[graph.Nodes.OfType<GroupedDense>().Single().Inputs[1]];
        CollectionAssert.AreEqual(weights, codes.Type.Quantization!.Decode(codes.Constant!).Values<float>().ToArray());
    }

    [TestMethod]
    [DataRow(2, false)]
    [DataRow(4, false)]
    [DataRow(8, false)]
    [DataRow(8, true)]
    public void MatMulNBits_with_other_zero_points_or_scales_becomes_floats_and_says_so(int bits, bool negative)
    {
        (ModelWriter model, float[] weights) = Blocked(bits, 40, 3, 16, negative, negative ? null : i => i % (1 << bits));
        OnnxImportResult imported = model.Import();
        var layer = (Dense)imported.Graph.Nodes.Single();
        CollectionAssert.AreEqual(weights, imported.Graph.ConstantOf(layer.Inputs[1]).Values<float>().ToArray());
        StringAssert.Contains(imported.Warnings.Single(), negative ? "its scales" : "its zero points");
    }

    [TestMethod]
    public void MatMulNBits_of_wrong_sizes_is_refused()
    {
        foreach (string name in new[] { "w", "s" })
        {
            (ModelWriter model, _) = Blocked(4, 40, 3, 16, false, null);
            TensorMessage stored = model.Graph.Initializers.Single(i => i.Name == name);
            stored.Dimensions[0]--;
            stored.Raw = Google.Protobuf.ByteString.CopyFrom(stored.Raw.ToByteArray()[..(stored.Raw.Length * (int)stored.Dimensions[0] / ((int)stored.Dimensions[0] + 1))]);
            Assert.AreEqual(QuantizationErrorCode.InvalidAttribute, Assert.ThrowsException<QuantizationException>(() => model.Import()).Code);
        }
    }

    [TestMethod]
    public void Named_dimensions_are_fixed_by_the_option_and_named_when_they_are_not()
    {
        ModelWriter Model() => new ModelWriter(17).Input("ids", DataType.Int64, "batch", "seq").Floats("words", [5, 2], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9).Node("Gather", "words ids", "y").Output("y");
        StringAssert.Contains(Assert.ThrowsException<QuantizationException>(() => Model().Import()).Message, "\"seq\"");
        Graph graph = Model().Import(new OnnxImportOptions { Dimensions = ImmutableDictionary<string, int>.Empty.Add("seq", 7) }).Graph;
        Assert.AreEqual(Shape.Of(Shape.Free, 7, 2), graph[graph.Outputs[0]].Type.Shape);
    }

    private static IReadOnlyList<Tensor> Run(Graph graph, params Tensor[] inputs) => new Evaluator(graph, OperatorTable.Reference).Run(inputs);

    /// <summary>A layer with random codes, and its weights by the operator's definition.</summary>
    private static (ModelWriter Model, float[] Weights) Blocked(int bits, int inputs, int outputs, int block, bool negative, Func<int, int>? zeros)
    {
        var random = new Random(bits);
        int blocks = (inputs + block - 1) / block;
        int perByte = 8 / bits;
        int[] codes = [.. Enumerable.Range(0, outputs * blocks * block).Select(_ => random.Next(1 << bits))];
        float[] scales = [.. Enumerable.Range(0, outputs * blocks).Select(i => (i % 2 == 1 && negative ? -1 : 1) * (0.01f + (i * 0.125f)))];
        ModelWriter model = new ModelWriter().Input("x", "batch", inputs)
            .Raw("w", DataType.UInt8, [outputs, blocks, block / perByte], Packed(codes, bits))
            .Raw("s", DataType.Float, [outputs * blocks], MemoryMarshal.AsBytes<float>(scales).ToArray());
        if (zeros is not null)
        {
            int rowBytes = ((blocks * bits) + 7) / 8;
            byte[] stored = [.. Enumerable.Range(0, outputs).SelectMany(n => Packed([.. Enumerable.Range(0, rowBytes * perByte).Select(b => b < blocks ? zeros((n * blocks) + b) : 0)], bits))];
            model.Raw("z", DataType.UInt8, [stored.Length], stored);
        }

        model.Node("MatMulNBits", zeros is null ? "x w s" : "x w s z", "y", ("K", inputs), ("N", outputs), ("bits", bits), ("block_size", block), ("accuracy_level", 4)).Output("y");
        model.Graph.Nodes[^1].Domain = "com.microsoft";
        float[] weights = [.. Enumerable.Range(0, outputs * inputs).Select(i =>
        {
            int group = (i / inputs * blocks) + (i % inputs / block);
            int code = codes[(group * block) + (i % inputs % block)];
            return (code - (zeros?.Invoke(group) ?? 1 << (bits - 1))) * scales[group];
        })];
        return (model, weights);
    }

    private static byte[] Packed(int[] codes, int bits)
        => [.. codes.Chunk(8 / bits).Select(c => (byte)c.Select((code, i) => code << (i * bits)).Sum())];
}
