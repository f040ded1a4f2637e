using System.Linq;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Random integer layers: odd channels, groups, depthwise, dilation, asymmetric padding, maps of one pixel, zero points of weights.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineLayerTests
{
    private const int CasesPerKind = 12;

    [TestMethod]
    [DataRow(1, Tail.Codes)]
    [DataRow(2, Tail.Codes)]
    [DataRow(2, Tail.Stream)]
    [DataRow(2, Tail.Float)]
    [DataRow(2, Tail.Accumulator)]
    [DataRow(2, Tail.Decoded)]
    [DataRow(3, Tail.Codes)]
    public void Random_integer_convolutions_equal_the_interpreter(int rank, Tail tail)
    {
        for (ulong seed = 0; seed < CasesPerKind; seed++)
        {
            Check(new IntegerLayerCases(seed).Convolution(rank, tail));
        }
    }

    [TestMethod]
    [DataRow(Tail.Codes)]
    [DataRow(Tail.Stream)]
    [DataRow(Tail.Float)]
    [DataRow(Tail.Accumulator)]
    [DataRow(Tail.Decoded)]
    public void Random_integer_dense_layers_equal_the_interpreter(Tail tail)
    {
        for (ulong seed = 0; seed < CasesPerKind; seed++)
        {
            Check(new IntegerLayerCases(seed).Dense(tail));
        }
    }

    [TestMethod]
    [DataRow(3, 19, 36, 31)]
    [DataRow(5, 16, 33, 33)]
    [DataRow(2, 1, 40, 40)]
    public void Decoded_maps_equal_the_interpreter(int channels, int outputs, int height, int width)
    {
        Graph graph = new IntegerLayerCases(3).Map(channels, outputs, height, width, Tail.Decoded);
        Check(graph);
        if (outputs > 1)
        {
            using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1);
            CollectionAssert.DoesNotContain(engine.Explain().Steps.Select(s => s.Operation).ToArray(), "ToRowMajor");
        }
    }

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
