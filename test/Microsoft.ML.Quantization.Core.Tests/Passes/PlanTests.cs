using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Where quantizers go: one rule a test.</summary>
[TestClass]
public sealed class PlanTests
{
    private static readonly QuantizationScheme _w4a4 = QuantizationScheme.FourBits with { EdgeLayers = EdgeLayers.SameBits };

    [TestMethod]
    public void A_value_with_several_readers_has_one_quantizer_and_an_explicit_step_for_narrower_codes()
    {
        // x feeds a layer (4 bits) and an addition (8-bit stream).
        var net = new Net();
        ValueId w = net.Constant("w", [1, 1, 1, 1], 1);
        ValueId a = net.Conv("a", net.Input("x", Shape.Free, 1, 2, 2), w);
        ValueId b = net.Conv("b", a, w);
        ValueId s = net.Binary("sum", BinaryOperator.Add, a, b);
        Graph fake = Insert(net.Build(net.Conv("c", s, w)));
        Assert.AreEqual("x.u4(x) a.u8(a) a.u4(a.u8) b.u8(b) sum.u4(sum)", Quantizers(fake));
        Assert.AreEqual("a.u8 b.u8", Reads(fake, "sum"));
        Assert.AreEqual("a.u4", Reads(fake, "b")[..4]);
    }

    [TestMethod]
    public void What_only_moves_elements_shares_the_codes_before_it()
    {
        var net = new Net();
        ValueId w = net.Constant("w", [1, 1, 1, 1], 1);
        ValueId a = net.Conv("a", net.Input("x", Shape.Free, 1, 4, 4), w);
        ValueId p = net.Add(new MaxPool { Window = Net.Window(2, 0), Inputs = [a] }, "pool");
        ValueId t = net.Add(new Transpose { Permutation = [0, 1, 3, 2], Inputs = [p] }, "turn");
        Graph fake = Insert(net.Build(net.Conv("b", t, w)));
        Assert.AreEqual("x.u4(x) a.u4(a)", Quantizers(fake));
    }

    [TestMethod]
    public void Joined_values_that_nothing_else_reads_take_the_quantizer_of_the_result()
    {
        var net = new Net();
        ValueId w = net.Constant("w", [1, 1, 1, 1], 1);
        ValueId x = net.Input("x", Shape.Free, 1, 2, 2);
        ValueId a = net.Conv("a", x, w);
        ValueId b = net.Conv("b", x, net.Constant("w2", [1, 1, 1, 1], 5));
        ValueId j = net.Add(new Concat { Axis = 1, Inputs = [a, b, x] }, "join");
        Graph fake = Insert(net.Build(net.Conv("c", j, net.Constant("w3", [1, 3, 1, 1], 1, 1, 1))));
        float[] Scale(string name)
        {
            Assert.IsTrue(fake.TryFind(name, out ValueId id));
            return fake.Nodes.OfType<FakeQuantize>().Single(f => f.Output == id).Quantizer(fake).Scales.ToArray();
        }

        Assert.AreEqual("x.u4(x) a.u4(a) b.u4(b) x.u4_1(x.u4)", Quantizers(fake), "x keeps its own and is brought over");
        Assert.AreEqual(Scale("a.u4")[0], Scale("b.u4")[0]);
        Assert.AreEqual(Scale("a.u4")[0], Scale("x.u4_1")[0]);
        Assert.AreNotEqual(Scale("a.u4")[0], Scale("x.u4")[0]);
    }

    [TestMethod]
    public void Functions_read_the_stream_and_become_tables_only_if_their_result_is_wanted()
    {
        var net = new Net();
        ValueId w = net.Constant("w", [1, 1, 1, 1], 1);
        ValueId a = net.Conv("a", net.Input("x", Shape.Free, 1, 2, 2), w);
        ValueId h = net.Unary("swish", UnaryOperator.HardSwish, a);
        ValueId b = net.Conv("b", h, w);
        Graph fake = Insert(net.Build(net.Unary("out", UnaryOperator.Sigmoid, b)));
        Assert.AreEqual("x.u4(x) a.u8(a) swish.u4(swish)", Quantizers(fake));
    }

    [TestMethod]
    public void Softmax_and_layers_kept_float_are_islands()
    {
        var net = new Net();
        ValueId w = net.Constant("w", [2, 2], 1, 0, 0, 1);
        ValueId a = net.Dense("a", net.Input("x", Shape.Free, 2), w);
        ValueId s = net.Add(new Softmax { Inputs = [a] }, "softmax");
        ValueId b = net.Dense("b", s, w);
        ValueId k = net.Dense("kept", b, w);
        Graph fake = Insert(net.Build(net.Dense("c", k, w)), _w4a4 with { KeepFloat = ["kept"] });
        Assert.AreEqual("x.u4(x) softmax.u4(softmax) kept.u4(kept)", Quantizers(fake));
        Assert.IsTrue(fake.TryFind("w", out ValueId weights) && fake.Nodes.Single(n => n.Name == "kept").Inputs[1] == weights, "weights of a float layer stay float");
    }

    [TestMethod]
    public void A_clamp_behind_a_normalization_is_one_step_with_it()
    {
        var net = new Net();
        ValueId w = net.Constant("w", [1, 1, 1, 1], 1);
        ValueId one = net.Constant("one", [1], 1);
        ValueId x = net.Input("x", Shape.Free, 1, 2, 2);
        ValueId n = net.Add(new BatchNormalization { Inputs = [x, one, one, one, one] }, "norm");
        Graph fake = Insert(net.Build(net.Conv("a", net.Relu("relu", n), w)));
        Assert.AreEqual("x.u8(x) relu.u4(relu)", Quantizers(fake));
    }

    [TestMethod]
    public void A_constant_operand_is_quantized_from_its_own_values()
    {
        var net = new Net();
        ValueId w = net.Constant("w", [1, 1, 1, 1], 1);
        ValueId a = net.Conv("a", net.Input("x", Shape.Free, 1, 1, 2), w);
        ValueId s = net.Binary("sum", BinaryOperator.Add, a, net.Constant("map", [1, 1, 1, 2], -1, 3));
        Graph graph = Harness.Clean(net.Build(net.Conv("b", s, w)));
        Graph fake = Insert(graph);
        FakeQuantize map = fake.Nodes.OfType<FakeQuantize>().Single(f => fake[f.Inputs[0]].Name == "map");
        Assert.AreEqual((4f / 255, 64), (map.Quantizer(fake).Scales[0], map.Quantizer(fake).ZeroPoints[0]));
        Assert.IsTrue(LowerToInteger.Run(fake, Harness.Evaluate).Graph.Nodes.Any(n => n is IntegerAdd));
    }

    [TestMethod]
    public void A_bias_that_does_not_fit_enlarges_the_step_of_its_channel()
    {
        var net = new Net();
        ValueId y = net.Dense("dense", net.Input("x", Shape.Free, 1), net.Constant("w", [2, 1], 1e-7f, 1), net.Constant("b", [2], 1000, 1000));
        Graph fake = Insert(net.Build(y), QuantizationScheme.EightBits);
        AffineQuantization weights = fake.Nodes.OfType<FakeQuantize>().Single(f => fake[f.Inputs[0]].Name == "w").Quantizer(fake);
        Assert.IsTrue(weights.Scales[0] > 1e-7f / 127 * 10 && weights.Scales[1] == 1f / 127, weights.Scales[0].ToString(System.Globalization.CultureInfo.InvariantCulture));
        LoweredGraph lowered = LowerToInteger.Run(fake, Harness.Evaluate);
        Assert.IsTrue(lowered.Layers.Single().IsInteger);
        float[] found = Harness.Run(lowered.Graph, [Tensor.Create(Shape.Of(1, 1), [0.5f])]);
        Assert.AreEqual(1000, found[0], 1e-3f);
    }

    [TestMethod]
    public void Symmetric_codes_leave_the_lowest_or_highest_out()
    {
        ActivationSite Site(QuantizationScheme scheme) => QuantizationPlan.Create(GraphCases.Mlp(), scheme).Sites[0];
        ActivationSite signed = Site(new QuantizationScheme { SignedActivations = true, SymmetricActivations = true });
        Assert.AreEqual((-127, 127), (signed.Range.Min, signed.Range.Max));
        ActivationSite unsigned = Site(new QuantizationScheme { SymmetricActivations = true });
        Assert.AreEqual((0, 254), (unsigned.Range.Min, unsigned.Range.Max));
        Assert.AreEqual(127, unsigned.Quantizer(new ClippingRange(-1, 1)).Single.ZeroPoint);
    }

    [TestMethod]
    public void Q201_for_a_site_without_a_range()
    {
        Graph graph = GraphCases.Mlp();
        QuantizationPlan plan = QuantizationPlan.Create(graph, QuantizationScheme.EightBits);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => InsertFakeQuantize.Run(graph, plan, new System.Collections.Generic.Dictionary<ActivationSite, AffineQuantization>(), Harness.Weights));
        Assert.AreEqual(QuantizationErrorCode.MissingCalibrationData, error.Code);
    }

    private static Graph Insert(Graph graph, QuantizationScheme? scheme = null) => Harness.Insert(graph, scheme ?? _w4a4, GraphCases.Inputs(graph, 2));

    /// <summary>The quantizers of activations with what they read, in order.</summary>
    private static string Quantizers(Graph graph) => string.Join(" ", graph.Nodes.OfType<FakeQuantize>().Where(f => graph[f.Inputs[0]].Constant is null).Select(f => $"{graph[f.Output].Name}({graph[f.Inputs[0]].Name})"));

    private static string Reads(Graph graph, string node) => string.Join(" ", graph.Nodes.Single(n => n.Name == node).Inputs.Select(i => graph[i].Name));
}
