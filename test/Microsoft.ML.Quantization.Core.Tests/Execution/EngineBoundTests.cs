using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Passes;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Law 8 at its edge: a layer whose bound is 2^31 − 1 runs exactly on every set, one step more is refused, and a layer too deep is cut into runs that are proved.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineBoundTests
{
    [TestMethod]
    [DataRow(1, 1, 0)]
    [DataRow(1, 2, 1)]
    [DataRow(2, 1, 0)]
    [DataRow(2, 2, 3)]
    [DataRow(8, 8, 255)]
    public void A_layer_at_the_bound_is_exact_and_one_step_more_is_refused(int weightBits, int activationBits, int zeroPoint)
    {
        foreach (bool dense in new[] { true, false })
        {
            Graph Layer(int more) => AtBound(dense, weightBits, activationBits, zeroPoint, more);
            Graph graph = Layer(0);
            Shape row = graph[graph.Inputs[0]].Type.Shape;
            foreach (float value in new[] { -1000f, 0, 1000 })
            {
                EngineAssert.EqualsInterpreter(graph, n => [Tensor.Create(row.Bind(n), [.. Enumerable.Repeat(value, row.Bind(n).Count)])]);
            }

            Graph beyond = Layer(1);
            QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Packer.Pack(beyond, ModelSignature.Of(beyond), KernelRegistry.Active));
            Assert.AreEqual(QuantizationErrorCode.AccumulatorNotProved, error.Code);
        }
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_layer_too_deep_for_one_accumulator_is_a_sum_of_layers_that_are_proved(bool signed)
    {
        const int Depth = 70_001;
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", 1, Depth), 8, signed, [1f]);
        ValueId w = net.Fake("wq", net.Constant("w", [2, Depth], [.. Enumerable.Range(0, 2 * Depth).Select(i => i < Depth ? 127f : -127f)]), 8, true, [1f]);
        ValueId b = net.Constant("b", [2], 3, -5);
        LoweredGraph lowered = LowerToInteger.Run(net.Build(net.Dense("deep", x, w, b)), Harness.Evaluate);
        LayerOutcome layer = lowered.Layers.Single();
        Assert.IsTrue(layer.IsInteger && layer.Bound <= int.MaxValue, layer.ToString());
        StringAssert.Contains(layer.Reason, "a sum of 2 integer layers");
        Assert.AreEqual(2, lowered.Graph.Nodes.Count(n => n is IntegerDense));
        EngineAssert.EqualsInterpreter(lowered.Graph, _ => [RandomTensors.Floats(Shape.Of(1, Depth), 5)]);
        float[] y = Harness.Run(lowered.Graph, [Tensor.Create(Shape.Of(1, Depth), [.. Enumerable.Repeat(255f, Depth)])]);
        double exact = (signed ? 127.0 : 255) * 127 * Depth;
        Assert.AreEqual(exact + 3, y[0], exact * 2e-7);
        Assert.AreEqual(-exact - 5, y[1], exact * 2e-7);
    }

    [TestMethod]
    public void A_deep_convolution_is_cut_along_its_channels()
    {
        const int Channels = 7_400;
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, Channels, 1, 2), 8, false, [1f], 100);
        ValueId w = net.Fake("wq", net.Constant("w", [1, Channels, 3, 3], [.. Enumerable.Repeat(127f, Channels * 9)]), 8, true, [1f]);
        LoweredGraph lowered = LowerToInteger.Run(net.Build(net.Conv("deep", x, w, pad: 1)), Harness.Evaluate);
        Assert.AreEqual(2, lowered.Graph.Nodes.Count(n => n is IntegerConvolution));
        EngineAssert.EqualsInterpreter(lowered.Graph, n => [RandomTensors.Floats(Shape.Of(n, Channels, 1, 2), 5)], KernelRegistry.Active, 2);
    }

    /// <summary>floats → codes → layer of the highest weights, whose bias brings the bound to 2^31 − 1 and further.</summary>
    private static Graph AtBound(bool dense, int weightBits, int activationBits, int zeroPoint, int more)
    {
        AffineQuantization input = activationBits == 1 ? HandmadeGraphs.MidRise(1, 1) : HandmadeGraphs.Activations(activationBits, 1, zeroPoint);
        AffineQuantization weights = weightBits == 1 ? HandmadeGraphs.MidRise(1, 1) : AffineQuantization.PerTensor(new CodeType(new BitWidth(weightBits), true), IntegerRange.Signed(weightBits), new AffineParameters(1, 0));
        Shape shape = dense ? Shape.Of(3, 70) : Shape.Of(3, 70, 3, 3);
        int high = weights.Range.Max, low = weights.Range.Min, row = shape.Count / 3;
        int Code(int i) => i < row ? high : i < 2 * row ? low : i % 2 == 0 ? high : low;
        Tensor codes = weights.Code.Signed
            ? Tensor.Create(shape, [.. Enumerable.Range(0, shape.Count).Select(i => (sbyte)Code(i))])
            : Tensor.Create(shape, [.. Enumerable.Range(0, shape.Count).Select(i => (byte)Code(i))]);
        int[] bias = new int[3];
        for (int c = 0; c < 3; c++)
        {
            Tensor own = weights.Code.Signed
                ? Tensor.Create(shape.With(0, 1), codes.Values<sbyte>().Slice(c * row, row).ToArray())
                : Tensor.Create(shape.With(0, 1), codes.Values<byte>().Slice(c * row, row).ToArray());
            bias[c] = (int)(int.MaxValue - AccumulatorBound.Of(own, weights, input, null).Worst) * (c == 1 ? -1 : 1);
        }

        bias[0] += more;
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(dense ? Shape.Of(Shape.Free, 70) : Shape.Of(Shape.Free, 70, 2, 3)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = input });
        ValueId w = builder.AddConstant("w", codes, weights);
        ValueId b = builder.AddConstant("b", Tensor.Create(Shape.Of(3), bias));
        builder.AddOutput(builder.Add(dense ? new IntegerDense { Inputs = [q, w, b] } : new IntegerConvolution { Inputs = [q, w, b], Window = HandmadeGraphs.Square(3, 1, 1) }));
        return builder.Build();
    }
}
