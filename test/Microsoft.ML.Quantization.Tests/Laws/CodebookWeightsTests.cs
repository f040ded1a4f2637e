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
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>The trained networks with weights that look up codebooks of signed bytes.</summary>
[TestClass]
public sealed class CodebookWeightsTests
{
    private static readonly QuantizationScheme _two = QuantizationScheme.FourBitCodebook with { WeightBits = 2 };

    [TestMethod]
    [DataRow("fmnist-lenet.bn", 4)]
    [DataRow("fmnist-resnet8.bn", 2)]
    [DataRow("fmnist-resnet8.bn", 1)]
    public void Every_layer_runs_on_integers_and_equals_the_interpreter_on_every_kernel_set(string name, int bits)
    {
        QuantizationResult fitted = Fit(name, QuantizationScheme.FourBitCodebook with { WeightBits = bits });
        Graph graph = fitted.Integer;
        Assert.IsTrue(fitted.Layers.All(l => l.IsInteger), string.Join("; ", fitted.Layers));
        Assert.AreEqual(fitted.Layers.Count(l => l.WeightBits == bits), graph.Values.Count(v => v.Type.Quantization is { Codebook.IsInteger: true }), "edges have 8 uniform bits");
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
    public void Two_bits_of_a_codebook_lose_less_than_two_uniform_bits()
    {
        Graph graph = Networks.Float("fmnist-resnet8.bn");
        float[] wanted = Outputs(graph);
        double uniform = Error(wanted, Outputs(Fit("fmnist-resnet8.bn", _two with { WeightCodebook = null }).Integer));
        double book = Error(wanted, Outputs(Fit("fmnist-resnet8.bn", _two).Integer));
        Assert.IsTrue(book < uniform / 2, $"squared error {book} against {uniform}");
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_file_and_it_reads_back_the_same()
    {
        QuantizationScheme scheme = _two with { WeightCodebook = new WeightCodebook { Method = CodebookMethod.KMeansPlusPlus, ChannelsPerBook = 16 } };
        byte[] bytes = ModelWriter.ToBytes(Fit("fmnist-lenet.bn", scheme).Document);
        CollectionAssert.AreEqual(bytes, ModelWriter.ToBytes(Fit("fmnist-lenet.bn", scheme).Document));
        ModelDocument back = ModelReader.Read(bytes.AsMemory());
        CollectionAssert.AreEqual(bytes, ModelWriter.ToBytes(back));
        StringAssert.Contains(back.Metadata.Facts["scheme"], "codebook=KMeansPlusPlus/Int8/16/inputs");
    }

    [TestMethod]
    public void Floats_as_levels_keep_layers_float_and_their_codes_narrow()
    {
        QuantizationResult fitted = Fit("fmnist-lenet.bn", _two with { EdgeLayers = EdgeLayers.SameBits, WeightCodebook = new WeightCodebook { RealLevels = true } });
        Assert.IsTrue(fitted.Layers.All(l => !l.IsInteger && l.Reason.Contains("codebook of floats", StringComparison.Ordinal)), string.Join("; ", fitted.Layers));
        Assert.IsTrue(fitted.Integer.Nodes.Where(n => n is Convolution or Dense).All(n => fitted.Integer.Producers()[n.Inputs[1].Index] is Dequantize));
        Assert.IsTrue(ModelWriter.ToBytes(fitted.Document).Length < 30_000);
    }

    private static QuantizationResult Fit(string name, QuantizationScheme scheme)
    {
        Graph graph = Networks.Float(name);
        return Networks.Fit(graph, scheme, Networks.Calibration(graph, 64, 32), KernelRegistry.Active);
    }

    private static float[] Outputs(Graph graph)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Fast(KernelRegistry.Active, Threading.WorkerPool.Shared));
        return evaluator.Run([Networks.Test(graph, 32)])[0].Values<float>().ToArray();
    }

    private static double Error(float[] wanted, float[] found) => wanted.Zip(found, (w, f) => ((double)w - f) * ((double)w - f)).Sum();
}
