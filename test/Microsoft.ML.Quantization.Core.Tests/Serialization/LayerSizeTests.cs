using System;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Serialization;

/// <summary>What few bits save in the file.</summary>
[TestClass]
public sealed class LayerSizeTests
{
    [TestMethod]
    public void Binary_layers_take_one_bit_a_weight_and_at_least_seven_and_a_half_times_less_than_in_eight_bits()
    {
        Graph graph = ImageNetworks.BinaryResNet18(Shape.Of(3, 32, 32), 4);
        LayerSize[] one = Inner(graph, QuantizationAwareScheme.Of("XNOR", 1, "XNOR", 1));
        LayerSize[] eight = Inner(graph, QuantizationAwareScheme.Of("Affine", 8, "Affine", 8));
        Assert.AreEqual(16, one.Length);
        CollectionAssert.AreEqual(one.Select(l => l.Layer).ToArray(), eight.Select(l => l.Layer).ToArray());
        foreach ((LayerSize few, LayerSize many) in one.Zip(eight))
        {
            Assert.AreEqual((1, few.Weights / 8), (few.WeightBits, few.WeightBytes), few.Layer);
            Assert.AreEqual((8, many.Weights), (many.WeightBits, many.WeightBytes), many.Layer);
        }

        double ratio = (double)eight.Sum(l => l.Bytes) / one.Sum(l => l.Bytes);
        Assert.IsTrue(ratio >= 7.5, $"{eight.Sum(l => l.Bytes)} against {one.Sum(l => l.Bytes)} bytes: {ratio:F2}");
    }

    [TestMethod]
    public void Sizes_of_layers_make_up_the_file()
    {
        Graph graph = BinaryNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 32);
        var document = new ModelDocument(Lower(graph, QuantizationAwareScheme.Of("XNOR", 1, "XNOR", 1)), ModelSignature.Of(graph), new ModelMetadata());
        long layers = LayerSize.Of(document).Sum(l => l.Bytes);
        long file = ModelWriter.ToBytes(document).Length;
        Assert.IsTrue(layers < file && layers > 0.75 * file, $"{layers} of {file}");
    }

    private static LayerSize[] Inner(Graph graph, QuantizationAwareScheme scheme)
    {
        Graph integer = Lower(graph, scheme with { TreatAsEdges = [BinaryNetworks.RealLayers] });
        return [.. LayerSize.Of(new ModelDocument(integer, ModelSignature.Of(integer), new ModelMetadata())).Where(l => l.Layer.EndsWith(".conv", StringComparison.Ordinal))];
    }

    private static Graph Lower(Graph graph, QuantizationAwareScheme scheme)
    {
        Tensor Sample(string name)
        {
            graph.TryFind(name, out ValueId id);
            return RandomTensors.Floats(graph[id].Type.Shape.Bind(1), 3);
        }

        Graph hard = HardenQuantizers.Run(InsertLearnedQuantizers.Run(graph, scheme, Sample));
        return LowerToInteger.Run(hard, (g, inputs) => new Evaluator(g, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single)).Run(inputs)).Graph;
    }
}
