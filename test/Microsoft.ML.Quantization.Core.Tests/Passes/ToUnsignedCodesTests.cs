using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>The unsigned form of a signed graph: same bytes out, no signed activation left.</summary>
[TestClass]
public sealed class ToUnsignedCodesTests
{
    [TestMethod]
    [DynamicData(nameof(GraphCases.Rows), typeof(GraphCases))]
    public void A_signed_network_gives_the_same_bytes_in_unsigned_codes(string name)
    {
        Graph graph = GraphCases.Create(name);
        Tensor[] inputs = GraphCases.Inputs(graph, 3);
        foreach (int bits in new[] { 2, 4, 8 })
        {
            var scheme = new QuantizationScheme { WeightBits = bits, ActivationBits = bits, SignedActivations = true, SymmetricActivations = bits == 4 };
            Graph signed = Harness.Lower(graph, scheme, inputs).Graph;
            Graph unsigned = ToUnsignedCodes.Run(signed);
            Assert.IsFalse(unsigned.Values.Any(v => v.Constant is null && v.Type.Element == ElementType.Int8), GraphPrinter.Print(unsigned));
            CollectionAssert.AreEqual(Harness.Evaluate(signed, inputs)[0].Bytes.ToArray(), Harness.Evaluate(unsigned, inputs)[0].Bytes.ToArray());
        }
    }

    [TestMethod]
    public void Padding_tables_constants_and_outputs_move_by_half_the_range()
    {
        var net = new Net();
        ValueId x = net.Add(new Quantize { Result = Net.Codes(4, true, 0.5f, 1), Inputs = [net.Input("x", Shape.Free, 2)] }, "q");
        ValueId p = net.Add(new Pad { Before = [0, 1], After = [0, 0], Value = -3, Inputs = [x] }, "pad");
        ValueId t = net.Add(new LookupTable { Table = [.. Enumerable.Range(-8, 16).Select(i => unchecked((byte)(sbyte)(i * 10)))], Result = Net.Codes(8, true, 1, -2), Inputs = [p] }, "table");
        ValueId c = net.Builder.AddConstant("c", Tensor.Create(Shape.Of(1, 3), [(sbyte)1, (sbyte)-2, (sbyte)3]), Net.Codes(8, true, 1, 0));
        ValueId s = net.Add(new IntegerAdd { LeftMultiplier = 0.5f, RightMultiplier = 1, Minimum = -100, Maximum = 100, Result = Net.Codes(8, true, 2, 5), Inputs = [t, c] }, "sum");
        Graph signed = net.Build(s);
        Graph unsigned = ToUnsignedCodes.Run(signed);

        Assert.AreEqual(5f, unsigned.Nodes.OfType<Pad>().Single().Value);
        Check.Sequence(unsigned.Nodes.OfType<LookupTable>().Single().Table.Select(b => (int)b).ToArray(), 48, 58, 68, 78, 88, 98, 108, 118, 128, 138, 148, 158, 168, 178, 188, 198);
        IntegerAdd sum = unsigned.Nodes.OfType<IntegerAdd>().Single();
        Assert.AreEqual((28, 228, 133), (sum.Minimum, sum.Maximum, sum.Result.Single.ZeroPoint));
        Assert.AreEqual("sum", unsigned[unsigned.Outputs[0]].Name);
        Assert.AreEqual(signed[signed.Outputs[0]].Type, unsigned[unsigned.Outputs[0]].Type);
        Tensor[] inputs = GraphCases.Inputs(signed, 9);
        CollectionAssert.AreEqual(Harness.Evaluate(signed, inputs)[0].Bytes.ToArray(), Harness.Evaluate(unsigned, inputs)[0].Bytes.ToArray());
    }

    [TestMethod]
    public void An_unsigned_graph_is_left_as_it_is()
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        Assert.AreSame(graph, ToUnsignedCodes.Run(graph));
    }
}
