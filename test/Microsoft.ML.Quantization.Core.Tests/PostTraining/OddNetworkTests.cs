using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Passes;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.PostTraining;

/// <summary>Weights and data at the edges go through the whole line: fit with the engine, write, read, run; the result is what the float network says.</summary>
[TestClass]
public sealed class OddNetworkTests
{
    [TestMethod]
    [DataRow(8)]
    [DataRow(4)]
    [DataRow(2)]
    public void Channels_of_zeros_give_their_bias(int bits)
    {
        var net = new Net();
        ValueId w = net.Constant("w", [3, 2], 0, 0, 1, -0.5f, 0, 0);
        Graph graph = net.Build(net.Dense("dense", net.Input("x", Shape.Free, 2), w, net.Constant("b", [3], 1.5f, 0, -7)));
        float[] y = Run(graph, bits, Ramp(graph, 40), [0.25f, 1]);
        Assert.AreEqual(1.5f, y[0], 1e-4f);
        Assert.AreEqual(-7f, y[2], 1e-4f);
    }

    [TestMethod]
    [DataRow(1e-40f)]
    [DataRow(1e-30f)]
    [DataRow(1e30f)]
    public void Tiny_and_huge_weights_stay_finite(float weight)
    {
        var net = new Net();
        ValueId w = net.Constant("w", [2, 2], weight, -weight, weight / 2, 0);
        Graph graph = net.Build(net.Dense("dense", net.Input("x", Shape.Free, 2), w));
        float[] y = Run(graph, 8, Ramp(graph, 40), [1, -1]);
        Assert.IsTrue(y.All(float.IsFinite), string.Join(", ", y));
        Assert.AreEqual(2 * (double)weight, y[0], Math.Max(0.05 * weight, 1e-37));
    }

    [TestMethod]
    public void One_channel_and_one_element_are_enough()
    {
        var net = new Net();
        Graph graph = net.Build(net.Dense("dense", net.Input("x", Shape.Free, 1), net.Constant("w", [1, 1], 3), net.Constant("b", [1], -1)));
        Assert.AreEqual(3.5f, Run(graph, 8, Ramp(graph, 64), [1.5f])[0], 0.1f);
        net = new Net();
        ValueId x = net.Input("x", Shape.Free, 1, 1, 1);
        graph = net.Build(net.Conv("conv", x, net.Constant("w", [1, 1, 1, 1], -2)));
        Assert.AreEqual(-2f, Run(graph, 8, Ramp(graph, 64), [1])[0], 0.1f);
    }

    [TestMethod]
    [DataRow(0f)]
    [DataRow(0.75f)]
    [DataRow(-3f)]
    public void Data_that_never_change_are_an_exact_constant(float value)
    {
        var net = new Net();
        ValueId hidden = net.Dense("first", net.Input("x", Shape.Free, 2), net.Constant("w", [2, 2], 1, 0, 0, 1));
        Graph graph = net.Build(net.Dense("second", hidden, net.Constant("v", [2, 2], 1, 0, 0, 1), net.Constant("b", [2], 0.5f, 0)));
        Tensor rows = Tensor.Create(Shape.Of(40, 2), Enumerable.Repeat(value, 80).ToArray());
        float[] y = Run(graph, 8, rows, [value, value]);
        Assert.AreEqual(value + 0.5f, y[0], 0.01f);
        Assert.AreEqual(value, y[1], 0.01f);
    }

    [TestMethod]
    public void Shared_weights_stay_one_constant()
    {
        var net = new Net();
        ValueId w = net.Constant("w", [4, 4], [.. Enumerable.Range(0, 16).Select(i => (i - 7) / 8f)]);
        ValueId hidden = net.Relu("relu", net.Dense("first", net.Input("x", Shape.Free, 4), w));
        Graph graph = net.Build(net.Dense("second", hidden, w));
        QuantizationResult result = Fit(graph, new QuantizationScheme(), Ramp(graph, 40));
        Value[] weights = [.. result.Integer.Values.Where(v => v.Constant is { Shape.Count: 16 })];
        Assert.AreEqual(1, weights.Length, string.Join(", ", weights.Select(v => v.Name)));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(5)]
    [DataRow(7)]
    [DataRow(100)]
    public void Groups_that_do_not_divide_the_channels_run(int group)
    {
        Graph graph = GraphCases.Mlp();
        var scheme = new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = group };
        QuantizationResult result = Fit(graph, scheme, GraphCases.Inputs(graph, 40)[0]);
        using QuantizedModel model = QuantizedModel.Load(new System.IO.MemoryStream(ModelWriter.ToBytes(result.Document)));
        model.Verify();
    }

    [TestMethod]
    public void A_giant_outlier_still_gives_a_verified_integer_network()
    {
        Graph graph = GraphCases.Mlp();
        float[] values = GraphCases.Inputs(graph, 40)[0].Values<float>().ToArray();
        values[17] = 1e9f;
        var repeated = new List<IReadOnlyList<Tensor>>();
        for (int i = 0; i < 3; i++)
        {
            repeated.Add([Tensor.Create(Shape.Of(40, 20), i == 0 ? values : GraphCases.Inputs(graph, 40, (ulong)i)[0].Values<float>())]);
        }

        QuantizationResult result = Quantizer().Run(graph, new PostTrainingOptions { VerifiedRows = 1 }, repeated);
        Assert.IsTrue(result.Layers.All(l => l.IsInteger));
        using QuantizedModel model = QuantizedModel.FromDocument(result.Document);
        model.Verify();
    }

    [TestMethod]
    public void NaN_and_infinities_at_scoring_are_defined_the_same_everywhere()
    {
        Graph graph = GraphCases.Residual();
        QuantizationResult result = Fit(graph, new QuantizationScheme(), GraphCases.Inputs(graph, 40)[0]);
        float[] values = GraphCases.Inputs(graph, 2, 9)[0].Values<float>().ToArray();
        float[] finite = [.. values];
        for (int i = 0; i < values.Length / 2; i += 3)
        {
            (values[i], finite[i]) = (i % 9) switch { 0 => (float.NaN, 0f), 3 => (float.PositiveInfinity, 1e30f), _ => (float.NegativeInfinity, -1e30f) };
        }

        foreach (KernelSet set in KernelRegistry.Available)
        {
            using QuantizedModel model = QuantizedModel.FromDocument(result.Document, new QuantizedModelOptions { KernelSet = set.Name });
            var odd = new float[10];
            var plain = new float[10];
            model.Run(values, odd, 2);
            model.Run(finite, plain, 2);
            CollectionAssert.AreEqual(plain, odd, $"{set.Name}: NaN is the zero, infinities are the ends of the range");
        }
    }

    private static Tensor Ramp(Graph graph, int rows)
    {
        Shape shape = graph[graph.Inputs[0]].Type.Shape.Bind(rows);
        return Tensor.Create(shape, Enumerable.Range(0, shape.Count).Select(i => (i * 37 % shape.Count / (float)shape.Count * 4) - 2).ToArray());
    }

    private static PostTrainingQuantizer Quantizer() => new(new EngineRunnerFactory(KernelRegistry.Active), OperatorTable.Reference);

    private static QuantizationResult Fit(Graph graph, QuantizationScheme scheme, Tensor rows) => Quantizer().Run(graph, new PostTrainingOptions { Scheme = scheme }, [[rows]]);

    private static float[] Run(Graph graph, int bits, Tensor rows, float[] input)
    {
        QuantizationResult result = Fit(graph, new QuantizationScheme { WeightBits = bits }, rows);
        using QuantizedModel model = QuantizedModel.Load(new System.IO.MemoryStream(ModelWriter.ToBytes(result.Document)));
        model.Verify();
        var output = new float[model.Signature.Outputs[0].Shape.FixedCount];
        model.Run(input, output);
        return output;
    }
}
