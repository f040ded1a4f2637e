using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Layers with weights of few bits and other inputs, from the graph to the engine, with the sums worked out by hand.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class FirstLayerTests
{
    [TestMethod]
    public void Eight_bits_by_signs()
    {
        // 200 − 3 − 17 + 90.
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 4), 8, false, [1]);
        AssertSum(net, x, net.FakeMidRise("wq", net.Constant("w", [1, 4], 1, -1, -1, 1), 1, 1), [200, 3, 17, 90], 270);
    }

    [TestMethod]
    public void Two_bits_by_two_bits_of_dorefa()
    {
        // Codes 3, 0, 2, 1, 3, 1 of thirds from 0 to 1, and 1, 3, 0, 2, 3, 2 of thirds from −1 to 1: (2·16/3 − 10)/3.
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", Shape.Free, 6), 2, false, [1f / 3]);
        ValueId w = net.FakeMidRise("wq", net.Constant("w", [1, 6], -1f / 3, 1, -1, 1f / 3, 1, 1f / 3), 2, 1f / 3);
        AssertSum(net, x, w, [1, 0, 2f / 3, 1f / 3, 1, 1f / 3], 2f / 9);
    }

    [TestMethod]
    public void Ternary_by_signs()
    {
        var net = new Net();
        ValueId x = net.Staircase("xq", net.Input("x", Shape.Free, 8), [-0.5f, 0.5f], [-1, 0, 1]);
        AssertSum(net, x, net.FakeMidRise("wq", net.Constant("w", [1, 8], 1, 1, -1, 1, -1, 1, 1, 1), 1, 1), [1, 0, -1, 1, 0, 0, -1, 1], 3);
    }

    [TestMethod]
    public void Ternary_by_ternary()
    {
        var net = new Net();
        ValueId x = net.Staircase("xq", net.Input("x", Shape.Free, 8), [-0.5f, 0.5f], [-1, 0, 1]);
        AssertSum(net, x, net.Fake("wq", net.Constant("w", [1, 8], 1, -1, -1, 0, 0, 1, 1, 1), 2, true, [1]), [1, 0, -1, 1, 0, 0, -1, 1], 2);
    }

    /// <summary>One integer layer, the same sum by the interpreter and by the engine on every kernel set.</summary>
    private static void AssertSum(Net net, ValueId x, ValueId w, float[] row, float expected)
    {
        Graph integer = LowerToInteger.Run(net.Build(net.Dense("dense", x, w)), Harness.Evaluate).Graph;
        Assert.AreEqual(1, integer.Nodes.OfType<IntegerDense>().Count());
        Tensor[] Rows(int batch) => [Tensor.Create(Shape.Of(batch, row.Length), [.. Enumerable.Repeat(row, batch).SelectMany(r => r)])];
        Assert.AreEqual(expected, Harness.Run(integer, Rows(1))[0], 1e-7f);
        EngineAssert.EqualsInterpreter(integer, Rows);
    }
}
