using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>
/// Networks of one and two bits, written by hand with numbers that are exact in float32, so that the fake-quantized graph, the integer graph and the engine must agree to the last bit.
/// </summary>
[TestClass]
[TestCategory("Portable")]
public sealed class BinaryNetworkTests
{
    private ulong _seed;

    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(1, 2)]
    [DataRow(2, 1)]
    [DataRow(2, 2)]
    [DataRow(3, 3)]
    public void Signs_between_convolutions(int weightBits, int activationBits)
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3, 6, 6), 8, true, [1f / 64]);
        ValueId a = Layer(net, "first", x, 5, 8, 1, activationBits);
        ValueId b = Layer(net, "second", a, 6, weightBits, 1, activationBits);
        ValueId c = Layer(net, "third", net.Pool("pool", b, 2), 7, weightBits, 0, activationBits);
        ValueId flat = net.Add(new Reshape { Inputs = [c], Target = [0, -1] }, "flat");
        ValueId w = net.FakeMidRise("wq", Weights(net, "w", 4, 28), 1, 0.5f, 0.25f, 1f, 2f);
        Graph integer = Equal(net.Build(net.Dense("dense", flat, w)), 3, 6, 6);
        Assert.AreEqual(4, integer.Nodes.Count(n => n is IntegerConvolution or IntegerDense));
        Assert.AreEqual(activationBits <= 2 ? 3 : 0, integer.Nodes.OfType<Thresholds>().Count());
        Assert.IsFalse(integer.Nodes.Any(n => n is Dequantize or BatchNormalization), "nothing stays float between the layers");
    }

    [TestMethod]
    public void Weights_of_one_bit_take_eight_bit_inputs()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3, 6, 6), 8, false, [1f / 64], 77);
        ValueId a = net.Fake("aq", Normalized(net, "first", x, 5, 1, 1), 8, false, [1f / 16], 3);
        Graph integer = Equal(net.Build(Normalized(net, "second", a, 4, 1, 1)), 3, 6, 6);
        Assert.AreEqual(1, integer.Nodes.OfType<Requantize>().Count());
    }

    [TestMethod]
    public void A_pool_between_layer_and_sign_moves_behind_it_whatever_the_slopes()
    {
        foreach (int bits in new[] { 1, 2 })
        {
            var net = new Net();
            ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 2, 8, 8), 8, true, [1f / 64]);
            ValueId conv = net.Conv("conv", x, net.Fake("wq", Weights(net, "w", 6, 2, 3, 3), 4, true, Scales(6)), pad: 1);
            ValueId normal = net.Norm("norm", net.Pool("pool", conv, 2), [1, -1, 0, 2, -0.5f, 1], [0.5f, 0.25f, -1, 0, 0.125f, 3]);
            ValueId sign = net.FakeMidRise("sign", normal, bits, 0.5f);
            Graph integer = Equal(net.Build(Normalized(net, "last", sign, 3, 1, 0)), 2, 8, 8);
            Assert.IsTrue(integer.Nodes.OfType<MaxPool>().Single() is var pool && integer[pool.Output].Type.Quantization is { IsMidRise: true });
        }
    }

    [TestMethod]
    public void Clamps_bends_and_affine_steps_before_a_sign_become_thresholds()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 2, 5, 5), 8, true, [1f / 64]);
        ValueId relu = net.Relu("relu", Normalized(net, "one", x, 4, 8, 1));
        ValueId a = net.FakeMidRise("aq", net.Norm("shift", relu, [1, 1, -1, 0.5f], [-0.5f, -0.25f, 0.5f, -1]), 2, 0.25f);
        ValueId slopes = net.Constant("slopes", [4, 1, 1], 0.25f, 0.5f, 0, 0.125f);
        ValueId bent = net.Binary("prelu", BinaryOperator.PRelu, Normalized(net, "two", a, 4, 1, 1), slopes);
        ValueId b = net.FakeMidRise("bq", net.Norm("again", bent, [1, -2, 1, 1], [0.125f, 0.25f, -0.125f, 1]), 1, 1f);
        ValueId leaky = net.Unary("leaky", UnaryOperator.LeakyRelu, Normalized(net, "three", b, 3, 1, 1), 0.25f);
        Graph integer = Equal(net.Build(Normalized(net, "last", net.FakeMidRise("cq", leaky, 1, 1f), 2, 1, 0)), 2, 5, 5);
        Assert.AreEqual(3, integer.Nodes.OfType<Thresholds>().Count());
        Assert.IsFalse(integer.Nodes.Any(n => n is Dequantize or BatchNormalization or Unary or Binary));
    }

    [TestMethod]
    [DataRow(-1, 1, 2)]
    [DataRow(-2, 1, 2)]
    [DataRow(-7, 7, 4)]
    [DataRow(-1, 1, 8)]
    public void Few_signed_codes_behind_pools_and_bends_become_thresholds(int least, int most, int bits)
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 2, 8, 8), 8, true, [1f / 64]);
        ValueId conv = net.Conv("conv", x, net.Fake("wq", Weights(net, "w", 6, 2, 3, 3), 4, true, Scales(6)), pad: 1);
        ValueId a = Signed(net, "aq", net.Norm("norm", net.Pool("pool", conv, 2), [1, -1, 0, 2, -0.5f, 1], [0.5f, 0.25f, -1, 0, 0.125f, 3]), bits, least, most);
        ValueId bent = net.Binary("prelu", BinaryOperator.PRelu, Normalized(net, "two", a, 4, 1, 1), net.Constant("slopes", [4, 1, 1], 0.25f, 0.5f, 0, 0.125f));
        ValueId b = Signed(net, "bq", net.Norm("again", bent, [1, -2, 1, 1], [0.125f, 0.25f, -0.125f, 1]), bits, least, most);
        Graph integer = Equal(net.Build(Normalized(net, "last", b, 3, 1, 0)), 2, 8, 8);
        Assert.AreEqual(3, integer.Nodes.OfType<Thresholds>().Count(), "two, and one that turns falling channels back behind the pool");
        Assert.AreEqual(2, integer.Nodes.Count(n => n is Quantize or DequantizeAccumulator), "at the entry and at the exit");
        Assert.IsFalse(integer.Nodes.Any(n => n is Dequantize or BatchNormalization or Binary));
    }

    [TestMethod]
    public void Signed_codes_of_thresholds_and_of_multipliers_lie_side_by_side()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3, 6, 6), 8, true, [1f / 64]);
        ValueId bent = Signed(net, "aq", net.Unary("leaky", UnaryOperator.LeakyRelu, Normalized(net, "one", x, 4, 8, 1), 0.25f), 3, -3, 3);
        ValueId plain = Signed(net, "bq", Normalized(net, "two", x, 5, 8, 1), 3, -3, 3);
        ValueId joined = net.Add(new Concat { Inputs = [bent, plain, plain], Axis = 1 }, "joined");
        Graph integer = Equal(net.Build(Normalized(net, "last", joined, 3, 1, 0)), 3, 6, 6);
        Assert.AreEqual(3, integer.Nodes.OfType<IntegerConvolution>().Count());
        Assert.AreEqual(1, integer.Nodes.OfType<Thresholds>().Count());
    }

    private static ValueId Signed(Net net, string name, ValueId from, int bits, int least, int most)
    {
        ValueId s = net.Constant(name + ".s", [1], 0.5f);
        ValueId z = net.Builder.AddConstant(name + ".z", Tensor.Create(Shape.Of(1), new int[1]));
        return net.Add(new FakeQuantize { Code = new CodeType(new BitWidth(bits), true), Range = new IntegerRange(least, most), Inputs = [from, s, z] }, name);
    }

    [TestMethod]
    public void A_wide_stream_feeds_shortcut_and_sign()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 4, 6, 6), 8, true, [1f / 64]);
        ValueId stream = Stream(net, "s0", Normalized(net, "stem", x, 4, 8, 1));
        for (int block = 1; block <= 2; block++)
        {
            ValueId sign = net.FakeMidRise($"sign{block}", stream, block, 1f);
            ValueId branch = Stream(net, $"b{block}", Normalized(net, $"conv{block}", sign, 4, 1, 1));
            stream = Stream(net, $"s{block}", net.Binary($"add{block}", BinaryOperator.Add, branch, stream));
        }

        Graph integer = Equal(net.Build(Normalized(net, "last", net.FakeMidRise("end", stream, 1, 1f), 3, 1, 0)), 4, 6, 6);
        Assert.AreEqual(2, integer.Nodes.OfType<IntegerAdd>().Count());
        Assert.AreEqual(3, integer.Nodes.OfType<Thresholds>().Count());
    }

    [TestMethod]
    public void Codes_are_moved_joined_and_pooled()
    {
        var net = new Net();
        ValueId x = net.FakeMidRise("xq", net.Input("x", Shape.Free, 4, 6, 6), 1, 0.5f);
        ValueId y = net.FakeMidRise("yq", Normalized(net, "conv", x, 4, 1, 1), 1, 0.5f);
        ValueId joined = net.Add(new Concat { Inputs = [x, y], Axis = 1 }, "joined");
        ValueId pooled = net.Pool("pool", joined, 2);
        ValueId turned = net.Add(new Transpose { Inputs = [pooled], Permutation = [0, 1, 3, 2] }, "turned");
        ValueId flat = net.Add(new Reshape { Inputs = [turned], Target = [0, -1] }, "flat");
        Graph integer = Equal(net.Build(net.Dense("dense", flat, net.FakeMidRise("wq", Weights(net, "w", 3, 72), 1, 0.5f))), 4, 6, 6);
        Assert.IsFalse(integer.Nodes.OfType<Concat>().Concat<Node>(integer.Nodes.OfType<MaxPool>()).Any(n => integer[n.Output].Type.Quantization is not { IsMidRise: true }));
    }

    [TestMethod]
    public void Levels_of_any_spacing_become_thresholds_and_tables()
    {
        (float[] Thresholds, float[] Levels, Type[] Expected)[] cases =
        [
            ([-0.5f, 0.5f], [-0.25f, 0, 0.25f], [typeof(Thresholds)]),
            ([0.25f, 0.5f, 1], [0, 0.25f, 0.5f, 1], [typeof(Thresholds), typeof(LookupTable)]),
            ([-1, -0.25f, 0.25f, 1], [-1, -0.25f, 0, 0.25f, 1], [typeof(Thresholds), typeof(LookupTable)]),
            ([0], [-0.5f, 0.5f], [typeof(Thresholds)]),
            ([0], [0, 0], [typeof(Thresholds), typeof(LookupTable)]),
            ([0, 1], [0.5f, 0.5f, 0.5f], [typeof(Thresholds), typeof(LookupTable)]),
            ([-1, -0.5f, 0, 0, 0.5f], [-0.75f, -0.75f, 0, 0, 0, 0.75f], [typeof(Thresholds)]),
        ];
        foreach ((float[] thresholds, float[] levels, Type[] expected) in cases)
        {
            var net = new Net();
            ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 2, 5, 5), 8, true, [1f / 64]);
            ValueId a = net.Staircase("aq", Normalized(net, "conv", x, 5, 8, 1), thresholds, levels);
            Graph integer = Equal(net.Build(Normalized(net, "last", a, 3, 2, 1)), 2, 5, 5);
            int first = integer.Nodes.IndexOf(integer.Nodes.OfType<Thresholds>().Single());
            CollectionAssert.AreEqual(expected, integer.Nodes.Skip(first).Take(expected.Length).Select(n => n.GetType()).ToArray());
            Assert.AreEqual(2, integer.Nodes.OfType<IntegerConvolution>().Count());
        }
    }

    [TestMethod]
    public void A_staircase_over_floats_is_entered_by_thresholds()
    {
        var net = new Net();
        ValueId a = net.Staircase("aq", net.Input("x", Shape.Free, 2, 5, 5), [-0.5f, 0.5f, 1], [-0.5f, 0, 0.5f, 2]);
        Graph integer = Equal(net.Build(Normalized(net, "last", a, 3, 1, 1)), 2, 5, 5);
        Assert.AreEqual(3, integer.Nodes.OfType<Thresholds>().Single().Reals.Length);
    }

    [TestMethod]
    public void Sums_of_weight_planes_become_one_layer_a_plane_and_one_sum()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3, 5, 5), 8, true, [1f / 64]);
        ValueId a = net.FakeMidRise("aq", Normalized(net, "stem", x, 4, 8, 1), 2, 0.25f);
        ValueId conv = net.Conv("sum", a, Sum(net, 5, 4, 3, 3), net.Constant("bias", [5], 0.5f, -0.25f, 0, 1, 2), pad: 1);
        ValueId b = net.FakeMidRise("bq", net.Norm("norm", conv, [1, -1, 0.5f, 2, 1], [0, 1, 0.5f, -1, 0]), 1, 0.5f);
        ValueId flat = net.Add(new Reshape { Inputs = [b], Target = [0, -1] }, "flat");
        LoweredGraph lowered = LowerToInteger.Run(net.Build(net.Dense("dense", flat, Sum(net, 3, 125))), Harness.Evaluate);
        Check.Sequence(lowered.Layers.Select(l => l.IsInteger).ToArray(), true, true, true);
        Assert.AreEqual(3, lowered.Layers[1].WeightBits);
        Assert.AreEqual(2, lowered.Graph.Nodes.OfType<CombineAccumulators>().Count());
        Equal(net.Builder.Build(), 3, 5, 5);
    }

    [TestMethod]
    public void Inputs_on_a_basis_become_one_layer_a_pair_of_planes()
    {
        foreach (float[] levels in new[] { [0f, 0.25f, 1.5f, 1.75f], new[] { -1.25f, -0.75f, 0.75f, 1.25f } })
        {
            // 1.75 and 1.5 are multiples of 0.25; a basis of 1/1024 and 1 has no step within 8 bits.
            float[] far = [.. levels.Select((l, i) => l + ((i % 2 * 2) - (levels[0] < 0 ? 1 : 0)) / 2048f)];
            var net = new Net();
            ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3, 5, 5), 8, true, [1f / 64]);
            ValueId a = net.Staircase("aq", Normalized(net, "stem", x, 4, 8, 1), [-0.5f, 0.25f, 1], far);
            Graph integer = Equal(net.Build(net.Conv("sum", a, Sum(net, 5, 4, 3, 3), pad: 1)), 3, 5, 5);
            Assert.AreEqual(4, integer.Nodes.OfType<CombineAccumulators>().Single().Inputs.Length);
        }
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(4)]
    public void Signs_meet_taps_that_lie_apart(int dilation)
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3, 9, 9), 8, true, [1f / 64]);
        ValueId a = Layer(net, "first", x, 40, 8, 1, 1);
        Window window = Net.Window(3, dilation) with { Dilations = [dilation, dilation] };
        ValueId w = net.FakeMidRise("wq", Weights(net, "w", 5, 40, 3, 3), 1, Scales(5));
        ValueId b = net.FakeMidRise("bq", net.Add(new Convolution { Inputs = [a, w], Window = window }, "apart"), 1, 0.5f);
        Graph integer = Equal(net.Build(Normalized(net, "last", b, 3, 1, 0)), 3, 9, 9);
        Assert.AreEqual(3, integer.Nodes.OfType<IntegerConvolution>().Count());
    }

    [TestMethod]
    public void Five_planes_of_weights_meet_five_of_inputs()
    {
        // Σ ±β over β = 1/2, 1/4 + 2^-11, 1/8, 3/4, 3/8 in this order: five steps without a common measure within 8 bits.
        float[] levels = [-2.00048828125f, -1.00048828125f, -0.49951171875f, -0.24951171875f, 1.25048828125f, 2.00048828125f];
        (LoweredGraph lowered, Graph fake) = Planes(levels, 5);
        Assert.AreEqual(25, lowered.Graph.Nodes.OfType<CombineAccumulators>().Single().Inputs.Length);
        Assert.IsTrue(lowered.Layers[1].IsInteger);
        Equal(fake, 3, 5, 5);
    }

    [TestMethod]
    public void Too_many_planes_stay_float_and_the_report_says_so()
    {
        (LoweredGraph lowered, _) = Planes([-1.25f - (3f / 2048), -0.75f, 0.75f, 1.25f + (3f / 2048)], 14);
        Assert.IsFalse(lowered.Layers[1].IsInteger);
        Assert.AreEqual("its 14 planes of weights and 2 of inputs are 28 pairs, above 25", lowered.Layers[1].Reason);
    }

    /// <summary>A layer of a staircase's levels and of a sum of planes of one bit.</summary>
    private (LoweredGraph Lowered, Graph Fake) Planes(float[] levels, int planes)
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3, 5, 5), 8, true, [1f / 64]);
        float[] thresholds = [.. Enumerable.Range(1, levels.Length - 1).Select(i => (i - (levels.Length / 2f)) / 2)];
        ValueId a = net.Staircase("aq", Normalized(net, "stem", x, 4, 8, 1), thresholds, levels);
        ValueId sum = net.FakeMidRise("w0.q", Weights(net, "w0", 5, 4, 3, 3), 1, Scales(5));
        for (int i = 1; i < planes; i++)
        {
            sum = net.Binary($"w{i}.sum", BinaryOperator.Add, sum, net.FakeMidRise($"w{i}.q", Weights(net, $"w{i}", 5, 4, 3, 3), 1, Scales(5)));
        }

        Graph fake = net.Build(net.Conv("sum", a, sum, pad: 1));
        return (LowerToInteger.Run(fake, Harness.Evaluate), fake);
    }

    [TestMethod]
    [DataRow(1, new float[] { 3, -3, -3, 1, 7, -3, -1, 1, 3 })]
    [DataRow(-1, new float[] { 5, -1, -1, -1, 7, -1, -7, -1, 5 })]
    [DataRow(0, new float[] { 4, -2, -2, 0, 7, -2, -4, 0, 4 })]
    public void Signs_in_padding_count_as_what_they_are(int value, float[] expected)
    {
        float[] image = [1, -1, 1, 1, 1, -1, -1, 1, 1];
        float[] kernel = [1, -1, -1, 1, 1, -1, -1, 1, 1];
        foreach (int channels in new[] { 1, 40 })
        {
            var net = new Net();
            ValueId x = net.FakeMidRise("xq", net.Input("x", Shape.Free, channels, 3, 3), 1, 1);
            ValueId w = net.FakeMidRise("wq", net.Constant("w", [1, channels, 3, 3], [.. Enumerable.Range(0, channels).SelectMany(_ => kernel)]), 1, 1);
            ValueId source = value == 0 ? x : net.Add(new Pad { Inputs = [x], Before = [0, 0, 1, 1], After = [0, 0, 1, 1], Value = value }, "padded");
            Graph fake = net.Build(net.Conv("conv", source, w, pad: value == 0 ? 1 : 0));
            Graph integer = LowerToInteger.Run(fake, Harness.Evaluate).Graph;
            Tensor[] Rows(int batch) => [Tensor.Create(Shape.Of(batch, channels, 3, 3), [.. Enumerable.Range(0, batch * channels).SelectMany(_ => image)])];
            CollectionAssert.AreEqual(expected.Select(e => e * channels).ToArray(), Harness.Run(integer, Rows(1)));
            Assert.AreEqual(value == 0 ? 0 : 1, integer.Nodes.OfType<Pad>().Count(p => integer[p.Output].Type.Quantization is { IsMidRise: true }));
            EngineAssert.EqualsInterpreter(integer, Rows);
        }
    }

    [TestMethod]
    public void Layers_on_planes_pad_with_signs_without_a_step_of_their_own()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 3, 6, 6), 8, true, [1f / 64]);
        ValueId a = Layer(net, "first", x, 64, 8, 1, 1);
        ValueId padded = net.Add(new Pad { Inputs = [net.Pool("pool", a, 2)], Before = [0, 0, 2, 1], After = [0, 0, 1, 0], Value = 0.5f }, "padded");
        Graph integer = Equal(net.Build(Normalized(net, "second", padded, 8, 1, 0)), 3, 6, 6);
        using var model = QuantizedModel.FromDocument(new ModelDocument(integer, ModelSignature.Of(integer), new ModelMetadata()));
        string[] operations = [.. model.Explain().Steps.Select(s => s.Operation)];
        Assert.AreEqual(0, operations.Count(o => o is "Pad" or "FromPlanes"), string.Join(", ", operations));
        Assert.AreEqual(1, operations.Count(o => o is "ToPlanes"), "of the signs that the first layer makes in bytes");
    }

    [TestMethod]
    public void Few_levels_of_any_spacing_are_a_bit_a_step_and_their_indices_are_pooled()
    {
        // Numbers of 2^-11 have no common step within 8 bits; symmetric ends, a lowest level of 0, and neither.
        (float[] Thresholds, float[] Levels, int Planes)[] cases =
        [
            ([-0.5f, 0.5f], [-1.5f, 0.00048828125f, 1.5f], 2),
            ([0.25f, 0.5f], [0, 1.00048828125f, 1.5f], 2),
            ([-0.5f, 0.25f, 1], [-1, 0.00048828125f, 0.5f, 2], 4),
            ([-0.5f, 0.25f, 1], [0.25f, 0.50048828125f, 1, 1.25048828125f], 3),
        ];
        foreach ((float[] thresholds, float[] levels, int planes) in cases)
        {
            var net = new Net();
            ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 2, 6, 6), 8, true, [1f / 64]);
            ValueId a = net.Pool("pool", net.Staircase("aq", Normalized(net, "conv", x, 5, 8, 1), thresholds, levels), 2);
            Graph integer = Equal(net.Build(Normalized(net, "last", a, 3, 1, 1)), 2, 6, 6);
            Assert.AreEqual(planes, integer.Nodes.OfType<CombineAccumulators>().Single().Inputs.Length);
            Assert.IsTrue(integer[integer.Nodes.OfType<MaxPool>().Single().Output].Type.IsCodes);
        }
    }

    [TestMethod]
    public void Levels_without_a_common_step_stay_float_and_are_right()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 2, 5, 5), 8, true, [1f / 64]);
        ValueId a = net.Staircase("aq", Normalized(net, "conv", x, 5, 8, 1), [-0.5f, 0.25f, 1, 2, 3, 4], [-1.2345f, 0.1f, 0.3333f, 2.7f, 3.14159f, 3.7f, 4]);
        LoweredGraph lowered = LowerToInteger.Run(net.Build(Normalized(net, "last", a, 3, 2, 1)), Harness.Evaluate);
        Assert.IsFalse(lowered.Layers[1].IsInteger);
        Assert.AreEqual(1, lowered.Graph.Nodes.OfType<Staircase>().Count());
        EngineAssert.EqualsInterpreter(lowered.Graph, n => [RandomTensors.Floats(Shape.Of(n, 2, 5, 5), 3)]);
    }

    private static float[] Scales(int count) => [.. Enumerable.Range(0, count).Select(i => 1f / (1 << (i % 4)))];

    /// <summary>The fake-quantized graph, the integer graph and the engine on every kernel set agree on every bit.</summary>
    private static Graph Equal(Graph fake, params int[] row)
    {
        Graph integer = LowerToInteger.Run(fake, Harness.Evaluate).Graph;
        Tensor[] Inputs(int batch) => [RandomTensors.Floats(Shape.Of([batch, .. row]), 11)];
        IReadOnlyList<Tensor> expected = Harness.Evaluate(fake, Inputs(3));
        EngineAssert.AreEqual(expected, Harness.Evaluate(integer, Inputs(3)), GraphPrinter.Print(integer));
        EngineAssert.EqualsInterpreter(integer, Inputs);
        return integer;
    }

    private static ValueId Stream(Net net, string name, ValueId x)
    {
        ValueId s = net.Constant(name + ".s", [1], 1f / 256);
        ValueId z = net.Builder.AddConstant(name + ".z", Tensor.Create(Shape.Of(1), new int[1]));
        return net.Add(new FakeQuantize { Code = new CodeType(new BitWidth(16), true), Range = IntegerRange.SignedNarrow(16), Inputs = [x, s, z] }, name);
    }

    /// <summary>Convolution, normalization, mid-rise codes.</summary>
    private ValueId Layer(Net net, string name, ValueId x, int outputs, int weightBits, int pad, int activationBits)
        => net.FakeMidRise(name + ".q", Normalized(net, name, x, outputs, weightBits, pad), activationBits, 0.5f);

    private ValueId Normalized(Net net, string name, ValueId x, int outputs, int weightBits, int pad)
    {
        int kernel = pad == 0 ? 2 : 3;
        ValueId w = Weights(net, name + ".w", outputs, net.Builder[x].Type.Shape[1], kernel, kernel);
        ValueId coded = weightBits <= 3 ? net.FakeMidRise(name + ".wq", w, weightBits, Scales(outputs)) : net.Fake(name + ".wq", w, weightBits, true, [.. Scales(outputs).Select(s => s / 16)]);
        float[] bias = [.. Enumerable.Range(0, outputs).Select(i => (i - 2) / 4f)];
        ValueId conv = net.Conv(name, x, coded, net.Constant(name + ".b", [outputs], bias), pad);
        float[] gamma = [.. Enumerable.Range(0, outputs).Select(i => i % 3 == 1 ? -0.5f : i % 5 == 4 ? 0 : 0.25f)];
        return net.Norm(name + ".n", conv, gamma, [.. bias.Reverse()], [.. bias.Select(b => -b / 2)]);
    }

    private ValueId Sum(Net net, params int[] shape)
    {
        ValueId first = net.FakeMidRise($"s{_seed}.one", Weights(net, $"s{_seed}.w", shape), 1, Scales(shape[0]));
        ValueId second = net.FakeMidRise($"s{_seed}.two", Weights(net, $"s{_seed}.v", shape), 2, 0.25f);
        return net.Binary($"s{_seed}.sum", BinaryOperator.Add, first, second);
    }

    private ValueId Weights(Net net, string name, params int[] shape) => net.Builder.AddConstant(name, RandomTensors.Floats(Shape.Of(shape), ++_seed));
}
