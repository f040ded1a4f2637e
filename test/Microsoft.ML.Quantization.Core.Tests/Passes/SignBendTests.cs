using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>
/// A PReLU between a layer and a sign: with slopes from 0 it rises and becomes part of a threshold; a negative slope turns back what lies below 0, no threshold tells that, and the step stays float.
/// Either way the numbers are those of the float graph.
/// </summary>
[TestClass]
[TestCategory("Portable")]
public sealed class SignBendTests
{
    private const int Inputs = 24;

    [TestMethod]
    [DataRow(new float[] { 0.25f, 0.5f, 0, 0.125f }, true)]
    [DataRow(new float[] { 0.25f, 0.5f, -0.5f, 0.125f }, false)]
    [DataRow(new float[] { -0.25f, -1, -0.5f, -2 }, false)]
    [DataRow(new float[] { -0.5f }, false)]
    public void A_slope_below_zero_keeps_its_step_in_float_and_right(float[] slopes, bool isThreshold)
    {
        var net = new Net();
        ValueId x = net.FakeMidRise("xq", net.Input("x", Shape.Free, Inputs, 2, 2), 1, 1);
        ValueId conv = net.Conv("first", x, net.FakeMidRise("wq", net.Builder.AddConstant("w", RandomTensors.Floats(Shape.Of(4, Inputs, 1, 1), 2)), 1, 1));
        ValueId bent = net.Binary("prelu", BinaryOperator.PRelu, conv, net.Constant("slopes", [slopes.Length, 1, 1], slopes));

        // The sign turns at 2: sums from 2 on pass it, and with a negative slope those far below 0 as well.
        ValueId sign = net.FakeMidRise("sign", net.Norm("norm", bent, [1, 1, 1, 1], [-2, -2, -2, -2]), 1, 1);
        Graph fake = net.Build(net.Conv("last", sign, net.FakeMidRise("vq", net.Builder.AddConstant("v", RandomTensors.Floats(Shape.Of(3, 4, 2, 2), 3)), 1, 1)));
        Graph integer = LowerToInteger.Run(fake, Harness.Evaluate).Graph;
        Assert.AreEqual(isThreshold ? 0 : 1, integer.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.PRelu), GraphPrinter.Print(integer));
        Assert.AreEqual(2, integer.Nodes.OfType<IntegerConvolution>().Count());
        Tensor[] Rows(int batch) => [RandomTensors.Floats(Shape.Of(batch, Inputs, 2, 2), 4)];
        CollectionAssert.AreEqual(Harness.Run(fake, Rows(50)), Harness.Run(integer, Rows(50)));
        EngineAssert.EqualsInterpreter(integer, Rows);
    }
}
