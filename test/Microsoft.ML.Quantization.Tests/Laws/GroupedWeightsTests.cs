using System;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using QuickStart;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>The trained network of dense layers with weights of 4 bits in groups of 32, inputs quantized row by row.</summary>
[TestClass]
public sealed class GroupedWeightsTests
{
    private const int Batch = 500;
    private const int Classes = 10;
    private static readonly Lazy<QuantizationResult> _fitted = new(Fit);

    [TestMethod]
    public void Four_bits_in_groups_of_32_stay_within_half_a_point_of_float()
    {
        Graph graph = Networks.Float("fmnist-mlp");
        Assert.IsTrue(_fitted.Value.Layers.All(l => l is { IsInteger: true, WeightBits: 4, ActivationBits: 8 }), string.Join("; ", _fitted.Value.Layers));
        double expected = Accuracy(new ModelDocument(graph, ModelSignature.Of(graph), new ModelMetadata()));
        double found = Accuracy(_fitted.Value.Document);
        Assert.IsTrue(expected > 0.8, $"float accuracy {expected}");
        Assert.AreEqual(expected, found, 0.005);
    }

    [TestMethod]
    public void The_file_holds_four_bits_a_weight_and_one_float_a_group_and_reads_back_the_same()
    {
        byte[] bytes = ModelWriter.ToBytes(_fitted.Value.Document);
        Graph graph = _fitted.Value.Integer;
        long weights = graph.Nodes.OfType<GroupedDense>().Sum(n => (long)graph.ConstantOf(n.Inputs[1]).Shape.Count);
        long tight = (weights / 2) + (weights / 32 * sizeof(float));
        Assert.IsTrue(bytes.Length > tight && bytes.Length < tight * 1.25, $"{bytes.Length} bytes for {weights} weights, {tight} of codes and scales");
        ModelDocument back = ModelReader.Read(bytes.AsMemory());
        Assert.AreEqual(GraphPrinter.Print(graph), GraphPrinter.Print(back.Graph));
    }

    [TestMethod]
    public void Engine_equals_interpreter_on_every_kernel_set()
    {
        Graph graph = _fitted.Value.Integer;
        Tensor images = Networks.Test(graph, 7);
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        float[] expected = interpreter.Run([images])[0].Values<float>().ToArray();
        foreach (KernelSet set in KernelRegistry.Available)
        {
            foreach (int threads in new[] { 1, 3 })
            {
                using var engine = new Engine(Packer.Pack(graph, ModelSignature.Of(graph), set), Pools.Create(threads), long.MaxValue, smallestChunk: 1);
                var found = new float[expected.Length];
                engine.Run(images.Values<float>(), found.AsSpan(), 7);
                CollectionAssert.AreEqual(expected, found, $"{set.Name}, {threads} threads");
            }
        }
    }

    private static QuantizationResult Fit()
    {
        Graph graph = Networks.Float("fmnist-mlp");
        var scheme = new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = 32, EdgeLayers = EdgeLayers.SameBits };
        return Networks.Fit(graph, scheme, Networks.Calibration(graph, 64, 32), KernelRegistry.Active);
    }

    private static double Accuracy(ModelDocument document)
    {
        using QuantizedModel model = QuantizedModel.FromDocument(document, new QuantizedModelOptions());
        int right = 0;
        int count = 0;
        var scores = new float[Batch * Classes];
        foreach (Image[] batch in IdxFile.Read(Path.Combine(AppContext.BaseDirectory, "data"), "t10k").Chunk(Batch))
        {
            model.Run(batch.SelectMany(i => i.Pixels).ToArray(), scores.AsSpan(0, batch.Length * Classes), batch.Length);
            right += batch.Where((image, i) => scores.AsSpan(i * Classes, Classes).IndexOf(scores.AsSpan(i * Classes, Classes).ToArray().Max()) == image.Label).Count();
            count += batch.Length;
        }

        return (double)right / count;
    }
}
