using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Batch normalization folded into the weights in training (Jacob et al., 2018, section 3.2).</summary>
[TestClass]
public sealed class FoldingTests
{
    private static readonly Shape _image = Shape.Of(1, 8, 8);

    [TestMethod]
    public void The_correction_gives_the_normalization_of_the_batch_and_the_freeze_that_of_the_run()
    {
        // gamma = 1.5, beta = 0.2, mean = 0.4, variance = 0.09, epsilon = 1e-3; a batch of mean 0.5 and variance 0.16 with the value 0.7.
        float spread = MathF.Sqrt(0.28f);
        float[] batch = [0.7f, 0.3f, 0.5f + spread, 0.5f - spread];
        Assert.AreEqual(0.94766717941884, Folded(batch, freezeAt: 1)[0], 1e-6);
        Assert.AreEqual(1.69173547429654, Folded(batch, freezeAt: 0)[0], 1e-6);
    }

    [TestMethod]
    public void A_batch_of_one_value_a_channel_is_normalized_by_the_run()
    {
        CollectionAssert.AreEqual(Folded([0.7f], freezeAt: 0), Folded([0.7f], freezeAt: 1));
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => SmallTraining.Trainer.Run(
            BinaryNetworks.Mlp(_image, [8], 4, activation: BinaryActivation.Rectifier), Rows(), new() { Scheme = TrainingRecipes.Find("Affine").Scheme(8, 8), InitialRows = 8, Training = new TrainingOptions { Epochs = 1, BatchSize = 1 } }));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
        StringAssert.Contains(error.Message, "dense1.bn");
    }

    [TestMethod]
    public void Without_quantizers_values_and_gradients_are_those_of_the_plain_network()
    {
        Tensor rows = RandomTensors.Floats(Shape.Of(9, 3, 6, 6), 3);
        Tensor direction = RandomTensors.Floats(Shape.Of(9, 5, 6, 6), 4);
        (float[] plain, Dictionary<string, Tensor> expected) = Passes(Layer(isFolded: false), rows, direction);
        (float[] folded, Dictionary<string, Tensor> found) = Passes(Layer(isFolded: true), rows, direction);
        Near(plain, folded, "y");
        foreach (string name in new[] { "w", "gamma", "beta" })
        {
            Near(expected[name].Values<float>().ToArray(), found[name].Values<float>().ToArray(), name);
        }
    }

    [TestMethod]
    [DataRow(8, 8)]
    [DataRow(4, 4)]
    public void The_exported_network_is_what_evaluation_of_the_trained_one_computes(int weightBits, int activationBits)
    {
        QuantizationAwareResult result = Run(TrainingRecipes.Find("Affine").Scheme(weightBits, activationBits), WorkerPool.Single);
        Graph trained = result.Training.Graph;
        Assert.AreEqual(6, trained.Nodes.Count(n => n is FoldedNormalization));
        Assert.IsFalse(trained.Nodes.Any(n => n is BatchNormalization));
        Assert.IsFalse(result.Hardened.Nodes.Any(n => n is FoldedNormalization or FoldedWeights or LearnedQuantize or BatchNormalization));
        Tensor rows = Batches.Read(Rows(), [.. Enumerable.Range(0, 16)]).Input;
        CollectionAssert.AreEqual(Evaluate(trained, rows), Evaluate(result.Hardened, rows));
        foreach (CodeDomain.Site site in CodeDomain.Run(result, rows))
        {
            CollectionAssert.AreEqual(site.Expected, site.Found, site.Name);
            Assert.IsTrue(site.Found.Zip(site.Nearest).All(p => Math.Abs(p.First - p.Second) <= 1.001f * site.Step), site.Name);
        }

        Assert.IsTrue(result.Quantized.Layers.All(l => l.IsInteger));
        Assert.IsTrue(result.Training.History[^1].Loss < 0.8f * result.Training.History[0].Loss, $"{result.Training.History[0].Loss} to {result.Training.History[^1].Loss}");
    }

    [TestMethod]
    public void Statistics_stand_still_from_the_freeze_on()
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("Affine").Scheme(8, 8);
        Graph start = SmallNetworks.VggSmall(_image, 4, 4);
        Graph frozen = Run(scheme with { Folding = new NormalizationFolding(0) }, WorkerPool.Single).Training.Graph;
        Graph moved = Run(scheme with { Folding = new NormalizationFolding(1) }, WorkerPool.Single).Training.Graph;
        foreach (string name in (string[])["conv2.bn.mean", "conv5.bn.variance"])
        {
            CollectionAssert.AreEqual(Constant(start, name), Constant(frozen, name));
            CollectionAssert.AreNotEqual(Constant(start, name), Constant(moved, name));
        }
    }

    [TestMethod]
    public void Threads_never_change_a_bit()
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("Affine").Scheme(8, 8);
        float[][] found = [.. ((WorkerPool[])[WorkerPool.Single, new ParallelPool(3)]).Select(pool => Constant(Run(scheme, pool).Training.Graph, "conv3.weight"))];
        CollectionAssert.AreEqual(found[0], found[1]);
    }

    [TestMethod]
    public void Biases_and_other_readers_keep_their_normalization_and_methods_that_act_on_weights_are_refused()
    {
        var layers = new LayerBuilder(3);
        ValueId x = layers.Normalize("bn1", layers.Convolution("conv1", layers.Input(_image), 4, 3, 1, hasBias: true));
        ValueId y = layers.Convolution("conv2", x, 4, 3, 1, hasBias: false);
        x = layers.Add("add", layers.Normalize("bn2", y), y);
        Graph graph = layers.Build(layers.Dense("scores", layers.Flatten("flatten", x), 4));
        QuantizationAwareScheme scheme = TrainingRecipes.Find("Affine").Scheme(8, 8);
        Graph prepared = InsertLearnedQuantizers.Run(graph, scheme, name => RandomTensors.Floats(graph.Values.Single(v => v.Name == name).Type.Shape.Bind(2), 5));
        Assert.AreEqual(2, prepared.Nodes.Count(n => n is BatchNormalization));
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => (QuantizationAwareScheme.Of("BWN", 1, "LSQ", 8) with { Folding = new NormalizationFolding() }).Validate());
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
    }

    private static float[] Folded(float[] batch, float freezeAt)
    {
        var builder = new GraphBuilder();
        ValueId input = builder.AddInput("input", Microsoft.ML.Quantization.Graphs.ValueType.Float(Shape.Of(batch.Length, 1)));
        ValueId w = builder.AddConstant("w", Tensor.Create<float>(Shape.Of(1, 1), [1]), isTrainable: true);
        ValueId[] p = [.. new (string Name, float Value)[] { ("gamma", 1.5f), ("beta", 0.2f), ("mean", 0.4f), ("variance", 0.09f) }
            .Select(c => builder.AddConstant(c.Name, Tensor.Create<float>(Shape.Of(1), [c.Value]), isTrainable: true))];
        ValueId folded = builder.Add(new FoldedWeights { Epsilon = 1e-3f, Inputs = [w, p[0], p[3]] });
        ValueId y = builder.Add(new Dense { Inputs = [input, folded] });
        ValueId own = builder.Add(new Dense { Inputs = [input, w] });
        builder.AddOutput(builder.Add(new FoldedNormalization { Epsilon = 1e-3f, FreezeAt = freezeAt, Inputs = [y, own, .. p] }, "y"));
        Graph graph = builder.Build();
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([Tensor.Create<float>(Shape.Of(batch.Length, 1), batch)], new TrainingState(graph, 0).Constants, training: true);
        return pass["y"].Values<float>().ToArray();
    }

    private static Graph Layer(bool isFolded)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Microsoft.ML.Quantization.Graphs.ValueType.Float(new Shape([Shape.Free, 3, 6, 6])));
        ValueId w = builder.AddConstant("w", RandomTensors.Floats(Shape.Of(5, 3, 3, 3), 1, 0.3f), isTrainable: true);
        ValueId[] p = [.. new (string Name, float Low, float High)[] { ("gamma", 0.5f, 2), ("beta", -1, 1), ("mean", -1, 1), ("variance", 0.5f, 2) }
            .Select((c, i) => builder.AddConstant(c.Name, RandomTensors.Floats(Shape.Of(5), (ulong)(10 + i), c.Low, c.High), isTrainable: true))];
        var layer = new Convolution { Inputs = [x, w], Window = new Window { Kernel = [3, 3], Strides = [1, 1], Dilations = [1, 1], PadsBegin = [1, 1], PadsEnd = [1, 1] } };
        if (!isFolded)
        {
            builder.AddOutput(builder.Add(new BatchNormalization { Inputs = [builder.Add(layer), .. p] }, "y"));
            return builder.Build();
        }

        ValueId folded = builder.Add(new FoldedWeights { Inputs = [w, p[0], p[3]] });
        builder.AddOutput(builder.Add(new FoldedNormalization { FreezeAt = 1, Inputs = [builder.Add(layer with { Inputs = [x, folded] }), builder.Add(layer), .. p] }, "y"));
        return builder.Build();
    }

    private static (float[] Y, Dictionary<string, Tensor> Gradients) Passes(Graph graph, Tensor rows, Tensor direction)
    {
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        ForwardPass pass = reverse.Forward([rows], new TrainingState(graph, 0).Constants, training: true);
        return (pass["y"].Values<float>().ToArray(), reverse.Backward(pass, direction));
    }

    private static void Near(float[] expected, float[] found, string name)
    {
        float largest = expected.Max(Math.Abs);
        Assert.AreEqual(0, expected.Zip(found).Max(p => Math.Abs(p.First - p.Second)) / largest, 2e-5f, name);
    }

    private static QuantizationAwareResult Run(QuantizationAwareScheme scheme, WorkerPool pool)
    {
        var options = new QuantizationAwareOptions
        {
            Scheme = scheme,
            InitialRows = 16,
            Training = new TrainingOptions { Epochs = 5, BatchSize = 16, Seed = 3, Optimizer = new Adam(), Rate = 0.01f, LargestGradientNorm = 5 },
        };
        return new QuantizationAwareTrainer(KernelRegistry.Active, pool, new EngineRunnerFactory(KernelRegistry.Active)).Run(SmallNetworks.VggSmall(_image, 4, 4), Rows(), options);
    }

    private static MemoryBatchSource Rows() => SmallTraining.Quarters(_image, 48);

    private static float[] Evaluate(Graph graph, Tensor rows)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single));
        return evaluator.Run([rows])[0].Values<float>().ToArray();
    }

    private static float[] Constant(Graph graph, string name) => graph.Values.Single(v => v.Name == name).Constant!.Values<float>().ToArray();
}
