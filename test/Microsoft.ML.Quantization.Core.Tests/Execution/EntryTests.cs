using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Bytes, integers, interleaved rows and normalisation give the codes of the normalised float row.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EntryTests
{
    [TestMethod]
    [DataRow(ElementType.Float32, RowLayout.Planar, 0)]
    [DataRow(ElementType.Float32, RowLayout.Planar, 2)]
    [DataRow(ElementType.Float32, RowLayout.Interleaved, 0)]
    [DataRow(ElementType.Float32, RowLayout.Interleaved, 1)]
    [DataRow(ElementType.Float32, RowLayout.Interleaved, 2)]
    [DataRow(ElementType.UInt8, RowLayout.Planar, 0)]
    [DataRow(ElementType.UInt8, RowLayout.Planar, 1)]
    [DataRow(ElementType.UInt8, RowLayout.Interleaved, 1)]
    [DataRow(ElementType.UInt8, RowLayout.Interleaved, 2)]
    [DataRow(ElementType.Int64, RowLayout.Planar, 2)]
    [DataRow(ElementType.Int64, RowLayout.Interleaved, 0)]
    public void Every_entry_equals_the_normalised_float_row(ElementType element, RowLayout layout, int numbers)
    {
        foreach (Graph graph in new[] { HandmadeGraphs.IntegerNet(), GraphCases.Create("pools") })
        {
            ModelSignature plain = ModelSignature.Of(graph);
            float[] scale = [1 / 64f, 0.013f];
            float[] offset = [-1.7f, 0.1f];
            var signature = plain with { Inputs = [plain.Inputs[0] with { Element = element, Layout = layout, Scale = [.. scale[..numbers]], Offset = [.. offset[..numbers]] }] };
            using Engine engine = EngineAssert.Create(graph, signature, KernelRegistry.Active, 2);
            using var interpreter = new Evaluator(graph, OperatorTable.Reference);
            foreach (int batch in new[] { 1, 5 })
            {
                Tensor[] inputs = ReferenceRuns.Inputs(signature, batch, 9);
                EngineAssert.AreEqual(interpreter.Run(ReferenceRuns.GraphInputs(graph, signature, inputs)), engine.Run(inputs), $"{element} {layout} {numbers}, batch {batch}");
            }
        }
    }

    [TestMethod]
    public void NaN_becomes_the_zero_point_and_infinities_the_ends()
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        Tensor[] odd = [RandomTensors.OddFloats(graph[graph.Inputs[0]].Type.Shape.Bind(4), 3)];
        using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1);
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        EngineAssert.AreEqual(interpreter.Run(odd), engine.Run(odd), "odd floats");
    }

    [TestMethod]
    public void Reference_inputs_are_the_same_everywhere()
    {
        ModelSignature plain = ModelSignature.Of(HandmadeGraphs.IntegerNet());
        string hash = ReferenceRuns.Hash(ReferenceRuns.Inputs(plain, 2, 7));
        Assert.AreEqual(hash, ReferenceRuns.Hash(ReferenceRuns.Inputs(plain, 2, 7)));
        Assert.AreNotEqual(hash, ReferenceRuns.Hash(ReferenceRuns.Inputs(plain, 2, 8)));
        ImmutableArray<float> values = [.. ReferenceRuns.Inputs(plain, 2, 7)[0].Values<float>()];
        Assert.IsTrue(values.All(v => v is >= -2 and < 2) && values.Max() > 1 && values.Min() < -1, string.Join(' ', values.Take(4)));
    }
}
