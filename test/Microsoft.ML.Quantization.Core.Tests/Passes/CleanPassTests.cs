using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Each pass: text before and after, and equal outputs.</summary>
[TestClass]
public sealed class CleanPassTests
{
    [TestMethod]
    public void FoldBatchNormalization_writes_the_folded_weights_by_the_formula()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 1, 1, 1);
        ValueId c = net.Conv("conv", x, net.Constant("w", [2, 1, 1, 1], 2, -3), net.Constant("b", [2], 0.5f, 1));
        ValueId n = net.Add(new BatchNormalization { Epsilon = 0.25f, Inputs = [c, net.Constant("gamma", [2], 3, 4), net.Constant("beta", [2], 1, -1), net.Constant("mean", [2], 0.5f, 2), net.Constant("variance", [2], 2, 3.75f)] }, "norm");
        Graph before = net.Build(n);
        Graph after = FoldBatchNormalization.Run(before);

        Assert.AreEqual(
            """
            input x: Float32[N,1,1,1]
            norm: Float32[N,2,1,1] = Convolution(x, const w Float32[2,1,1,1], const b Float32[2]) kernel=[1,1] strides=[1,1] dilations=[1,1] padsBegin=[0,0] padsEnd=[0,0] groups=1 low=-Infinity high=Infinity
            output norm

            """,
            GraphPrinter.Print(after));

        // γ/√(σ²+ε) is 3/1.5 = 2 and 4/2 = 2: w' = 4, −6; b' = (0.5 − 0.5)·2 + 1 = 1 and (1 − 2)·2 − 1 = −3.
        Check.Sequence(Constant(after, "w"), 4, -6);
        Check.Sequence(Constant(after, "b"), 1, -3);
        Assert.AreEqual("conv", after.Nodes.Single().Name);
    }

    [TestMethod]
    public void FoldBatchNormalization_takes_products_sums_and_differences_of_constants_behind_layers()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 2);
        ValueId d = net.Dense("dense", x, net.Constant("w", [2, 2], 1, 2, 3, 4));
        ValueId m = net.Binary("mul", BinaryOperator.Multiply, d, net.Constant("k", [2], 2, 10));
        ValueId s = net.Binary("sub", BinaryOperator.Subtract, net.Constant("one", [], 1), m);
        ValueId v = net.Binary("div", BinaryOperator.Divide, s, net.Constant("half", [1], 0.5f));
        Graph before = net.Build(v);
        Graph after = FoldBatchNormalization.Run(before);

        Assert.AreEqual(1, after.Nodes.Length);
        Check.Sequence(Constant(after, "w"), -4, -8, -60, -80);
        Check.Sequence(Constant(after, "dense.bias"), 2, 2);
        AssertClose(before, after);
    }

    [TestMethod]
    public void FoldBatchNormalization_scales_the_output_channels_of_a_grouped_transposed_convolution()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 4, 3, 3);
        ValueId w = net.Builder.AddConstant("w", RandomTensors.Floats(Shape.Of(4, 3, 2, 2), 3));
        ValueId c = net.Add(new ConvolutionTranspose { Window = Net.Window(2, 0), OutputPadding = [0, 0], Groups = 2, Inputs = [x, w] }, "up");
        ValueId m = net.Binary("mul", BinaryOperator.Multiply, c, net.Constant("k", [6, 1, 1], 1, 2, 3, -4, 5, 6));
        Graph before = net.Build(m);
        Graph after = FoldBatchNormalization.Run(before);
        Assert.AreEqual(1, after.Nodes.Length);
        AssertClose(before, after);
    }

    [TestMethod]
    public void FoldBatchNormalization_leaves_a_layer_alone_that_something_else_reads()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 1, 1, 1);
        ValueId c = net.Conv("conv", x, net.Constant("w", [1, 1, 1, 1], 2));
        ValueId m = net.Binary("mul", BinaryOperator.Multiply, c, net.Constant("k", [], 3));
        Graph both = net.Build(c, m);
        Assert.AreSame(both, FoldBatchNormalization.Run(both));
    }

    [TestMethod]
    public void FuseActivation_melts_clamps_into_their_only_producer_and_composes_them()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 1, 1, 1);
        ValueId c = net.Conv("conv", x, net.Constant("w", [1, 1, 1, 1], 2));
        ValueId r = net.Relu("relu", c);
        ValueId six = net.Unary("six", UnaryOperator.Clip, r, -1, 6);
        ValueId sum = net.Binary("sum", BinaryOperator.Add, six, x);
        ValueId last = net.Relu("last", sum);
        Graph before = net.Build(last);
        Graph after = FuseActivation.Run(before);
        Assert.AreEqual(
            """
            input x: Float32[N,1,1,1]
            six: Float32[N,1,1,1] = Convolution(x, const w Float32[1,1,1,1]) kernel=[1,1] strides=[1,1] dilations=[1,1] padsBegin=[0,0] padsEnd=[0,0] groups=1 low=0 high=6
            last: Float32[N,1,1,1] = Binary(six, x) operator=1 low=0 high=Infinity
            output last

            """,
            GraphPrinter.Print(after));
        AssertEqual(before, after);
    }

    [TestMethod]
    public void FuseActivation_leaves_a_clamp_alone_whose_producer_has_other_readers()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 1, 1, 1);
        ValueId c = net.Conv("conv", x, net.Constant("w", [1, 1, 1, 1], 2));
        ValueId r = net.Relu("relu", c);
        Graph both = net.Build(r, net.Binary("sum", BinaryOperator.Add, r, c));
        Assert.AreSame(both, FuseActivation.Run(both));
    }

    [TestMethod]
    public void FuseBias_makes_a_dense_layer_of_a_product_and_a_sum_and_keeps_every_bit()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 3);
        ValueId p = net.Add(new MatMul { Inputs = [x, net.Constant("w", [3, 2], 1.1f, 2.3f, 3.7f, 4.9f, 5.3f, 6.1f)] }, "product");
        ValueId s = net.Binary("sum", BinaryOperator.Add, net.Constant("b", [2], 0.7f, -0.9f), p, Activation.Relu);
        Graph before = net.Build(s);
        Graph after = FuseBias.Run(before);
        Assert.AreEqual(
            """
            input x: Float32[N,3]
            sum: Float32[N,2] = Dense(x, const w Float32[2,3], const b Float32[2]) low=0 high=Infinity
            output sum

            """,
            GraphPrinter.Print(after));
        Check.Sequence(Constant(after, "w"), 1.1f, 3.7f, 5.3f, 2.3f, 4.9f, 6.1f);
        AssertEqual(before, after);
    }

    [TestMethod]
    public void FuseBias_turns_the_quantizer_of_a_matrix_with_it()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 2);
        ValueId w = net.Fake("wq", net.Constant("w", [2, 3], 1, 2.3f, 3.2f, 4, 5, 6.1f), 8, true, [0.5f, 0.25f]);
        Graph rows = net.Build(net.Add(new MatMul { Inputs = [x, w] }, "y"));
        Assert.AreEqual(nameof(MatMul), FuseBias.Run(rows).Nodes[^1].Kind, "one scale a row of the matrix has no form");

        net = new Net();
        x = net.Input("x", Shape.Free, 2);
        w = net.Fake("wq", net.Constant("w", [2, 3], 1, 2.3f, 3.2f, 4, 5, 6.1f), 8, true, [0.5f]);
        Graph before = net.Build(net.Add(new MatMul { Inputs = [x, w] }, "y"));
        Graph after = RemoveDead.Run(FuseBias.Run(before));
        Check.Sequence(after.Nodes.Select(n => n.Kind).ToArray(), nameof(FakeQuantize), nameof(Dense));
        AssertEqual(before, after);
    }

    [TestMethod]
    public void FoldConstants_evaluates_what_depends_on_constants_only_but_no_quantizer()
    {
        var net = new Net();
        ValueId x = net.Input("x", 2);
        ValueId a = net.Binary("a", BinaryOperator.Multiply, net.Constant("two", [1], 2), net.Constant("v", [2], 3, 4));
        ValueId b = net.Unary("b", UnaryOperator.Negate, a);
        ValueId q = net.Fake("q", net.Constant("c", [2], 1, 2), 8, true, [0.5f]);
        ValueId y = net.Binary("y", BinaryOperator.Add, x, b);
        Graph before = net.Build(net.Binary("z", BinaryOperator.Add, y, q));
        Graph after = FoldConstants.Run(before, Harness.Evaluate);
        Check.Sequence(after.Nodes.Select(n => n.Name).ToArray(), "q", "y", "z");
        Check.Sequence(Constant(after, "b"), -6, -8);
        AssertEqual(before, after);
    }

    [TestMethod]
    public void RemoveDead_removes_nodes_and_constants_that_no_output_needs()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 2);
        ValueId y = net.Relu("y", x);
        net.Binary("dead", BinaryOperator.Add, y, net.Constant("unread", [2], 1, 2));
        Graph after = RemoveDead.Run(net.Build(y));
        Assert.AreEqual("y", after.Nodes.Single().Name);
        Assert.IsFalse(after.TryFind("unread", out _));
    }

    [TestMethod]
    public void RemoveIdentities_keeps_names_of_outputs_and_ties_to_inputs()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 2, 3);
        ValueId r = net.Add(new Reshape { Target = [0, 2, 3], Inputs = [x] }, "r");
        ValueId y = net.Relu("relu", r);
        ValueId t = net.Add(new Transpose { Permutation = [0, 1, 2], Inputs = [y] }, "y");
        ValueId tie = net.Add(new Pad { Before = [0, 0, 0], After = [0, 0, 0], Inputs = [x] }, "tie");
        Graph before = net.Build(t, tie);
        Graph after = RemoveIdentities.Run(before);
        Assert.AreEqual(
            """
            input x: Float32[N,2,3]
            y: Float32[N,2,3] = Unary(x) operator=1 alpha=0 beta=Infinity
            tie: Float32[N,2,3] = Pad(x) mode=1 before=[0,0,0] after=[0,0,0] value=0
            output y, tie

            """,
            GraphPrinter.Print(after));
        AssertEqual(before, after);
    }

    [TestMethod]
    public void FusePadding_moves_zeros_into_a_convolution()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 1, 3, 3);
        ValueId p = net.Add(new Pad { Before = [0, 0, 1, 0], After = [0, 0, 2, 1], Inputs = [x] }, "pad");
        Graph before = net.Build(net.Conv("y", p, net.Constant("w", [1, 1, 2, 2], 1, 2, 3, 4), pad: 1));
        Graph after = FusePadding.Run(before);
        StringAssert.Contains(GraphPrinter.Print(after), "y: Float32[N,1,7,5] = Convolution(x, const w Float32[1,1,2,2]) kernel=[2,2] strides=[1,1] dilations=[1,1] padsBegin=[2,1] padsEnd=[3,2]");
        AssertEqual(before, after);
    }

    [TestMethod]
    public void FuseSwish_and_means_give_the_named_functions()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 2, 3, 3);
        ValueId s = net.Binary("swish", BinaryOperator.Multiply, x, net.Unary("sigmoid", UnaryOperator.Sigmoid, x));
        ValueId h = net.Binary("hard", BinaryOperator.Multiply, net.Unary("gate", UnaryOperator.HardSigmoid, s, 1f / 6, 0.5f), s);
        ValueId m = net.Add(new Reduce { Operator = ReduceOperator.Mean, Axes = [2, 3], KeepDimensions = false, Inputs = [h] }, "mean");
        Graph before = net.Build(m);
        Graph after = CanonicalizeMeans.Run(FuseSwish.Run(before));
        Assert.AreEqual(
            """
            input x: Float32[N,2,3,3]
            swish: Float32[N,2,3,3] = Unary(x) operator=27 alpha=1 beta=0
            hard: Float32[N,2,3,3] = Unary(swish) operator=9 alpha=0 beta=0
            mean.mean: Float32[N,2,1,1] = GlobalAveragePool(hard)
            mean: Float32[N,2] = Reshape(mean.mean) target=[0,2]
            output mean

            """,
            GraphPrinter.Print(after));
        AssertClose(before, after);
    }

    [TestMethod]
    public void NormalizeQdq_keeps_the_exact_parameters_and_codes()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 2);
        ValueId q = net.Add(new Quantize { Result = Net.Codes(8, false, 0.1f, 7), Inputs = [x] }, "q");
        ValueId d = net.Add(new Dequantize { Inputs = [q] }, "d");
        ValueId w = net.Builder.AddConstant("w", Tensor.Create(Shape.Of(1, 2), [(sbyte)-128, (sbyte)127]), Net.Codes(8, true, 0.3f, 0));
        ValueId y = net.Dense("y", d, net.Add(new Dequantize { Inputs = [w] }, "wd"));
        Graph before = net.Build(y);
        Graph after = NormalizeQdq.Run(before);
        Assert.AreEqual(
            """
            input x: Float32[N,2]
            d: Float32[N,2] = FakeQuantize(x, const d.scale Float32[1], const d.zero Int32[1]) code=[8,0,0,255] groups=[0,0,0]
            wd: Float32[1,2] = FakeQuantize(const w Float32[1,2], const wd.scale Float32[1], const wd.zero Int32[1]) code=[8,1,-128,127] groups=[0,0,0]
            y: Float32[N,1] = Dense(d, wd)
            output y

            """.Replace("Dense(d, wd)", "Dense(d, wd) low=-Infinity high=Infinity", StringComparison.Ordinal),
            GraphPrinter.Print(after));
        Check.Sequence(Constant(after, "d.scale"), 0.1f);
        AssertEqual(before, after);
        Graph lowered = LowerToInteger.Run(after, Harness.Evaluate).Graph;
        Value codes = lowered.Values.Single(v => v.Constant is { Type: ElementType.Int8 });
        Check.Sequence<sbyte>(codes.Constant!.Values<sbyte>().ToArray(), -128, 127);
    }

    [TestMethod]
    [DynamicData(nameof(GraphCases.Rows), typeof(GraphCases))]
    public void All_clean_passes_together_keep_the_function(string name)
    {
        Graph graph = GraphCases.Create(name);
        AssertClose(graph, Harness.Clean(graph));
    }

    private static float[] Constant(Graph graph, string name)
    {
        Assert.IsTrue(graph.TryFind(name, out ValueId id), name);
        return graph.ConstantOf(id).Values<float>().ToArray();
    }

    private static void AssertEqual(Graph before, Graph after)
    {
        Tensor[] inputs = GraphCases.Inputs(before, 3);
        for (int i = 0; i < before.Outputs.Length; i++)
        {
            CollectionAssert.AreEqual(Harness.Evaluate(before, inputs)[i].Bytes.ToArray(), Harness.Evaluate(after, inputs)[i].Bytes.ToArray());
        }
    }

    private static void AssertClose(Graph before, Graph after)
    {
        Tensor[] inputs = GraphCases.Inputs(before, 3);
        float[] expected = Harness.Run(before, inputs);
        float[] found = Harness.Run(after, inputs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], 1e-5f * Math.Max(1, Math.Abs(expected[i])), $"output {i}");
        }
    }
}
