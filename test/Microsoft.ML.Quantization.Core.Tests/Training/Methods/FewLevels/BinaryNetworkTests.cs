using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Whole binary networks: builders, training, hard evaluation against the engine.</summary>
[TestClass]
public sealed class BinaryNetworkTests
{
    private static readonly Shape _image = Shape.Of(1, 8, 8);

    private static readonly Dictionary<string, Func<Graph>> _networks = new(StringComparer.Ordinal)
    {
        ["mlp"] = () => BinaryNetworks.Mlp(_image, [48, 32], 4),
        ["lenet"] = () => BinaryNetworks.LeNet5(_image, 4),
        ["vgg"] = () => BinaryNetworks.VggSmall(_image, 4, 8, [16]),
        ["prelu"] = () => BinaryNetworks.Mlp(_image, [48, 32], 4, BinaryActivation.PRelu),
        ["resnet"] = () => BinaryNetworks.ResNet(8, _image, 4, 8),
        ["shifted resnet"] = () => BinaryNetworks.ResNet(8, _image, 4, 8, hasShifts: true),
        ["scale maps"] = () => BinaryNetworks.LeNet5(_image, 4, hasScaleMaps: true),
        ["group net"] = () => GroupNetwork.ResNet(8, _image, 2, classes: 4, width: 8),
        ["densenet"] = () => BinaryNetworks.DenseNet(_image, [2, 2], [2], 8, 4),
    };

    [TestMethod]
    [DataRow("mlp")]
    [DataRow("lenet")]
    [DataRow("vgg")]
    public void Codes_of_the_engine_are_those_of_hard_evaluation(string network)
    {
        // Signs of signed inputs, scales of one: every sum is a small integer, exact in float too, so that no code may differ.
        QuantizationAwareResult result = Run(network, Scheme("BNN", "BNN") with { EdgeLayers = EdgeLayers.SameBits });
        Assert.IsTrue(result.Quantized.Layers.All(l => l.IsInteger), string.Join("; ", result.Quantized.Layers.Select(l => $"{l.Name}: {l.Reason}")));
        (float[] hard, float[] engine) = Scores(result, 64);
        float range = hard.Max() - hard.Min();
        for (int i = 0; i < hard.Length; i++)
        {
            Assert.AreEqual(hard[i], engine[i], 1e-5f * range, $"[{i}]");
        }
    }

    [TestMethod]
    [DataRow("mlp", "XNOR", "XNOR")]
    [DataRow("vgg", "ABC-W", "ABC-A")]
    [DataRow("lenet", "BWN", "HORQ-A")]
    [DataRow("lenet", "TTQ", "TBN-A")]
    [DataRow("prelu", "Tang-W", "HORQ-A")]
    [DataRow("resnet", "Bi-Real", "Bi-Real")]
    [DataRow("shifted resnet", "Bi-Real", "Bi-Real")]
    [DataRow("resnet", "IR-Net", "IR-Net")]
    [DataRow("densenet", "BNN", "BNN")]
    [DataRow("scale maps", "XNOR", "XNOR")]
    [DataRow("group net", "Bi-Real", "Bi-Real")]
    public void Networks_learn_and_the_engine_agrees(string network, string weights, string activations)
    {
        QuantizationAwareScheme scheme = Scheme(weights, activations);
        scheme = network.Contains("net", StringComparison.Ordinal) && network != "lenet" ? scheme with { TreatAsEdges = [BinaryNetworks.RealLayers] } : scheme;
        scheme = network == "scale maps" ? scheme with { KeepFloat = [BinaryNetworks.ScaleMaps] } : scheme;
        QuantizationAwareResult result = Run(network, scheme);
        Assert.IsTrue(result.Training.History[^1].Loss < 0.9f * result.Training.History[0].Loss, $"{result.Training.History[0].Loss} to {result.Training.History[^1].Loss}");
        (float[] hard, float[] engine) = Scores(result, 48);
        float range = hard.Max() - hard.Min();
        int near = hard.Zip(engine, (a, b) => Math.Abs(a - b) <= 0.05f * range).Count(n => n);
        Assert.IsTrue(near >= 0.9 * hard.Length, $"{near} of {hard.Length} scores agree; {string.Join("; ", result.Quantized.Layers.Select(l => $"{l.Name}: {l.IsInteger} {l.Reason}"))}");
    }

    [TestMethod]
    public void Layers_between_the_edges_have_signs_on_both_sides()
    {
        QuantizationAwareResult result = Run("resnet", Scheme("Bi-Real", "Bi-Real") with { TreatAsEdges = [BinaryNetworks.RealLayers] });
        ILookup<string, int> bits = result.Quantized.Layers.ToLookup(l => l.Name, l => l.WeightBits + l.ActivationBits);
        Assert.AreEqual(2, bits["stage1.conv2"].Single());
        Assert.AreEqual(16, bits["stage2.conv1.shortcut"].Single());
    }

    [TestMethod]
    [DataRow("mlp", "dense1")]
    [DataRow("lenet", "conv1")]
    public void Inputs_have_their_own_bits_where_all_layers_are_binary(string network, string first)
    {
        QuantizationAwareResult result = Run(network, Scheme("BNN", "BNN") with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 });
        Assert.AreEqual((1, 8), result.Quantized.Layers.Where(l => l.Name == first).Select(l => (l.WeightBits, l.ActivationBits)).Single());
        Assert.IsTrue(result.Quantized.Layers.Where(l => l.Name != first).All(l => l.ActivationBits == 1 && l.IsInteger));
        Assert.IsTrue(result.Training.History[^1].Loss < 0.7f * result.Training.History[0].Loss, $"{result.Training.History[0].Loss} to {result.Training.History[^1].Loss}");
    }

    [TestMethod]
    public void Scale_maps_are_means_of_sizes()
    {
        var layers = new LayerBuilder(1);
        Graph graph = layers.Build(layers.ScaleMap("map", layers.Input(Shape.Of(2, 3, 3)), 2, 1, 0));
        Tensor x = Tensor.Create<float>(Shape.Of(1, 2, 3, 3), [1, -2, 3, 0.5f, 0, -1, 2, 1, -4, -1, 0, 1, 1.5f, -2, 3, 0, 1, 2]);
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        Use.Near([1, 1.5f, 1, 1.75f], evaluator.Run([x])[0].Values<float>().ToArray());
    }

    [TestMethod]
    public void Gates_mix_a_branch_with_the_whole_and_learn_how_much()
    {
        var layers = new LayerBuilder(1);
        ValueId f = layers.Graph.AddConstant("f", Tensor.Create<float>(Shape.Of(1, 2), [1, -2]), isTrainable: true);
        ValueId z = layers.Graph.AddConstant("z", Tensor.Create<float>(Shape.Of(1, 2), [0.5f, 1]), isTrainable: true);
        ValueId gated = GroupNetwork.Between(layers, "block", [f], z, 0.4f)[0];
        Graph graph = layers.Build(layers.Add("y", gated, layers.Input(Shape.Of(2))));
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([Tensor.Allocate(ElementType.Float32, Shape.Of(1, 2))], new Dictionary<string, Tensor>(), training: true);
        Use.Near([0.799344f, -0.796063f], pass["y"].Values<float>().ToArray());
        Dictionary<string, Tensor> gradients = reverse.Backward(pass, Tensor.Create<float>(Shape.Of(1, 2), [0.3f, -0.2f]));
        Use.Near([0.180196f], gradients["block.gate.value"].Values<float>().ToArray());
        Use.Near([0.179606f, -0.119738f], gradients["f"].Values<float>().ToArray());
        Use.Near([0.120394f, -0.080262f], gradients["z"].Values<float>().ToArray());
    }

    [TestMethod]
    public void Bad_sizes_are_refused()
    {
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => BinaryNetworks.ResNet(9, _image)).Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => BinaryNetworks.DenseNet(_image, [2, 2], [])).Code);
    }

    private static QuantizationAwareScheme Scheme(string weights, string activations)
    {
        static QuantizationMethod Of(string name)
        {
            MethodEntry entry = QuantizationMethods.Find(name);
            ImmutableArray<int> bits = entry.Bits;
            return entry.Default(bits.Length > 1 ? bits[1] : bits[0]);
        }

        return new() { Weights = Of(weights), Activations = Of(activations) };
    }

    private static QuantizationAwareResult Run(string network, QuantizationAwareScheme scheme)
    {
        var options = new QuantizationAwareOptions
        {
            Scheme = scheme,
            Training = new TrainingOptions { Epochs = 5, BatchSize = 16, Seed = 3, Optimizer = new Adam(), Rate = 0.01f, LargestGradientNorm = 5 },
        };
        return SmallTraining.Trainer.Run(_networks[network](), Rows(96), options);
    }

    private static MemoryBatchSource Rows(int count) => SmallTraining.SignedQuarters(_image, count);

    private static (float[] Hard, float[] Engine) Scores(QuantizationAwareResult result, int count)
    {
        Tensor rows = Batches.Read(Rows(count), [.. Enumerable.Range(0, count)]).Input;
        using var evaluator = new Evaluator(result.Hardened, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single));
        using IGraphRunner runner = new EngineRunnerFactory(KernelRegistry.Active).Create(result.Quantized.Integer);
        return (evaluator.Run([rows])[0].Values<float>().ToArray(), runner.Run([rows])[0].Values<float>().ToArray());
    }
}
