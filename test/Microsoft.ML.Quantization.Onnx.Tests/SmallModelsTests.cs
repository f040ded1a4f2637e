using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>The five trained networks of the repository.</summary>
[TestClass]
public sealed class SmallModelsTests
{
    [TestMethod]
    [DataRow("fmnist-mlp.onnx", 0, 3)]
    [DataRow("fmnist-lenet.onnx", 2, 3)]
    [DataRow("fmnist-lenet.bn.onnx", 2, 3)]
    [DataRow("fmnist-resnet8.onnx", 9, 1)]
    [DataRow("fmnist-resnet8.bn.onnx", 9, 1)]
    public void ANetworkComesWithItsLayersAndAFreeBatch(string file, int convolutions, int dense)
    {
        OnnxImportResult result = OnnxModel.Load(TestFiles.Models(file));
        GraphVerifier.Verify(result.Graph);
        Assert.AreEqual(17, result.OperatorSet);
        Assert.AreEqual(convolutions, result.Graph.Nodes.Count(n => n is Convolution));
        Assert.AreEqual(dense, result.Graph.Nodes.Count(n => n is Dense));
        Assert.AreEqual(Shape.Of(Shape.Free, 1, 28, 28), result.Graph[result.Graph.Inputs.Single()].Type.Shape);
        Assert.AreEqual("y", result.Graph[result.Graph.Outputs.Single()].Name);
        Assert.AreEqual(0, result.Warnings.Length, string.Join("\n", result.Warnings));
    }

    [TestMethod]
    [DataRow("fmnist-lenet.onnx", "fmnist-lenet.bn.onnx")]
    [DataRow("fmnist-resnet8.onnx", "fmnist-resnet8.bn.onnx")]
    public void FoldedAndUnfoldedFilesGiveTheSameLogits(string folded, string unfolded)
    {
        Tensor image = Tensor.Create(Shape.Of(1, 1, 28, 28), Enumerable.Range(0, 784).Select(i => i * 37 % 256 / 255f).ToArray());
        float[] a = Run(folded, image);
        float[] b = Run(unfolded, image);
        for (int i = 0; i < 10; i++)
        {
            Assert.AreEqual(a[i], b[i], 1e-3f, $"logit {i}");
        }
    }

    private static float[] Run(string file, Tensor image)
    {
        using var evaluator = new Evaluator(OnnxModel.Load(TestFiles.Models(file)).Graph, OperatorTable.Reference);
        return evaluator.Run([image])[0].Values<float>().ToArray();
    }
}
