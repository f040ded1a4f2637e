using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Layers whose weights are codes of a codebook, of every width and geometry, one book for all channels or for some.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineCodebookTests
{
    private const int CasesPerKind = 5;

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(5)]
    [DataRow(6)]
    [DataRow(7)]
    [DataRow(8)]
    public void Integer_layers_of_every_width_equal_the_interpreter(int bits)
    {
        for (ulong seed = 0; seed < CasesPerKind; seed++)
        {
            ulong own = (seed * 8) + (ulong)bits;
            Check(new IntegerLayerCases(own) { CodebookBits = bits }.Convolution(2, (Tail)(seed % 4)));
            Check(new IntegerLayerCases(own + 1000) { CodebookBits = bits }.Dense((Tail)((seed + 1) % 4)));
        }
    }

    [TestMethod]
    [DataRow(1, 4)]
    [DataRow(3, 4)]
    [DataRow(3, 6)]
    public void Convolutions_over_one_and_three_axes_equal_the_interpreter(int rank, int bits)
    {
        for (ulong seed = 0; seed < CasesPerKind; seed++)
        {
            Check(new IntegerLayerCases(seed + 50) { CodebookBits = bits }.Convolution(rank, Tail.Codes));
        }
    }

    [TestMethod]
    [DataRow(64, 256, 1, 40)]
    [DataRow(70, 1500, 9, 40)]
    [DataRow(33, 3000, 1, 40)]
    public void Dense_layers_of_many_inputs_and_outputs_equal_the_interpreter(int inputs, int outputs, int channelsPerBook, int entries)
    {
        foreach (int codes in new[] { 16, entries })
        {
            var builder = new GraphBuilder();
            AffineQuantization quantizer = HandmadeGraphs.Codebook(codes <= 16 ? 4 : 8, codes, outputs, codes <= 16 ? 0 : channelsPerBook, 5);
            ValueId x = builder.AddInput("x", Quantization.Graphs.ValueType.Codes(HandmadeGraphs.Activations(8, 0.1f, 99), Shape.Of(Shape.Free, inputs)));
            ValueId w = builder.AddConstant("w", RandomTensors.Codes(quantizer, Shape.Of(outputs, inputs), 3), quantizer);
            builder.AddOutput(builder.Add(new IntegerDense { Inputs = [x, w] }));
            Check(builder.Build());
        }
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Float_layers_decode_their_codes(bool reals)
    {
        for (int bits = 1; bits <= 8; bits++)
        {
            var builder = new GraphBuilder();
            ValueId x = builder.AddInput("x", Quantization.Graphs.ValueType.Float(Shape.Of(Shape.Free, 6, 5, 4)));
            int groups = bits % 3 == 0 ? 2 : 1;
            AffineQuantization quantizer = HandmadeGraphs.Codebook(bits, 1 << bits, 50, bits % 4 == 0 ? 7 : 0, (ulong)bits, reals);
            ValueId y = builder.Add(new Convolution { Name = "conv", Inputs = [x, Decoded(builder, quantizer, Shape.Of(50, 6 / groups, 3, 3))], Window = HandmadeGraphs.Square(3, 1, 1), Groups = groups, Activation = Activation.Relu });
            ValueId flat = builder.Add(new Reshape { Inputs = [y], Target = [0, -1] });
            AffineQuantization next = HandmadeGraphs.Codebook(bits, 1 << bits, 37, 0, (ulong)bits + 9, reals);
            builder.AddOutput(builder.Add(new Dense { Name = "dense", Inputs = [flat, Decoded(builder, next, Shape.Of(37, 1000))] }));
            Graph graph = builder.Build();
            EngineAssert.EqualsInterpreter(graph, batch => [RandomTensors.Floats(Shape.Of(batch, 6, 5, 4), 8)]);
        }
    }

    [TestMethod]
    public void The_network_of_the_golden_file_equals_the_interpreter()
        => EngineAssert.EqualsInterpreter(HandmadeGraphs.CodebookNet(), batch => [RandomTensors.Floats(Shape.Of(batch, 3, 6, 6), 4)]);

    private static ValueId Decoded(GraphBuilder builder, AffineQuantization quantizer, Shape shape)
        => builder.Add(new Dequantize { Inputs = [builder.AddConstant("w", RandomTensors.Codes(quantizer, shape, 3), quantizer)] });

    private static void Check(Graph graph)
    {
        Tensor[] Inputs(int batch) => [.. graph.Inputs.Select(i => RandomTensors.Codes(graph[i].Type.Quantization!, graph[i].Type.Shape.Bind(batch), 5))];
        try
        {
            EngineAssert.EqualsInterpreter(graph, Inputs);
        }
        catch (AssertFailedException exception)
        {
            throw new AssertFailedException(GraphPrinter.Print(graph), exception);
        }
    }
}
