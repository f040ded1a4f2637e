using System.Linq;
using Microsoft.ML.Quantization.Graphs;
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
    public void Random_integer_dense_layers_equal_the_interpreter(Tail tail)
    {
        for (ulong seed = 0; seed < CasesPerKind; seed++)
        {
            Check(new IntegerLayerCases(seed).Dense(tail));
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
