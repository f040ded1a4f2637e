using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Passes;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>The engine gives the interpreter's bits on whole graphs.</summary>
[TestClass]
[TestCategory("Portable")]
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

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Lowered_networks_equal_the_interpreter(string name)
    {
        Graph graph = GraphCases.Create(name);
        QuantizationScheme signed = QuantizationScheme.EightBits with { SignedActivations = true };
        foreach (QuantizationScheme scheme in new[] { QuantizationScheme.EightBits, QuantizationScheme.FourBits, signed })
        {
            Graph lowered = Harness.Lower(graph, scheme, GraphCases.Inputs(graph, 8)).Graph;
            EngineAssert.EqualsInterpreter(lowered, batch => GraphCases.Inputs(lowered, batch, 5));
        }
    }

    [TestMethod]
    [DataRow("residual")]
    [DataRow("concat")]
    [DataRow("conv3d")]
    [DataRow("batchnorm")]
    [DataRow("depthwise-se")]
    public void Lowered_networks_are_never_transposed_between_layers(string name)
    {
        Graph graph = GraphCases.Create(name);
        Graph lowered = Harness.Lower(graph, QuantizationScheme.EightBits, GraphCases.Inputs(graph, 8)).Graph;
        using PackedProgram program = Packer.Pack(lowered, ModelSignature.Of(lowered), KernelRegistry.Active);
        string operations = string.Join(", ", program.Steps.Select(s => s.Operation));
        Assert.IsFalse(program.Steps.Any(s => s.Operation.StartsWith("To", System.StringComparison.Ordinal)), operations);
    }
}
