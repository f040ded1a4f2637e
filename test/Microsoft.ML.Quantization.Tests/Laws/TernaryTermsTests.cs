using System;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>The trained networks with weights that are sums of ternary terms.</summary>
[TestClass]
public sealed class TernaryTermsTests
{
    [TestMethod]
    [DataRow("fmnist-lenet.bn")]
    [DataRow("fmnist-resnet8.bn")]
    [DataRow("fmnist-mlp")]
    public void Every_layer_runs_on_integers_and_equals_the_interpreter_on_every_kernel_set(string name)
    {
        QuantizationResult fitted = Fit(name, 0.5, blockChannels: 24);
        Graph graph = fitted.Integer;
        Assert.IsTrue(fitted.Layers.All(l => l.IsInteger), string.Join("; ", fitted.Layers));
        Assert.IsTrue(graph.Nodes.OfType<Slice>().Any() && graph.Nodes.OfType<CombineAccumulators>().Any());
        Tensor images = Networks.Test(graph, 5);
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        float[] expected = interpreter.Run([images])[0].Values<float>().ToArray();
        foreach (KernelSet set in KernelRegistry.Available)
        {
            foreach (int threads in new[] { 1, 3 })
            {
                using var engine = new Engine(Packer.Pack(graph, ModelSignature.Of(graph), set), Pools.Create(threads), long.MaxValue, smallestChunk: 1);
                var found = new float[expected.Length];
                engine.Run(images.Values<float>(), found.AsSpan(), 5);
                CollectionAssert.AreEqual(expected, found, $"{set.Name}, {threads} threads");
            }
        }
    }

    [TestMethod]
    public void Extra_terms_bring_outputs_back_to_those_of_the_float_network()
    {
        Graph graph = Networks.Float("fmnist-resnet8.bn");
        float[] wanted = Outputs(graph);
        double[] errors = [.. new[] { 0.0, 1, 2 }.Select(extra => Error(wanted, Outputs(Fit("fmnist-resnet8.bn", extra).Integer)))];
        for (int i = 1; i < errors.Length; i++)
        {
            Assert.IsTrue(errors[i] < errors[i - 1] / 2, $"squared errors {string.Join(", ", errors)}");
        }
    }

    private static QuantizationResult Fit(string name, double extra, int blockChannels = 64)
    {
        Graph graph = Networks.Float(name);
        var terms = new TernaryTerms { ExtraTerms = extra, BlockChannels = blockChannels };
        return Networks.Fit(graph, QuantizationScheme.TernaryResidual with { TernaryTerms = terms }, Networks.Calibration(graph, 64, 32), KernelRegistry.Active);
    }

    private static float[] Outputs(Graph graph)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Fast(KernelRegistry.Active, Threading.WorkerPool.Shared));
        return evaluator.Run([Networks.Test(graph, 32)])[0].Values<float>().ToArray();
    }

    private static double Error(float[] wanted, float[] found) => wanted.Zip(found, (w, f) => ((double)w - f) * ((double)w - f)).Sum();
}
