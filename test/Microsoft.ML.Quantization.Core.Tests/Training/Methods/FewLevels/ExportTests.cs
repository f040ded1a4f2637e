using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Execution;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Every builder of binary networks with the recipes that belong to it: what training means by hard evaluation is what the engine computes.</summary>
[TestClass]
public sealed class ExportTests
{
    private const int Classes = 4;
    private const int Count = 64;

    private static readonly Shape _image = Shape.Of(1, 8, 8);

    // 7 → 4 → 2 and 5 → 3 → 2: each axis is odd once where the other is not.
    private static readonly Shape _odd = Shape.Of(1, 7, 5);

    private static readonly Dictionary<string, (Func<Graph> Build, Func<QuantizationAwareScheme> Scheme)> _pairs = new(StringComparer.Ordinal)
    {
        ["mlp, BNN"] = (() => Mlp(), () => Recipe("BNN", 1, 1) with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 }),
        ["mlp, BNN by shifts"] = (() => BinaryNetworks.ByShifts(Mlp()), () => Recipe("BNN", 1, 1) with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 }),
        ["mlp, BMXNet"] = (() => Mlp(), () => Recipe("BMXNet", 1, 1) with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 }),
        ["lenet, BMXNet"] = (() => LeNet(), () => Recipe("BMXNet", 1, 1)),
        ["lenet, BMXNet with scales"] = (() => LeNet(), () => Recipe("BMXNet", 1, 1) with { HasOffsets = false, Weights = new BmxNet { Bits = 1, Scale = SignScale.Exact } }),
        ["resnet, BMXNet"] = (() => BinaryNetworks.ResNet(8, _image, Classes, 8), () => Residual("BMXNet")),
        ["mlp, BinaryConnect"] = (() => Mlp(BinaryActivation.Rectifier), () => Recipe("BinaryConnect", 1, 8) with { EdgeLayers = EdgeLayers.SameBits }),
        ["mlp, XNOR"] = (() => Mlp(), () => Recipe("XNOR", 1, 1)),
        ["mlp, LAB over signs"] = (() => Mlp(), () => QuantizationAwareScheme.Of("LAB", 1, "BNN", 1)),
        ["mlp, HashNet"] = (() => Mlp(), () => QuantizationAwareScheme.Of("HashNet", 1, "HashNet", 1)),
        ["mlp, Tang"] = (() => Mlp(BinaryActivation.PRelu), () => Recipe("Tang", 1, 2)),
        ["lenet, BNN"] = (() => LeNet(), () => Recipe("BNN", 1, 1) with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 }),
        ["lenet, XNOR"] = (() => LeNet(), () => Recipe("XNOR", 1, 1)),
        ["lenet, XNOR with maps"] = (() => BinaryNetworks.LeNet5(_image, Classes, hasScaleMaps: true), () => Recipe("XNOR", 1, 1) with { KeepFloat = [BinaryNetworks.ScaleMaps] }),
        ["lenet, TBN"] = (() => LeNet(), () => Recipe("TBN", 1, 2)),
        ["lenet, TBN with bends"] = (() => LeNet(BinaryActivation.PRelu), () => Recipe("TBN", 1, 2)),
        ["vgg, TBN"] = (() => Vgg(), () => Recipe("TBN", 1, 2)),
        ["lenet, TBN with its threshold"] = (() => LeNet(), () => Recipe("TBN", 1, 2) with { Activations = new Tbn { Bits = 2, Inclusive = true } }),
        ["lenet, HORQ"] = (() => LeNet(), () => Recipe("HORQ", 1, 2)),
        ["lenet, Tang"] = (() => LeNet(BinaryActivation.PRelu), () => Recipe("Tang", 1, 2)),
        ["lenet, Tang with learned scales"] = (() => LeNet(BinaryActivation.PRelu), () => Recipe("Tang", 1, 2) with { Activations = new Horq { Bits = 2, LearnsScales = true } }),
        ["lenet, TTQ by share"] = (() => LeNet(BinaryActivation.Rectifier), () => Recipe("TTQ", 2, 8) with { Weights = new Ttq { Bits = 2, Sparsity = 0.6f } }),
        ["lenet, TWN"] = (() => LeNet(BinaryActivation.Rectifier), () => Recipe("TWN", 2, 8)),
        ["lenet, TTQ"] = (() => LeNet(BinaryActivation.Rectifier), () => Recipe("TTQ", 2, 8)),
        ["lenet, LAB"] = (() => LeNet(BinaryActivation.Rectifier), () => Recipe("LAB", 1, 8)),
        ["lenet, ADMM"] = (() => LeNet(BinaryActivation.Rectifier), () => Recipe("ADMM", 2, 8)),
        ["vgg, BNN"] = (() => Vgg(), () => Recipe("BNN", 1, 1)),
        ["vgg, BNN padded with -1"] = (() => Vgg(), () => Recipe("BNN", 1, 1) with { Padding = SignPadding.MinusOne }),
        ["vgg, XNOR"] = (() => Vgg(), () => Recipe("XNOR", 1, 1)),
        ["vgg, ABC-Net"] = (() => Vgg(), () => Recipe("ABC-Net", 3, 3)),
        ["vgg, ABC-Net by channel"] = (() => Vgg(), () => Recipe("ABC-Net", 2, 2) with { Weights = new AbcWeights { Bits = 2, PerChannel = true } }),
        ["vgg, ABC-Net of 25 pairs"] = (() => Vgg(), () => Recipe("ABC-Net", 5, 5)),
        ["vgg, IR-Net"] = (() => Vgg(), () => Recipe("IR-Net", 1, 1)),
        ["vgg, feasible targets"] = (() => Vgg(BinaryActivation.Rectifier), () => Recipe("FTProp", 1, 2)),
        ["resnet, Bi-Real"] = (() => BinaryNetworks.ResNet(8, _image, Classes, 8), () => Residual("Bi-Real")),
        ["resnet, Bi-Real padded with 1"] = (() => BinaryNetworks.ResNet(8, _image, Classes, 8), () => Residual("Bi-Real") with { Padding = SignPadding.One }),
        ["resnet, IR-Net"] = (() => BinaryNetworks.ResNet(8, _image, Classes, 8), () => Residual("IR-Net")),
        ["resnet, ResNetE"] = (() => BinaryNetworks.ResNet(8, _image, Classes, 8), () => BinaryTraining.ResNetE(1).Scheme),
        ["resnet, ReActNet"] = (() => BinaryNetworks.ResNet(8, _image, Classes, 8, hasShifts: true), () => Residual("Bi-Real")),
        ["resnet with rectifiers, ReActNet"] = (() => SmallNetworks.ResNet(8, _image, Classes, 8), () => Residual("ReActNet")),
        ["densenet, BinaryDenseNet"] = (() => BinaryNetworks.DenseNet(_image, [2, 2], [2], 8, Classes), () => BinaryTraining.BinaryDenseNet28(1).Scheme),
        ["densenet, dilated"] = (() => BinaryNetworks.DenseNet(_image, [1, 2, 1], [2, 2], 8, Classes, dilations: [1, 2, 4]), () => BinaryTraining.BinaryDenseNet28(1).Scheme),
        ["mobile blocks, ReActNet"] = (() => ImageNetworks.ReActNet(_image, Classes, 4), () => Recipe("Bi-Real", 1, 1)),
        ["odd resnet, Bi-Real"] = (() => BinaryNetworks.ResNet(8, _odd, Classes, 8), () => Residual("Bi-Real")),
        ["odd group net"] = (() => GroupNetwork.ResNet(8, _odd, 2, classes: Classes, width: 8), () => Residual("Group-Net") with { Padding = SignPadding.One }),
        ["odd group net, layer-wise"] = (() => GroupNetwork.LayerWise(8, _odd, 2, Classes, 8), () => Residual("Group-Net")),
        ["group net"] = (() => GroupNetwork.ResNet(8, _image, 2, classes: Classes, width: 8), () => Residual("Group-Net") with { Padding = SignPadding.One }),
        ["group net, layer-wise"] = (() => GroupNetwork.LayerWise(8, _image, 2, Classes, 8), () => Residual("Group-Net")),
        ["group net of two blocks"] = (() => GroupNetwork.ResNet(14, _image, new GroupForm { Branches = 2, Blocks = 2 }, Classes, 8), () => Residual("Group-Net") with { Padding = SignPadding.One }),
        ["group net of dilated branches"] = (() => GroupNetwork.ResNet(8, _image, new GroupForm { Branches = 2, Dilations = [[], [1, 2], [2, 3]] }, Classes, 8), () => Residual("Group-Net") with { Padding = SignPadding.One }),
        ["group net of one branch"] = (() => GroupNetwork.ResNet(8, _image, 1, hasGates: false, classes: Classes, width: 8), () => Residual("Group-Net") with { Padding = SignPadding.One }),
    };

    public static IEnumerable<object[]> Pairs => _pairs.Keys.Select(k => new object[] { k });

    [TestMethod]
    [DynamicData(nameof(Pairs))]
    public void Hard_evaluation_is_what_the_engine_computes(string pair)
    {
        (Func<Graph> build, Func<QuantizationAwareScheme> scheme) = _pairs[pair];
        QuantizationAwareResult result = Train(build(), scheme());
        Assert.AreEqual(scheme().KeepFloat.Length, result.Quantized.Layers.Count(l => !l.IsInteger), string.Join("; ", result.Quantized.Layers.Select(l => $"{l.Name}: {l.Reason}")));

        // Bit for bit: the lowered network by the normative interpreter and by the engine on every kernel set.
        Shape row = Row(result.Hardened);
        IReadOnlyList<Tensor> expected = new Evaluator(result.Quantized.Integer, OperatorTable.Reference).Run([Images(3, row)]);
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using Engine runs = EngineAssert.Create(result.Quantized.Integer, ModelSignature.Of(result.Quantized.Integer), set, 1);
            EngineAssert.AreEqual(expected, runs.Run([Images(3, row)]), set.Name);
        }

        // The training graph with hard quantizers differs from it by the rounding of float sums alone, which at most moves a code that lies on the border of two.
        float[] hard = Scores(result.Hardened, Images(Count, row));
        float[] engine = Scores(result.Quantized.Integer, Images(Count, row));
        float range = hard.Max() - hard.Min();
        Assert.AreEqual(0, Enumerable.Range(0, Count).Count(r => Best(hard, r) != Best(engine, r)), "differing classes");
        Assert.AreEqual(0, hard.Zip(engine).Count(p => Math.Abs(p.First - p.Second) > 0.005f * range), "differing scores");
    }

    [TestMethod]
    [DataRow("lenet, TBN")]
    [DataRow("lenet, TBN with bends")]
    [DataRow("vgg, TBN")]
    public void Nothing_is_float_between_layers_of_ternary_inputs(string pair)
    {
        // Behind pools and bends as well; edges alone have codes of 8 bits, too many for thresholds, so here they have what all layers have.
        (Func<Graph> build, Func<QuantizationAwareScheme> scheme) = _pairs[pair];
        Graph integer = Train(build(), scheme() with { EdgeLayers = EdgeLayers.SameBits }).Quantized.Integer;
        Assert.IsTrue(integer.Nodes.OfType<Thresholds>().Count() >= 2, GraphPrinter.Print(integer));
        Assert.AreEqual(1, integer.Nodes.OfType<Quantize>().Count(), "the input");
        Assert.IsFalse(integer.Nodes.Any(n => n is not DequantizeAccumulator && integer[n.Output].Type is { Element: ElementType.Float32 } && integer.Outputs[0] != n.Output), GraphPrinter.Print(integer));
        Assert.IsTrue(integer.Nodes.OfType<DequantizeAccumulator>().Count() <= 1, "the scores");
    }

    [TestMethod]
    [DataRow("vgg, XNOR")]
    [DataRow("resnet, Bi-Real")]
    public void Rows_held_back_are_scored_by_the_network_that_is_exported(string pair)
    {
        (Func<Graph> build, Func<QuantizationAwareScheme> scheme) = _pairs[pair];
        var options = new QuantizationAwareOptions
        {
            Scheme = scheme(),
            InitialRows = 8,
            Training = new TrainingOptions { Epochs = 1, BatchSize = 16, Seed = 3, Optimizer = new Adam(), Rate = 0.01f, ValidationShare = 0.3f },
        };
        var trainer = SmallTraining.Trainer;
        QuantizationAwareResult result = trainer.Run(build(), Rows(_image), options);

        // The rows held back are the first of the permutation of the seed.
        int[] held = [.. Batches.Permutation(Count, 3, -1).Take((int)(Count * 0.3)).Order()];
        (Tensor input, float[] targets) = Batches.Read(Rows(_image), held);
        LossValue value = Losses.Of(TrainingLoss.SoftmaxCrossEntropy, Tensor.Create(Shape.Of(held.Length, Classes), Scores(result.Quantized.Integer, input)), targets);
        Assert.AreEqual(value.Sum / held.Length, result.Training.History[0].ValidationLoss, 1e-6f * Math.Abs(value.Sum));
        Assert.AreEqual((float)value.Correct / held.Length, result.Training.History[0].ValidationAccuracy);
    }

    [TestMethod]
    public void Admm_trains_by_the_extragradient()
    {
        var options = new QuantizationAwareOptions
        {
            Scheme = Recipe("ADMM", 2, 8),
            Training = new TrainingOptions { Epochs = 6, BatchSize = 16, Seed = 3, Optimizer = new Extragradient(), Rate = 0.05f, LargestGradientNorm = 5 },
        };
        var trainer = SmallTraining.Trainer;
        QuantizationAwareResult result = trainer.Run(LeNet(BinaryActivation.Rectifier), Rows(_image), options);
        Assert.IsTrue(result.Training.History[^1].Loss < 0.7f * result.Training.History[0].Loss, $"{result.Training.History[0].Loss} to {result.Training.History[^1].Loss}");
        float[] hard = Scores(result.Hardened, Images(Count));
        float[] engine = Scores(result.Quantized.Integer, Images(Count));
        Assert.AreEqual(0, Enumerable.Range(0, Count).Count(r => Best(hard, r) != Best(engine, r)), "differing classes");
    }

    [TestMethod]
    public void Nothing_rounds_where_signs_meet_shifts()
    {
        (Func<Graph> build, Func<QuantizationAwareScheme> scheme) = _pairs["mlp, BNN by shifts"];
        QuantizationAwareResult result = Train(build(), scheme() with { InputBits = 0 });
        CollectionAssert.AreEqual(Scores(result.Hardened, Images(Count)), Scores(result.Quantized.Integer, Images(Count)));
    }

    private static int Best(float[] scores, int row) => Enumerable.Range(0, Classes).MaxBy(c => scores[(row * Classes) + c]);

    private static Graph Mlp(BinaryActivation activation = BinaryActivation.None) => BinaryNetworks.Mlp(_image, [48, 32], Classes, activation);

    private static Graph LeNet(BinaryActivation activation = BinaryActivation.None) => BinaryNetworks.LeNet5(_image, Classes, activation);

    private static Graph Vgg(BinaryActivation activation = BinaryActivation.None) => BinaryNetworks.VggSmall(_image, Classes, 8, [16], activation);

    private static QuantizationAwareScheme Recipe(string name, int weights, int activations) => TrainingRecipes.Find(name).Scheme(weights, activations);

    private static QuantizationAwareScheme Residual(string name) => Recipe(name, 1, 1) with { TreatAsEdges = [BinaryNetworks.RealLayers] };

    private static QuantizationAwareResult Train(Graph graph, QuantizationAwareScheme scheme)
    {
        var options = new QuantizationAwareOptions
        {
            Scheme = scheme,
            Training = new TrainingOptions { Epochs = 1, BatchSize = 16, Seed = 3, Optimizer = new Adam(), Rate = 0.01f, LargestGradientNorm = 5 },
        };
        return SmallTraining.Trainer.Run(graph, Rows(Row(graph)), options);
    }

    private static MemoryBatchSource Rows(Shape image) => SmallTraining.SignedQuarters(image, Count);

    private static Tensor Images(int count) => Images(count, _image);

    private static Tensor Images(int count, Shape image) => Batches.Read(Rows(image), [.. Enumerable.Range(0, count)]).Input;

    private static Shape Row(Graph graph) => new([.. graph[graph.Inputs[0]].Type.Shape.Dimensions[1..]]);

    private static float[] Scores(Graph graph, Tensor rows)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single));
        return evaluator.Run([rows])[0].Values<float>().ToArray();
    }
}
