using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Where quantizers of a network in training stand.</summary>
[TestClass]
public sealed class InsertionTests
{
    [TestMethod]
    [DataRow("PACT", 1)]
    [DataRow("LSQ", 6)]
    public void A_nonlinearity_takes_the_place_of_rectifiers_that_only_it_reads(string name, int rectifiers)
    {
        // The input of the last layer has an 8-bit affine quantizer, which is none.
        Graph graph = Insert(SmallNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 4), name);
        Assert.AreEqual(rectifiers, graph.Nodes.Count(n => n is Unary { Operator: UnaryOperator.Clip }));
    }

    [TestMethod]
    public void Where_others_read_a_rectifier_a_nonlinearity_reads_what_stands_in_front_of_it()
    {
        Graph graph = Insert(SmallNetworks.ResNet(8, Shape.Of(1, 8, 8), 4, 4), "PACT");
        LearnedQuantize[] own = [.. graph.Nodes.OfType<LearnedQuantize>().Where(n => n.Method is Pact)];
        Node?[] producers = graph.Producers();
        Assert.IsTrue(own.Length > 4 && own.All(n => producers[n.Inputs[0].Index] is not Unary));
        Assert.IsTrue(graph.Nodes.OfType<Unary>().Any(), "the shortcut lost its rectifier");
    }

    [TestMethod]
    public void Normalizations_in_front_of_a_standard_input_have_fixed_scale_and_shift()
    {
        Graph graph = Insert(SmallNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 4), "HWGQ");
        BatchNormalization[] nodes = [.. graph.Nodes.OfType<BatchNormalization>()];
        Assert.AreEqual(1, nodes.Count(n => graph[n.Inputs[1]].IsTrainable && graph[n.Inputs[2]].IsTrainable), "the one before the last layer");
        Assert.AreEqual(5, nodes.Count(n => !graph[n.Inputs[1]].IsTrainable && graph.ConstantOf(n.Inputs[1]).Values<float>().ToArray().All(v => v == 1)));
        Assert.IsTrue(nodes.All(n => graph[n.Inputs[3]].IsTrainable), "running statistics");
    }

    private static Graph Insert(Graph graph, string activations)
    {
        var scheme = new QuantizationAwareScheme { Activations = QuantizationMethods.Find(activations).Default(4), EdgeLayers = EdgeLayers.EightBits };
        return InsertLearnedQuantizers.Run(graph, scheme, _ => RandomTensors.Floats(Shape.Of(4, 16), 3));
    }
}
