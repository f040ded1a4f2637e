using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Lowering against expectations that were worked out by hand or in double, never against the code under test.</summary>
[TestClass]
public sealed class LoweringTests
{
    [TestMethod]
    public void Ties_of_requantization_go_to_even()
    {
        // x codes 1..7 with scale 1, w = 1 with scale 1, y scale 2: m = 1/2, t = 0.5, 1.5, 2.5, 3.5.
        float[] y = RunDense([1, 3, 5, 7], weight: 1, xScale: 1, yScale: 2, yZero: 0);
        Check.Sequence(y, 0, 4, 4, 8);
    }

    [TestMethod]
    public void The_zero_point_is_added_behind_the_rounding()
    {
        // With z = 1: halfToEven(0.5) + 1 = 1, so y = 2·(1 − 1) = 0; rounding 0.5 + 1 would give code 2 and y = 2.
        float[] y = RunDense([1, 3], weight: 1, xScale: 1, yScale: 2, yZero: 1);
        Check.Sequence(y, 0, 4);
    }

    [TestMethod]
    public void A_result_below_the_zero_point_saturates_at_the_lowest_code()
    {
        float[] y = RunDense([-2, -6, 300], weight: 1, xScale: 1, yScale: 1, yZero: 3, xZero: 128);
        Check.Sequence(y, -2, -3, 127);
    }

    [TestMethod]
    public void Padding_counts_as_the_real_zero_whatever_the_zero_point()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", 1, 1, 2, 2), 8, false, [0.5f], 100);
        ValueId w = net.Fake("wq", net.Constant("w", [1, 1, 3, 3], 1, 1, 1, 1, 1, 1, 1, 1, 1), 8, true, [1f]);
        ValueId y = net.Fake("yq", net.Conv("conv", x, w, pad: 1), 8, false, [0.5f], 50);
        LoweredGraph lowered = LowerToInteger.Run(net.Build(net.Unary("out", UnaryOperator.Abs, y)), Harness.Evaluate);
        Assert.IsTrue(lowered.Layers.Single().IsInteger);

        // Every window holds the same four pixels 1, 2, 3, −1.5.
        float[] found = Harness.Run(lowered.Graph, [Tensor.Create(Shape.Of(1, 1, 2, 2), [1f, 2, 3, -1.5f])]);
        Check.Sequence(found, 4.5f, 4.5f, 4.5f, 4.5f);
    }

    [TestMethod]
    public void A_clamp_becomes_limits_on_codes()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 1), 8, true, [0.25f]);
        ValueId w = net.Fake("wq", net.Constant("w", [1, 1], 1), 8, true, [1f]);
        ValueId y = net.Fake("yq", net.Dense("dense", x, w, activation: new Activation(0, 6)), 8, false, [0.125f], 10);
        Graph graph = LowerToInteger.Run(net.Build(y), Harness.Evaluate).Graph;
        Requantize requantize = graph.Nodes.OfType<Requantize>().Single();
        Assert.AreEqual(10, requantize.Minimum, "0 / 0.125 + 10");
        Assert.AreEqual(58, requantize.Maximum, "6 / 0.125 + 10");
        Check.Sequence(Harness.Run(graph, [Tensor.Create(Shape.Of(3, 1), [-5f, 20, 3.25f])]), 0, 6, 3.25f);
    }

    [TestMethod]
    public void A_residual_addition_scales_each_branch_by_its_own_step()
    {
        var net = new Net();
        ValueId a = net.Fake("aq", net.Input("a", Shape.Free, 2), 8, false, [0.5f], 10);
        ValueId b = net.Fake("bq", net.Input("b", Shape.Free, 2), 8, true, [0.25f]);
        ValueId y = net.Fake("yq", net.Binary("add", BinaryOperator.Add, a, b, Activation.Relu), 8, false, [0.5f]);
        Graph graph = LowerToInteger.Run(net.Build(y), Harness.Evaluate).Graph;
        IntegerAdd add = graph.Nodes.OfType<IntegerAdd>().Single();
        Assert.AreEqual((1f, 0.5f), (add.LeftMultiplier, add.RightMultiplier));

        // 3 + 1.25 = 4.25 is 8.5 steps: even 8. −5 + 1 clamps at 0.
        Check.Sequence(Harness.Run(graph, [Tensor.Create(Shape.Of(1, 2), [3f, -5]), Tensor.Create(Shape.Of(1, 2), [1.25f, 1])]), 4, 0);
    }

    [TestMethod]
    public void A_difference_subtracts_its_right_side()
    {
        var net = new Net();
        ValueId a = net.Fake("aq", net.Input("a", Shape.Free, 1), 8, true, [1f]);
        ValueId b = net.Fake("bq", net.Input("b", Shape.Free, 1), 8, true, [1f]);
        Graph graph = LowerToInteger.Run(net.Build(net.Fake("yq", net.Binary("sub", BinaryOperator.Subtract, a, b), 8, true, [1f])), Harness.Evaluate).Graph;
        Assert.IsTrue(graph.Nodes.Any(n => n is IntegerAdd));
        Check.Sequence(Harness.Run(graph, [Tensor.Create(Shape.Of(1, 1), [2f]), Tensor.Create(Shape.Of(1, 1), [-3f])]), 5);
    }

    [TestMethod]
    public void A_gate_multiplies_a_map_channel_by_channel()
    {
        var net = new Net();
        ValueId a = net.Fake("aq", net.Input("a", Shape.Free, 2, 1, 2), 8, false, [0.5f], 4);
        ValueId b = net.Fake("bq", net.Input("b", Shape.Free, 2, 1, 1), 8, false, [0.25f]);
        Graph graph = LowerToInteger.Run(net.Build(net.Fake("yq", net.Binary("mul", BinaryOperator.Multiply, a, b), 8, true, [0.125f])), Harness.Evaluate).Graph;
        Assert.AreEqual(1f, graph.Nodes.OfType<IntegerMultiply>().Single().Multiplier, "0.5 · 0.25 / 0.125");
        Check.Sequence(Harness.Run(graph, [Tensor.Create(Shape.Of(1, 2, 1, 2), [3f, -2, 3, 4]), Tensor.Create(Shape.Of(1, 2, 1, 1), [0.5f, 2])]), 1.5f, -1, 6, 8);
    }

    [TestMethod]
    public void A_function_of_codes_becomes_a_table_of_every_code()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 1), 4, true, [0.5f]);
        ValueId y = net.Fake("yq", net.Unary("leaky", UnaryOperator.LeakyRelu, x, 0.1f), 8, true, [0.05f]);
        Graph graph = LowerToInteger.Run(net.Build(y), Harness.Evaluate).Graph;
        LookupTable table = graph.Nodes.OfType<LookupTable>().Single();

        // Codes −8..7, reals code/2; below 0 a tenth of it, in steps of 0.05: code itself; above: 10·code.
        int[] expected = [-8, -7, -6, -5, -4, -3, -2, -1, 0, 10, 20, 30, 40, 50, 60, 70];
        CollectionAssert.AreEqual(expected, table.Table.Select(b => (int)(sbyte)b).ToArray());
    }

    [TestMethod]
    public void Means_carry_the_ratio_of_steps_and_padding_stays_the_real_zero()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", 1, 1, 2, 2), 8, false, [0.5f], 20);
        ValueId pool = net.Add(new AveragePool { Window = Net.Window(2, 1), CountPadding = true, Inputs = [x] }, "pool");
        Graph graph = LowerToInteger.Run(net.Build(net.Fake("yq", pool, 8, true, [0.125f])), Harness.Evaluate).Graph;
        Assert.AreEqual(4f, graph.Nodes.OfType<IntegerAveragePool>().Single().Multiplier);
        float[] y = Harness.Run(graph, [Tensor.Create(Shape.Of(1, 1, 2, 2), [1f, 2, 3, 4])]);
        Check.Sequence(y, 0.25f, 0.75f, 0.5f, 1, 2.5f, 1.5f, 0.75f, 1.75f, 1);
    }

    [TestMethod]
    public void Padding_of_codes_writes_the_code_of_the_padded_real()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 1), 8, false, [0.5f], 9);
        ValueId p = net.Add(new Pad { Before = [0, 1], After = [0, 1], Value = 1.5f, Inputs = [x] }, "pad");
        Graph graph = LowerToInteger.Run(net.Build(net.Fake("yq", p, 8, false, [0.5f], 9)), Harness.Evaluate).Graph;
        Assert.AreEqual(12f, graph.Nodes.OfType<Pad>().Single().Value, "1.5 / 0.5 + 9");
        Assert.IsFalse(graph.Nodes.Any(n => n is Requantize), "the same quantizer needs no step");
        Check.Sequence(Harness.Run(graph, [Tensor.Create(Shape.Of(1, 1), [-2f])]), 1.5f, -2, 1.5f);
    }

    [TestMethod]
    public void Joined_codes_of_different_steps_are_brought_to_one()
    {
        var net = new Net();
        ValueId a = net.Fake("aq", net.Input("a", Shape.Free, 1), 8, false, [1f]);
        ValueId b = net.Fake("bq", net.Input("b", Shape.Free, 1), 8, false, [0.5f], 3);
        ValueId y = net.Fake("yq", net.Add(new Concat { Axis = 1, Inputs = [a, b] }, "join"), 8, false, [1f], 1);
        Graph graph = LowerToInteger.Run(net.Build(y), Harness.Evaluate).Graph;
        Assert.AreEqual(2, graph.Nodes.OfType<Requantize>().Count());
        Check.Sequence(Harness.Run(graph, [Tensor.Create(Shape.Of(1, 1), [7f]), Tensor.Create(Shape.Of(1, 1), [2.5f])]), 7, 2);
    }

    [TestMethod]
    public void Batch_normalization_on_codes_becomes_multipliers_and_offsets_of_each_channel()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 2, 1), 8, true, [0.5f]);
        ValueId n = net.Add(new BatchNormalization { Epsilon = 0, Inputs = [x, net.Constant("g", [2], 2, -4), net.Constant("b", [2], 1, 0.5f), net.Constant("m", [2], 1, 0), net.Constant("v", [2], 4, 16)] }, "norm");
        Graph graph = LowerToInteger.Run(net.Build(net.Fake("yq", net.Relu("relu", n), 8, false, [0.5f])), Harness.Evaluate).Graph;
        Requantize step = graph.Nodes.OfType<Requantize>().Single();
        Check.Sequence(step.Multipliers.ToArray(), 1f, -1);
        Check.Sequence(step.Offsets.ToArray(), 0f, 1);
        Check.Sequence(Harness.Run(graph, [Tensor.Create(Shape.Of(2, 2, 1), [3f, -2, -1, 3])]), 3, 2.5f, 0, 0);
    }

    [TestMethod]
    public void A_layer_without_a_quantizer_behind_it_leaves_as_floats()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 1), 8, true, [0.5f]);
        ValueId w = net.Fake("wq", net.Constant("w", [2, 1], 3, -1), 8, true, [0.5f, 0.25f]);
        ValueId y = net.Dense("dense", x, w, net.Constant("b", [2], 1.25f, 7), Activation.Relu);
        Graph graph = LowerToInteger.Run(net.Build(y), Harness.Evaluate).Graph;
        Check.Sequence(graph.Nodes.Select(n => n.Kind).ToArray(), nameof(Quantize), nameof(IntegerDense), nameof(DequantizeAccumulator));
        Assert.AreEqual("dense", graph[graph.Outputs[0]].Name);
        Check.Sequence(Harness.Run(graph, [Tensor.Create(Shape.Of(2, 1), [2f, -1])]), 7.25f, 5, 0, 8);
    }

    [TestMethod]
    public void What_has_no_integer_form_is_a_float_island()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3), 8, true, [0.5f]);
        ValueId s = net.Add(new Softmax { Inputs = [x] }, "softmax");
        Graph graph = LowerToInteger.Run(net.Build(net.Fake("yq", s, 8, false, [1f / 256])), Harness.Evaluate).Graph;
        Check.Sequence(graph.Nodes.Select(n => n.Kind).ToArray(), nameof(Quantize), nameof(Dequantize), nameof(Softmax), nameof(Quantize), nameof(Dequantize));
    }

    [TestMethod]
    public void A_value_that_several_want_is_written_once_for_each()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 1), 8, true, [1f]);
        ValueId d = net.Dense("dense", x, net.Fake("wq", net.Constant("w", [1, 1], 1), 8, true, [1f]));
        Graph graph = LowerToInteger.Run(net.Build(net.Fake("a", d, 8, true, [1f]), net.Fake("b", d, 2, true, [4f]), d), Harness.Evaluate).Graph;
        Assert.AreEqual(1, graph.Nodes.Count(n => n is IntegerDense));
        Assert.AreEqual(2, graph.Nodes.Count(n => n is Requantize));
        Check.Sequence(graph.Outputs.Select(o => graph[o].Name).ToArray(), "a", "b", "dense");
    }

    [TestMethod]
    public void An_accumulator_that_is_not_proved_keeps_the_layer_float_and_says_why()
    {
        const int Depth = 40000;
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", 1, 2 * Depth, 1, 1), 8, false, [1f], 255);
        ValueId w = net.Fake("wq", net.Builder.AddConstant("w", Tensor.Create(Shape.Of(2, Depth, 1, 1), Enumerable.Repeat(127f, 2 * Depth).ToArray())), 8, true, [1f]);
        LoweredGraph lowered = LowerToInteger.Run(net.Build(net.Conv("deep", x, w)), Harness.Evaluate);
        LayerOutcome layer = lowered.Layers.Single();
        Assert.IsFalse(layer.IsInteger);
        StringAssert.Contains(layer.Reason, "2590800000", "2 · 255 · 127 · 40000");
        Assert.IsTrue(lowered.Graph.Nodes.Any(n => n is Convolution));
    }

    [TestMethod]
    [DataRow(8, "3 2 -4", "0")]
    [DataRow(4, "3 2 -4", "-0.0625 0.125 0.125")]
    public void A_bias_is_rounded_half_to_even_to_accumulator_steps_and_few_bits_keep_the_rest(int bits, string codes, string rest)
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 1), bits, false, [0.5f]);
        ValueId w = net.Fake("wq", net.Constant("w", [3, 1], 1, 1, 1), bits, true, [0.5f, 0.5f, 0.5f]);
        Graph graph = LowerToInteger.Run(net.Build(net.Dense("dense", x, w, net.Constant("b", [3], 0.6875f, 0.625f, -0.875f))), Harness.Evaluate).Graph;
        Assert.AreEqual(codes, string.Join(" ", graph.ConstantOf(graph.Nodes.OfType<IntegerDense>().Single().Inputs[2]).Values<int>().ToArray()));
        Assert.AreEqual(rest, string.Join(" ", graph.Nodes.OfType<DequantizeAccumulator>().Single().Offsets.Select(o => o.ToString(System.Globalization.CultureInfo.InvariantCulture))));
    }

    [TestMethod]
    public void Stored_bias_codes_stay_as_they_are()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 1), 8, true, [0.1f]);
        ValueId w = net.Fake("wq", net.Constant("w", [1, 1], 0.3f), 8, true, [0.3f]);
        AffineQuantization steps = Net.Codes(32, true, 0.1f * 0.3f, 0);
        ValueId bias = net.Builder.AddConstant("b", Tensor.Create(Shape.Of(1), [123456789]), steps);
        Graph graph = LowerToInteger.Run(net.Build(net.Dense("dense", x, w, net.Add(new Dequantize { Inputs = [bias] }, "bd"))), Harness.Evaluate).Graph;
        Assert.AreEqual(123456789, graph.ConstantOf(graph.Nodes.OfType<IntegerDense>().Single().Inputs[2]).Values<int>()[0]);
    }

    [TestMethod]
    [DynamicData(nameof(GraphCases.Rows), typeof(GraphCases))]
    public void Integer_and_fake_quantized_networks_agree_within_a_step(string name)
    {
        Graph clean = Harness.Clean(GraphCases.Create(name));
        Tensor[] inputs = GraphCases.Inputs(clean, 3);
        Graph fake = Harness.Insert(clean, QuantizationScheme.EightBits, inputs);
        LoweredGraph lowered = LowerToInteger.Run(fake, Harness.Evaluate);
        Assert.IsTrue(lowered.Layers.All(l => l.IsInteger), string.Join(Environment.NewLine, lowered.Layers));
        float[] expected = Harness.Run(fake, inputs);
        float[] found = Harness.Run(lowered.Graph, inputs);
        float range = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], 0.02f * range, $"output {i}");
        }
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(5)]
    [DataRow(6)]
    [DataRow(7)]
    [DataRow(8)]
    public void Every_pair_of_widths_gives_the_codes_of_the_formula_in_double(int weightBits)
    {
        for (int activationBits = 2; activationBits <= 8; activationBits++)
        {
            var oracle = new ConvolutionOracle(weightBits, activationBits);
            byte[] found = oracle.Run();
            List<string> wrong = oracle.Compare(found);
            Assert.AreEqual(0, wrong.Count, $"W{weightBits}A{activationBits}: {string.Join("; ", wrong.Take(5))}");
        }
    }

    private static float[] RunDense(float[] values, float weight, float xScale, float yScale, int yZero, int xZero = 0)
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 1), 8, false, [xScale], xZero);
        ValueId w = net.Fake("wq", net.Constant("w", [1, 1], weight), 8, true, [1f]);
        ValueId y = net.Fake("yq", net.Dense("dense", x, w), 8, false, [yScale], yZero);
        LoweredGraph lowered = LowerToInteger.Run(net.Build(y), Harness.Evaluate);
        Assert.IsTrue(lowered.Layers.Single().IsInteger);
        return Harness.Run(lowered.Graph, [Tensor.Create(Shape.Of(values.Length, 1), values)]);
    }
}
