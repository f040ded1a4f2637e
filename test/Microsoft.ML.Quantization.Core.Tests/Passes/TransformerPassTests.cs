using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>The passes and the plan for transformer blocks.</summary>
[TestClass]
public sealed class TransformerPassTests
{
    private const float Tolerance = 1e-5f;

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    public void FuseGelu_reads_every_order_of_the_factors(int order)
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 8);
        ValueId half = net.Constant("half", [], 0.5f);
        ValueId curve = order == 3 ? Tanh(net, x) : Erf(net, x, order);
        ValueId factor = net.Binary("plus", BinaryOperator.Add, curve, net.Constant("one", [1], 1));
        ValueId y = order switch
        {
            0 => net.Binary("y", BinaryOperator.Multiply, net.Binary("m", BinaryOperator.Multiply, x, factor), half),
            1 => net.Binary("y", BinaryOperator.Multiply, x, net.Binary("m", BinaryOperator.Multiply, half, factor)),
            _ => net.Binary("y", BinaryOperator.Multiply, net.Binary("m", BinaryOperator.Multiply, half, x), factor),
        };
        Graph before = net.Build(y);
        Graph after = FuseGelu.Run(before);
        Assert.AreEqual(order == 3 ? UnaryOperator.GeluTanh : UnaryOperator.Gelu, ((Unary)after.Nodes.Single()).Operator);
        AssertClose(before, after);
    }

    [TestMethod]
    public void FuseGelu_leaves_other_numbers_and_another_argument_alone()
    {
        foreach ((float number, bool same) in new[] { (0.25f, true), (0.5f, false) })
        {
            var net = new Net();
            ValueId x = net.Input("x", 2, 8);
            ValueId other = same ? x : net.Unary("other", UnaryOperator.Negate, x);
            ValueId factor = net.Binary("plus", BinaryOperator.Add, Erf(net, other, 0), net.Constant("one", [1], 1));
            ValueId y = net.Binary("y", BinaryOperator.Multiply, net.Binary("m", BinaryOperator.Multiply, x, factor), net.Constant("half", [], number));
            Graph before = net.Build(y);
            Assert.AreSame(before, FuseGelu.Run(before));
        }
    }

    [TestMethod]
    [DataRow(true, true)]
    [DataRow(false, true)]
    [DataRow(true, false)]
    public void FuseLayerNormalization_reads_the_written_formula(bool power, bool shift)
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 3, 6);
        ValueId unit = Normal(net, x, power);
        ValueId y = net.Binary("scaled", BinaryOperator.Multiply, unit, net.Constant("gamma", [6], 1, 2, 3, -1, 0.5f, 0.25f));
        y = shift ? net.Binary("shifted", BinaryOperator.Add, y, net.Constant("beta", [1, 6], 0, 1, 2, 3, 4, 5)) : y;
        Graph before = net.Build(y);
        Graph after = FuseLayerNormalization.Run(before);
        var normal = (LayerNormalization)after.Nodes.Single();
        Assert.AreEqual((2, 0.125f, shift ? 3 : 2), (normal.Axis, normal.Epsilon, normal.Inputs.Length));
        AssertClose(before, after);
    }

    [TestMethod]
    public void FuseLayerNormalization_leaves_a_scale_of_another_axis_alone()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 3, 6);
        Graph before = net.Build(net.Binary("scaled", BinaryOperator.Multiply, Normal(net, x, true), net.Constant("gamma", [3, 1], 1, 2, 3)));
        Assert.AreSame(before, FuseLayerNormalization.Run(before));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Products_of_two_values_run_on_codes_and_the_right_ones_are_symmetric(bool signed)
    {
        Graph graph = Attention();
        Tensor[] inputs = [RandomTensors.Floats(Shape.Of(2, 4, 8), 3)];
        QuantizationScheme scheme = QuantizationScheme.EightBits with { SignedActivations = signed };
        Graph integer = Harness.Lower(graph, scheme, inputs).Graph;
        IntegerMatMul[] products = [.. integer.Nodes.OfType<IntegerMatMul>()];
        Assert.AreEqual(2, products.Length);
        foreach (IntegerMatMul product in products)
        {
            AffineQuantization right = integer[product.Inputs[1]].Type.Quantization!;
            Assert.AreEqual(signed ? 0 : 127, right.Single.ZeroPoint);
            Assert.AreEqual(127, right.Range.Max - right.Single.ZeroPoint);
        }

        float[] expected = Harness.Run(graph, inputs);
        float[] found = Harness.Run(integer, inputs);
        double distance = Math.Sqrt(expected.Zip(found, (a, b) => Math.Pow(a - b, 2)).Sum() / expected.Sum(v => Math.Pow(v, 2)));
        Assert.IsTrue(distance < 0.05, $"relative distance {distance}");
    }

    [TestMethod]
    public void Products_kept_float_by_name_and_weights_in_groups_leave_products_float()
    {
        Tensor[] inputs = [RandomTensors.Floats(Shape.Of(2, 4, 8), 3)];
        Graph kept = Harness.Lower(Attention(), QuantizationScheme.EightBits with { KeepFloat = ["scores"] }, inputs).Graph;
        Assert.AreEqual((1, 1), (kept.Nodes.Count(n => n is MatMul), kept.Nodes.Count(n => n is IntegerMatMul)));
        QuantizationPlan grouped = QuantizationPlan.Create(Harness.Clean(Attention()), QuantizationScheme.EightBits with { WeightGranularity = Granularity.PerGroup, WeightGroupSize = 4 });
        Assert.AreEqual(0, grouped.Sites.Length);
    }

    private static Graph Attention()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 4, 8);
        ValueId Weights(string name, ulong seed) => net.Builder.AddConstant(name, RandomTensors.Floats(Shape.Of(8, 8), seed));
        ValueId q = net.Dense("q", x, Weights("wq", 1));
        ValueId k = net.Add(new Transpose { Permutation = [0, 2, 1], Inputs = [net.Dense("k", x, Weights("wk", 2))] }, "kt");
        ValueId v = net.Dense("v", x, Weights("wv", 5));
        ValueId scores = net.Add(new MatMul { Inputs = [q, k] }, "scores");
        ValueId scaled = net.Binary("scaled", BinaryOperator.Divide, scores, net.Constant("root", [], 2.828427f));
        ValueId weights = net.Add(new Softmax { Axis = -1, Inputs = [scaled] }, "weights");
        return net.Build(net.Dense("out", net.Add(new MatMul { Inputs = [weights, v] }, "mixed"), Weights("wo", 7)));
    }

    private static ValueId Erf(Net net, ValueId x, int order)
    {
        ValueId scaled = order == 1
            ? net.Binary("scaled", BinaryOperator.Multiply, net.Constant("inverse", [], 0.70710678f), x)
            : net.Binary("scaled", BinaryOperator.Divide, x, net.Constant("root", [], 1.41421356f));
        return net.Unary("erf", UnaryOperator.Erf, scaled);
    }

    private static ValueId Tanh(Net net, ValueId x)
    {
        ValueId cube = net.Binary("cube", BinaryOperator.Power, x, net.Constant("three", [], 3));
        ValueId sum = net.Binary("sum", BinaryOperator.Add, x, net.Binary("small", BinaryOperator.Multiply, net.Constant("c", [], 0.044715f), cube));
        return net.Unary("tanh", UnaryOperator.Tanh, net.Binary("scaled", BinaryOperator.Multiply, sum, net.Constant("k", [], 0.79788456f)));
    }

    private static ValueId Normal(Net net, ValueId x, bool power)
    {
        ValueId Mean(string name, ValueId of) => net.Add(new Reduce { Operator = ReduceOperator.Mean, Axes = [2], Inputs = [of] }, name);
        ValueId d = net.Binary("d", BinaryOperator.Subtract, x, Mean("mean", x));
        ValueId square = power ? net.Binary("square", BinaryOperator.Power, d, net.Constant("two", [], 2)) : net.Binary("square", BinaryOperator.Multiply, d, d);
        ValueId root = net.Unary("root", UnaryOperator.Sqrt, net.Binary("eps", BinaryOperator.Add, Mean("variance", square), net.Constant("e", [], 0.125f)));
        return power
            ? net.Binary("unit", BinaryOperator.Divide, d, root)
            : net.Binary("unit", BinaryOperator.Multiply, net.Unary("inverse", UnaryOperator.Reciprocal, root), d);
    }

    private static void AssertClose(Graph before, Graph after)
    {
        Tensor[] inputs = [RandomTensors.Floats(before[before.Inputs[0]].Type.Shape.Bind(2), 11)];
        float[] expected = Harness.Run(before, inputs);
        float[] found = Harness.Run(after, inputs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], Tolerance * Math.Max(1, MathF.Abs(expected[i])));
        }
    }
}
