using System;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Onnx.Tests.Conformance;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>Large classic networks with constant weights, against the outputs that the ONNX project's evaluator gave.</summary>
[TestClass]
public sealed class LightModelsTests
{
    [TestMethod]
    [DataRow("squeezenet", 26, 0)]
    [DataRow("shufflenet", 49, 0)]
    [DataRow("bvlc_alexnet", 5, 0)]
    [DataRow("inception_v1", 57, 0)]
    [DataRow("zfnet512", 5, 0)]
    [DataRow("inception_v2", 69, 0)]
    [DataRow("densenet121", 121, 0)]
    [DataRow("resnet50", 53, 0)]
    [DataRow("vgg19", 16, 1)]
    public void TheOutputIsTheExpectedOne(string name, int convolutions, int slow)
    {
        if (slow != 0 && Environment.GetEnvironmentVariable("MLQ_SLOW_TESTS") != "1")
        {
            Assert.Inconclusive("slow; run .ci/run --all");
        }

        OnnxImportResult result = Import(name);
        Assert.AreEqual(convolutions, result.Graph.Nodes.Count(n => n is Graphs.Nodes.Convolution));
        using IGraphRunner evaluator = new FastRunnerFactory(KernelRegistry.Active, WorkerPool.Single).Create(result.Graph);
        Tensor found = evaluator.Run([Ramp(result.Graph[result.Graph.Inputs.Single()].Type.Shape)]).Single();
        Assert.IsNull(TensorComparison.Difference(Expected(name), found));
    }

    [TestMethod]
    [DataRow("densenet121", 121)]
    [DataRow("resnet50", 53)]
    [DataRow("inception_v2", 69)]
    public void WeightsMadeByConstantOfShapeFold(string name, int convolutions)
    {
        Graph graph = Import(name).Graph;
        GraphVerifier.Verify(graph);
        Assert.AreEqual(convolutions, graph.Nodes.Count(n => n is Graphs.Nodes.Convolution && graph[n.Inputs[1]].Constant is not null));
    }

    private static OnnxImportResult Import(string name) => OnnxModel.Load(TestFiles.Light($"light_{name}.onnx"));

    /// <summary>The input behind the expected outputs: element i of n is i / n.</summary>
    private static Tensor Ramp(Shape shape) => Tensor.Create(shape, Enumerable.Range(0, shape.Count).Select(i => (float)(i / (double)shape.Count)).ToArray());

    private static Tensor Expected(string name)
    {
        var message = TensorMessage.Parser.ParseFrom(File.ReadAllBytes(TestFiles.Light($"light_{name}_output_0.pb")));
        return new TensorReader(new ExternalData(null, null), new AllocationBudget(1 << 20)).Read(message, name).Tensor;
    }
}
