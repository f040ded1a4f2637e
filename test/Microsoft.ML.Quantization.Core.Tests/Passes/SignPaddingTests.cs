using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Layers of signs from the graph to the engine: with zeros in padding they give half of what +1 and −1 there give together, whatever the window.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class SignPaddingTests
{
    private const int Channels = 3;
    private const int Outputs = 2;
    private const int Size = 7;

    public static IEnumerable<object[]> Windows =>
        from kernel in Enumerable.Range(1, 5)
        from stride in new[] { 1, 2 }
        from dilation in new[] { 1, 2 }
        select new object[] { kernel, stride, dilation };

    [TestMethod]
    [DynamicData(nameof(Windows))]
    public void Zeros_in_padding_are_half_of_both_signs_there(int kernel, int stride, int dilation)
    {
        // As SAME pads: the odd one behind; where nothing is to be padded, one in front.
        int reach = (kernel - 1) * dilation;
        (int before, int after) = reach == 0 ? (1, 0) : (reach / 2, reach - (reach / 2));
        var window = new Window { Kernel = [kernel, kernel], Strides = [stride, stride], Dilations = [dilation, dilation], PadsBegin = [before, before], PadsEnd = [after, after] };
        float[][] sums = [.. new[] { -1, 0, 1 }.Select(value => Run(window, value))];
        CollectionAssert.AreEqual(sums[1], sums[0].Zip(sums[2], (minus, one) => (minus + one) / 2).ToArray());
        CollectionAssert.AreNotEqual(sums[0], sums[2], "no tap lies in padding");
    }

    /// <summary>The sums of the integer graph, which the fake-quantized graph and the engine on every set have too.</summary>
    private static float[] Run(Window window, int value)
    {
        var net = new Net();
        ValueId x = net.FakeMidRise("xq", net.Input("x", Shape.Free, Channels, Size, Size), 1, 1);
        ValueId w = net.FakeMidRise("wq", net.Builder.AddConstant("w", RandomTensors.Floats(Shape.Of(Outputs, Channels, window.Kernel[0], window.Kernel[0]), 5)), 1, 1);
        (int before, int after) = (window.PadsBegin[0], window.PadsEnd[0]);
        ValueId padded = value == 0 ? x : net.Add(new Pad { Inputs = [x], Before = [0, 0, before, before], After = [0, 0, after, after], Value = value }, "padded");
        Window own = value == 0 ? window : window with { PadsBegin = [0, 0], PadsEnd = [0, 0] };
        Graph fake = net.Build(net.Add(new Convolution { Inputs = [padded, w], Window = own }, "conv"));
        Graph integer = LowerToInteger.Run(fake, Harness.Evaluate).Graph;
        Assert.AreEqual(1, integer.Nodes.OfType<IntegerConvolution>().Count());
        Tensor[] Rows(int batch) => [RandomTensors.Floats(Shape.Of(batch, Channels, Size, Size), 9)];
        EngineAssert.EqualsInterpreter(integer, Rows);
        float[] sums = Harness.Run(integer, Rows(2));
        CollectionAssert.AreEqual(Harness.Run(fake, Rows(2)), sums);
        return sums;
    }
}
