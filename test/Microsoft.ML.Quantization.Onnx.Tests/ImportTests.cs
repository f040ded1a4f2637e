using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>What imported graphs look like and compute.</summary>
[TestClass]
public sealed class ImportTests
{
    [TestMethod]
    public void AMobileBlockKeepsItsLayersAndComputesByHand()
    {
        Graph graph = SampleModels.InvertedResidual().Import().Graph;
        GraphVerifier.Verify(graph);
        Assert.AreEqual(5, graph.Nodes.Count(n => n is Convolution));
        Assert.AreEqual(8, graph.Nodes.OfType<Convolution>().Max(c => c.Groups));
        float[] y = Run(graph, Filled(1, Shape.Of(2, 4, 6, 6)));
        // Inside: e = 0.8, h = 0.8 · (0.8/6 + 1/2), d = 0.1 · 9 · h; the mean sees 16 full, 16 edge (6 taps) and 4 corner (4 taps) pixels of 36.
        double h = 0.8 * ((0.8 / 6) + 0.5);
        double mean = 0.1 * h * ((16 * 9) + (16 * 6) + (4 * 4)) / 36;
        double gate = ((0.2 * 2 * (0.1 * 8 * mean)) / 6) + 0.5;
        double inside = Math.Clamp((0.3 * 8 * (0.9 * h * gate)) - 0.1, 0, 6) + 1;
        Assert.AreEqual(inside, y[(2 * 6) + 2], 1e-4);
        Assert.AreEqual(2 * 4 * 36, y.Length);
    }

    [TestMethod]
    public void ReshapesWithTheBatchSizeFold()
    {
        Graph graph = SampleModels.DynamicReshape().Import().Graph;
        Assert.AreEqual(Shape.Of(Shape.Free, 2, 12), graph[graph.Outputs[0]].Type.Shape);
        Assert.IsTrue(graph.Nodes.All(n => n is Reshape), "only reshapes are left");
        CollectionAssert.AreEqual(Enumerable.Range(0, 72).Select(i => (float)i).ToArray(), Run(graph, Ramp(Shape.Of(3, 3, 4, 2))));
    }

    [TestMethod]
    public void QuantizeAndDequantizeKeepTheirParameters()
    {
        Graph graph = SampleModels.Quantized().Import().Graph;
        GraphVerifier.Verify(graph);
        Assert.AreEqual(2, graph.Nodes.Count(n => n is Quantize));
        Assert.AreEqual(4, graph.Nodes.Count(n => n is Dequantize));
        var input = graph.Nodes.OfType<Quantize>().First().Result;
        Assert.AreEqual(0.02f, input.Single.Scale);
        Assert.AreEqual(128, input.Single.ZeroPoint);
        Assert.AreEqual("u8", input.Code.ToString());
        AffineQuantization weights = Codes(graph, "w");
        Assert.AreEqual(Granularity.PerAxis, weights.Granularity);
        AreSame<float>([0.1f, 0.2f, 0.3f], weights.Scales.ToArray());
        AreSame<sbyte>([1, 2, -1, 4, 5, -128], Constant(graph, "w").Values<sbyte>().ToArray());
        Assert.AreEqual("s32", Codes(graph, "b").Code.ToString());
        AreSame<int>([1, 2, 3], Constant(graph, "b").Values<int>().ToArray());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void NormalizingTheImportedPairsChangesNoBit(bool layers)
    {
        ModelWriter model = layers ? SampleModels.QuantizedLayers() : SampleModels.Quantized();
        Graph graph = model.Import().Graph;
        Graph normal = NormalizeQdq.Run(graph);
        GraphVerifier.Verify(normal);
        Assert.IsTrue(normal.Nodes.Any(n => n is FakeQuantize));
        Assert.IsFalse(normal.Nodes.Any(n => n is Quantize));
        Tensor x = layers ? Tensor.Create(Shape.Of(1, 1, 1, 2), [0.7f, -3.1f]) : Ramp(Shape.Of(2, 2, 4, 4));
        CollectionAssert.AreEqual(Run(graph, x), Run(normal, x));
    }

    [TestMethod]
    public void AQuantizedModelSaysSo()
    {
        Assert.IsTrue(SampleModels.Quantized().Import().IsQuantized);
        Assert.IsFalse(SampleModels.Dense().Import().IsQuantized);
    }

    [TestMethod]
    public void QuantizedLayersKeepTheirCodesAndTheirNames()
    {
        Graph graph = SampleModels.QuantizedLayers().Import().Graph;
        GraphVerifier.Verify(graph);
        Assert.AreEqual("QLinearConv_c", graph.Nodes.OfType<Convolution>().Single().Name);
        Assert.AreEqual("QLinearMatMul_m", graph.Nodes.OfType<Dense>().Single().Name);
        AreSame<sbyte>([1, 3, 2, 4], Constant(graph, "v").Values<sbyte>().ToArray());
        // The convolution gives 1.75, 2.75, -1, -2, in codes of 0.5 (half to even) 2, 3, -1, -2; times [[0.25, 1], [0.75, 2]].
        AreSame<float>([3, 8, -2, -5], Run(graph, Tensor.Create(Shape.Of(1, 1, 1, 2), [1f, 2f])));
    }

    [TestMethod]
    public void WeightsOfFourBitsUnpackLowHalfFirst()
    {
        Graph graph = new ModelWriter(21).Input("x", "N", 3).Raw("w", DataType.Int4, [2, 3], [0x21, 0x8F, 0x70]).Floats("s", [], 0.5f)
            .Node("DequantizeLinear", "w s", "wd").Node("Gemm", "x wd", "y", ("transB", 1)).Output("y").Import().Graph;
        AreSame<sbyte>([1, 2, -1, -8, 0, 7], Constant(graph, "w").Values<sbyte>().ToArray());
        Assert.AreEqual("s4", Codes(graph, "w").Code.ToString());
    }

    [TestMethod]
    public void WeightsOfTwoBitsUnpackLowBitsFirst()
    {
        Graph graph = new ModelWriter(25).Input("x", "N", 4).Raw("w", DataType.Int2, [1, 4], [0b10_11_01_00]).Floats("s", [], 1f)
            .Node("DequantizeLinear", "w s", "wd").Node("Gemm", "x wd", "y", ("transB", 1)).Output("y").Import().Graph;
        AreSame<sbyte>([0, 1, -1, -2], Constant(graph, "w").Values<sbyte>().ToArray());
    }

    [TestMethod]
    public void BlocksOfConstantsBecomeFloats()
    {
        Graph graph = new ModelWriter(21).Input("x", "N", 2, 4).Raw("w", DataType.Int8, [4, 1], [1, 2, 3, 4]).Floats("s", [2, 1], 0.5f, 10)
            .Node("DequantizeLinear", "w s", "wd", ("axis", 0), ("block_size", 2)).Node("MatMul", "x wd", "y").Output("y").Import().Graph;
        float[] y = Run(graph, Filled(1, Shape.Of(1, 2, 4)));
        Assert.AreEqual(0.5f + 1 + 30 + 40, y[0]);
    }

    [TestMethod]
    public void AClipBetweenQuantizeAndDequantizeNarrowsTheCodes()
    {
        Graph graph = new ModelWriter(13).Input("x", "N", 4).Floats("s", [], 0.5f).Raw("z", DataType.Int8, [], [0])
            .Raw("lo", DataType.Int8, [], [0xF8]).Raw("hi", DataType.Int8, [], [7])
            .Node("QuantizeLinear", "x s z", "q").Node("Clip", "q lo hi", "c").Node("DequantizeLinear", "c s z", "y").Output("y").Import().Graph;
        Quantize quantize = graph.Nodes.OfType<Quantize>().Single();
        Assert.AreEqual("s4", quantize.Result.Code.ToString());
        AreSame<float>([-4f, 3.5f, 0.5f, 0f], Run(graph, Tensor.Create(Shape.Of(1, 4), [-100f, 100f, 0.6f, 0.25f])));
    }

    [TestMethod]
    public void CodesPerAxisOfActivationsBecomeOneFakeQuantize()
    {
        Graph graph = new ModelWriter(13).Input("x", "N", 2).Floats("s", [2], 1f, 2f).Raw("z", DataType.Int8, [2], [0, 0])
            .Node("QuantizeLinear", "x s z", "q", ("axis", 1)).Node("DequantizeLinear", "q s z", "y", ("axis", 1)).Output("y").Import().Graph;
        Assert.IsTrue(graph.Nodes.Any(n => n is FakeQuantize));
        AreSame<float>([3f, 4f], Run(graph, Tensor.Create(Shape.Of(1, 2), [3.2f, 3.2f])));
    }

    [TestMethod]
    public void HalfFloatsWidenAndAreNamed()
    {
        byte[] halves = [.. new[] { 1.5, -2.0 }.SelectMany(v => BitConverter.GetBytes((Half)v))];
        OnnxImportResult result = new ModelWriter().Input("x", "N", 2).Raw("b", DataType.Float16, [2], halves).Node("Add", "x b", "y").Output("y").Import();
        AreSame<string>(["b"], result.WidenedTensors.ToArray());
        Assert.AreEqual(1, result.Warnings.Length);
        AreSame<float>([1.5f, -2f], Constant(result.Graph, "b").Values<float>().ToArray());
    }

    [TestMethod]
    public void SharedWeightsStayOneConstant()
    {
        Graph graph = new ModelWriter().Input("x", "N", 2).Filled("w", 1, 2, 2).Node("MatMul", "x w", "a").Node("MatMul", "a w", "y").Output("y").Import().Graph;
        Assert.AreEqual(1, graph.Nodes.OfType<Dense>().Select(d => d.Inputs[1]).Distinct().Count());
    }

    [TestMethod]
    public void UnsortedNodesAreSortedAndUselessOnesLeftOut()
    {
        OnnxImportResult result = new ModelWriter().Input("x", "N", 2).Node("Exp", "h", "y").Node("Relu", "x", "h").Node("NoSuchThing", "x", "unread").Output("y").Import();
        AreSame<string>(["Relu_h", "Exp_y"], result.Graph.Nodes.Select(n => n.Name).ToArray());
        StringAssert.Contains(result.Warnings.Single(), "left out");
    }

    [TestMethod]
    public void AnInputOrAConstantCanBeAnOutput()
    {
        Graph graph = new ModelWriter().Input("x", "N", 2).Filled("c", 7, 2).Node("Identity", "x", "same").Node("Identity", "c", "k").Output("same").Output("k").Output("x").Import().Graph;
        AreSame<string>(["same", "k", "x"], graph.Outputs.Select(o => graph[o].Name).ToArray());
        AreSame<float>([0f, 1f], Run(graph, Ramp(Shape.Of(1, 2))));
    }

    private static AffineQuantization Codes(Graph graph, string prefix) => graph.Values.First(v => v.Constant is not null && v.Type.IsCodes && v.Name.StartsWith(prefix, StringComparison.Ordinal)).Type.Quantization!;

    private static Tensor Constant(Graph graph, string prefix) => graph.Values.First(v => v.Constant is not null && v.Name.StartsWith(prefix, StringComparison.Ordinal)).Constant!;

    private static void AreSame<T>(ReadOnlySpan<T> expected, IEnumerable<T> found) => CollectionAssert.AreEqual(expected.ToArray(), found.ToArray());

    private static float[] Run(Graph graph, Tensor input)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        return evaluator.Run([input])[0].Values<float>().ToArray();
    }

    private static Tensor Filled(float value, Shape shape) => Tensor.Create(shape, Enumerable.Repeat(value, shape.Count).ToArray());

    private static Tensor Ramp(Shape shape) => Tensor.Create(shape, Enumerable.Range(0, shape.Count).Select(i => (float)i).ToArray());
}
