using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>BMXNet: signs whose latent weights nothing holds, and outputs as counts.</summary>
[TestClass]
public sealed class BmxNetTests
{
    private static readonly float[] _w = [0.4f, -0.8f, 0.1f, 0.3f];
    private static readonly float[] _g = [1, 2, -1, 0.5f];

    [TestMethod]
    public void Latent_weights_move_wherever_they_stand()
    {
        var use = new Use(new BmxNet { Bits = 1 }, [1.6f, -40, 0, -0.0f]);
        CollectionAssert.AreEqual((float[])[1, -1, 1, 1], use.Hard());
        CollectionAssert.AreEqual(_g, use.Back(_g).Dx);
        Assert.IsFalse(use.Method.ActsAfterStep);
        Assert.IsFalse(use.Method.TakesDecay);
        CollectionAssert.AreEqual((float[])[1.7f, -41, 3, -3], use.After(1.7f, -41, 3, -3));
    }

    [TestMethod]
    public void Gradients_of_activations_are_cancelled_beyond_the_threshold()
    {
        float[] x = [-1.5f, -1.25f, -0.5f, 0, 1.25f, 1.3f];
        Use.Near([0, 1, 1, 1, 1, 0], new Use(new BmxNet { Bits = 1, Threshold = 1.25f }, x, site: QuantizerSites.Activations).Back(1, 1, 1, 1, 1, 1).Dx);
        Use.Near([0, 0, 1, 1, 0, 0], new Use(new BmxNet { Bits = 1 }, x, site: QuantizerSites.Activations).Back(1, 1, 1, 1, 1, 1).Dx);
    }

    [TestMethod]
    [DataRow(SignScale.Constant, new float[] { 0.4f, 0.8f, -0.4f, 0.2f })]
    [DataRow(SignScale.Exact, new float[] { 0.025f, 1.175f, -0.775f, -0.175f })]
    public void A_scale_is_a_constant_or_has_its_own_path(SignScale scale, float[] expected)
    {
        var use = new Use(new BmxNet { Bits = 1, Scale = scale }, _w);
        Use.Near([0.4f, -0.4f, 0.4f, 0.4f], use.Hard());
        Use.Near(expected, use.Back(_g).Dx);

        // No window: weights beyond 1 have the same factor.
        float path = scale == SignScale.Exact ? (3 - 5) / 2f : 0;
        Use.Near([(2 * 3) + path, (2 * 5) - path], new Use(new BmxNet { Bits = 1, Scale = scale }, [3, -1]).Back(3, 5).Dx);
        Assert.AreEqual(use.Method, QuantizationMethods.Create("BMXNet", use.Method.Settings));
    }

    [TestMethod]
    public void The_recipe_pads_with_minus_one_and_counts()
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("BMXNet").Scheme(1, 1);
        Assert.IsTrue(scheme is { Weights: BmxNet { Scale: SignScale.None }, Activations: BmxNet { Threshold: 1 }, Padding: SignPadding.MinusOne, HasOffsets: true });
        Assert.IsFalse(TrainingRecipes.Find("BMXNet").Scheme(1, 32).HasOffsets);
        Assert.AreNotEqual(scheme, scheme with { HasOffsets = false });
    }

    [TestMethod]
    public void Sums_become_counts()
    {
        Graph graph = Offset(Layer(9), Scheme());
        float[] Row(int plus) => [.. Enumerable.Range(0, 9).Select(i => i < plus ? 1f : -1)];
        using ForwardPass pass = Forward(graph, Tensor.Create<float>(Shape.Of(3, 9), [.. Row(0), .. Row(6), .. Row(9)]), Ones(graph));
        CollectionAssert.AreEqual((float[])[-9, 3, 9], pass["inner.sum"].Values<float>().ToArray());
        CollectionAssert.AreEqual((float[])[0, 6, 9], pass["inner"].Values<float>().ToArray());
    }

    [TestMethod]
    [DataRow(SignPadding.MinusOne)]
    [DataRow(SignPadding.Zero)]
    public void Normalization_takes_the_offset_out_again(SignPadding padding)
    {
        // Equal but for the rounding of β − μ·γ/σ, in which the offset takes part; with ε the halved deviation shows.
        Graph network = Image(0);
        QuantizationAwareScheme scheme = Scheme() with { Padding = padding };
        Graph[] graphs = [Offset(network, scheme with { HasOffsets = false }), Offset(network, scheme)];
        Assert.AreEqual(graphs[0].Nodes.Length + 2, graphs[1].Nodes.Length);
        Tensor x = RandomTensors.Floats(Shape.Of(4, 3, 4, 4), 3);
        Tensor g = RandomTensors.Floats(Shape.Of(4, 2, 4, 4), 4);
        var found = new List<(float[] Y, float[] Dw)>();
        foreach (Graph graph in graphs)
        {
            var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
            using ForwardPass pass = reverse.Forward([x], new Dictionary<string, Tensor>(), training: true);
            found.Add((pass[reverse.OutputName].Values<float>().ToArray(), reverse.Backward(pass, g)["inner.weight"].Values<float>().ToArray()));
        }

        Use.Near(found[0].Y, found[1].Y, 1e-6f);
        Use.Near(found[0].Dw, found[1].Dw, 1e-5f);
        Assert.IsTrue(found[0].Y.Distinct().Count() > 8);
        (float[] a, float[] b) = (Values(Offset(Image(1), scheme with { HasOffsets = false }), x), Values(Offset(Image(1), scheme), x));
        Assert.IsTrue(a.Zip(b).Max(p => Math.Abs(p.First - p.Second)) > 0.01f);
    }

    [TestMethod]
    public void Only_signs_that_a_normalization_reads_are_counted()
    {
        Assert.AreEqual(6, Offsets(BinaryNetworks.ResNet(8, Shape.Of(1, 8, 8), 4, 4), Scheme() with { EdgeLayers = EdgeLayers.EightBits, TreatAsEdges = [BinaryNetworks.RealLayers] }));
        Assert.AreEqual(3, Offsets(BinaryNetworks.LeNet5(Shape.Of(1, 8, 8), 4), Scheme()) - 1, "all four, two through a pool");
        Assert.AreEqual(0, Offsets(BinaryNetworks.DenseNet(Shape.Of(1, 8, 8), [2, 2], [2], 8, 4), Scheme() with { EdgeLayers = EdgeLayers.EightBits, TreatAsEdges = [BinaryNetworks.RealLayers] }), "others read what a unit appends");
        Graph plain = Layer(9);
        Graph none = InsertLearnedQuantizers.Run(plain, Scheme() with { HasOffsets = false }, _ => Tensor.Allocate(ElementType.Float32, Shape.Of(1, 9)));
        Assert.AreSame(none, InsertOffsets.Run(none, Scheme() with { HasOffsets = false }));
    }

    [TestMethod]
    public void Offsets_are_not_for_scaled_signs()
    {
        QuantizationAwareScheme[] wrong =
        [
            Scheme() with { Weights = new BmxNet { Bits = 1, Scale = SignScale.Constant } },
            Scheme() with { Weights = new Xnor { Bits = 1 } },
            Scheme() with { Activations = new Lsq { Bits = 4 } },
            Scheme() with { Activations = null },
            Scheme() with { Folding = new NormalizationFolding() },
        ];
        foreach (QuantizationAwareScheme scheme in wrong)
        {
            QuantizationException error = Assert.ThrowsException<QuantizationException>(scheme.Validate);
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
            StringAssert.Contains(error.Message, nameof(QuantizationAwareScheme.HasOffsets));
        }

        Assert.IsTrue((Scheme() with { Weights = new Bnn { Bits = 1 } }).Validate().HasOffsets);
        Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(new BmxNet { Bits = 1, Threshold = 0 }));
        Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Checked(new BmxNet { Bits = 1, Scale = (SignScale)7 }));
    }

    private static QuantizationAwareScheme Scheme() => TrainingRecipes.Find("BMXNet").Scheme(1, 1) with { EdgeLayers = EdgeLayers.SameBits };

    private static int Offsets(Graph graph, QuantizationAwareScheme scheme) => Offset(graph, scheme).Nodes.Count(n => n.Name.EndsWith(".offset", StringComparison.Ordinal));

    private static Graph Offset(Graph graph, QuantizationAwareScheme scheme)
        => InsertOffsets.Run(InsertLearnedQuantizers.Run(graph, scheme, ActivationSample.Of(graph, new MemoryBatchSource(Row(graph), new float[Row(graph).Count], [0]), 1, 1, KernelRegistry.Active, WorkerPool.Single)), scheme);

    private static Shape Row(Graph graph) => new([.. graph[graph.Inputs[0]].Type.Shape.Dimensions.Skip(1)]);

    private static ForwardPass Forward(Graph graph, Tensor x, Dictionary<string, Tensor> constants)
        => new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single).Forward([x], constants, training: true);

    private static Dictionary<string, Tensor> Ones(Graph graph)
    {
        Dictionary<string, Tensor> constants = new TrainingState(graph, 0).Constants;
        constants["inner.weight"].Writable<float>().Fill(0.5f);
        return constants;
    }

    /// <summary>One dense layer of one output and its normalization.</summary>
    private static Graph Layer(int inputs)
    {
        var layers = new LayerBuilder(1);
        return layers.Build(layers.Normalize("bn", layers.PlainDense("inner", layers.Input(Shape.Of(inputs)), 1)));
    }

    private static float[] Values(Graph graph, Tensor x)
    {
        using ForwardPass pass = Forward(graph, x, []);
        return pass[graph[graph.Outputs[0]].Name].Values<float>().ToArray();
    }

    /// <summary>A 3×3 convolution of three channels and a normalization.</summary>
    private static Graph Image(float epsilon)
    {
        var layers = new LayerBuilder(1);
        Graph graph = layers.Build(layers.NormalizedConvolution("inner", layers.Input(Shape.Of(3, 4, 4)), 2, 3));
        return PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (node is BatchNormalization normalization)
            {
                rewriter.Emit(node, normalization with { Epsilon = epsilon, Inputs = rewriter.Map(node.Inputs) });
            }

            return node is BatchNormalization;
        });
    }
}
