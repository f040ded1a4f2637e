using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>The engine gives the interpreter's bits on whole graphs.</summary>
[TestClass]
public sealed class EngineGraphTests
{
    public static IEnumerable<object[]> Cases => GraphCases.Rows;

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Float_graphs_equal_the_interpreter(string name)
    {
        Graph graph = GraphCases.Create(name);
        EngineAssert.EqualsInterpreter(graph, batch => GraphCases.Inputs(graph, batch));
    }

    [TestMethod]
    [DataRow(8, 8)]
    [DataRow(4, 8)]
    [DataRow(4, 4)]
    [DataRow(2, 2)]
    public void Integer_net_equals_the_interpreter(int weightBits, int activationBits)
    {
        Graph graph = HandmadeGraphs.IntegerNet(weightBits, activationBits);
        EngineAssert.EqualsInterpreter(graph, batch => GraphCases.Inputs(graph, batch));
    }
}
