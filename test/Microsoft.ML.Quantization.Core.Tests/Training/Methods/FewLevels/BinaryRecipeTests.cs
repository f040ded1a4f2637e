using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>What the recipes of binary networks have beside quantizers: an optimizer and batch normalization by shifts, and the squared hinge.</summary>
[TestClass]
public sealed class BinaryRecipeTests
{
    [TestMethod]
    public void Shifts_step_by_powers_of_two()
    {
        var optimizer = new ShiftAdaMax();
        float[] w = [0.5f, 1];
        Memory<float>[] slots = [new float[2], new float[2]];
        optimizer.Step(w, [0.3f, 0], slots, 1f / 1024, 1);
        Assert.AreEqual(0.498828125f, w[0]);
        optimizer.Step(w, [-0.1f, 0], slots, 1f / 1024, 2);
        Assert.AreEqual(0.4985107421875f, w[0], 1e-7f);
        Assert.AreEqual(1f, w[1]);
    }

    [TestMethod]
    public void Normalization_by_shifts_multiplies_by_powers_of_two()
    {
        Graph graph = Normalization([1, 2, 4, 5], 1.4f, 0.25f);
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        Dictionary<string, Tensor> constants = new TrainingState(graph, 0).Constants;
        using ForwardPass pass = reverse.Forward([Tensor.Allocate(ElementType.Float32, Shape.Of(4, 1))], constants, training: true);

        // Mean 3, v = 2.5, p(1/√2.5) = ½, p(1.4) = 1.
        Use.Near([-0.75f, -0.25f, 0.75f, 1.25f], pass["y"].Values<float>().ToArray());
        Dictionary<string, Tensor> gradients = reverse.Backward(pass, Tensor.Create<float>(Shape.Of(4, 1), [1, 0, 0, 0]));
        Use.Near([-1], gradients["bn.scale"].Values<float>().ToArray());
        Use.Near([1], gradients["bn.shift"].Values<float>().ToArray());

        // a = ½, dy − mean dy − x̂·mean(dy·x̂) with x̂ = (−1, −½, ½, 1).
        Use.Near([0.5f * (0.75f - 0.25f), 0.5f * (-0.25f - 0.125f), 0.5f * (-0.25f + 0.125f), 0.5f * (-0.25f + 0.25f)], gradients["x"].Values<float>().ToArray());
    }

    [TestMethod]
    public void Bethge_trainings_have_the_published_numbers()
    {
        (QuantizationAwareOptions Options, float Bound, float Rate, int Batch, double Gamma, int[] Falls)[] trainings =
        [
            (BinaryTraining.ResNetE(), 1.25f, 0.004f, 1024, 0.3, [70, 90, 110]),
            (BinaryTraining.BinaryDenseNet28(), 1.3f, 0.004f, 256, 0.1, [100, 110]),
            (BinaryTraining.BinaryDenseNet45(), 1.3f, 0.008f, 384, 0.1, [80, 100]),
        ];
        foreach ((QuantizationAwareOptions options, float bound, float rate, int batch, double gamma, int[] falls) in trainings)
        {
            options.Validate();
            foreach (QuantizationMethod method in new[] { options.Scheme.Weights!, options.Scheme.Activations! })
            {
                var signs = (Bnn)method;
                Assert.AreEqual((bound, false, false), (signs.Slope.Bound, signs.StretchSteps, signs.Stochastic));
            }

            Assert.AreEqual((rate, batch, 0f), (options.Training.Rate, options.Training.BatchSize, options.Training.Decay));
            for (int i = 0; i < falls.Length; i++)
            {
                Assert.AreEqual(Math.Pow(gamma, i), options.Training.Schedule.Factor((falls[i] * 10L) - 1, 10, options.Training.Epochs), 1e-12);
                Assert.AreEqual(Math.Pow(gamma, i + 1), options.Training.Schedule.Factor(falls[i] * 10L, 10, options.Training.Epochs), 1e-12);
            }
        }

        CollectionAssert.AreEqual(new[] { 7, 9, 11 }, ((StepSchedule)BinaryTraining.ResNetE(12).Training.Schedule).Epochs.ToArray());
    }

    [TestMethod]
    public void Latent_weights_end_where_the_window_of_gradients_ends()
    {
        Bnn signs = (Bnn)BinaryTraining.BinaryDenseNet28().Scheme.Weights!;
        var use = new Use(signs, [1, -1, 0.5f, 0]);
        Use.Near([1.3f, -1.3f, 0.7f, 0], use.After(1.5f, -1.31f, 0.7f, 0));
        var activations = new Use(signs, [-1.5f, -1.3f, -1.0001f, 0, 1.29f, 1.31f], site: QuantizerSites.Activations);
        Use.Near([0, 1, 1, 1, 1, 0], activations.Back(1, 1, 1, 1, 1, 1).Dx);
    }

    [TestMethod]
    [DataRow("Bi-Real", 1, 1f)]
    [DataRow("BNN", 1, 1f)]
    [DataRow("ABC-W", 1, 1f)]
    [DataRow("ADMM", 2, 1f)]
    [DataRow("TWN", 2, 0.75f)]
    [DataRow("ABC-W", 2, 0.75f)]
    public void Decay_leaves_latent_weights_of_signs_alone_unless_a_group_names_them(string method, int bits, float kept)
    {
        var scheme = new QuantizationAwareScheme { Weights = QuantizationMethods.Find(method).Default(bits), EdgeLayers = EdgeLayers.SameBits };
        Graph graph = InsertLearnedQuantizers.Run(BinaryNetworks.Mlp(Shape.Of(6), [8], 3), scheme, _ => RandomTensors.Floats(Shape.Of(4, 6), 1));
        var options = new TrainingOptions { Optimizer = new Sgd(0), Decay = 1, Groups = [new ParameterGroup("scores.weight", Decay: 1)] };
        var state = new TrainingState(graph, options.Optimizer);
        string[] names = ["dense1.weight", "scores.weight", "dense1.bn.scale"];
        foreach (string name in names)
        {
            // Small enough that no method clips, and the same as its own sign times a scale.
            state.Constants[name].Writable<float>().Fill(0.25f);
        }

        Dictionary<string, Tensor> gradients = names.ToDictionary(n => n, n => Tensor.Allocate(ElementType.Float32, state.Constants[n].Shape));
        new Stepper(graph, options, state, WorkerPool.Single).Step(state, gradients, 0, 0.25f, new MethodContext(1, 0, 10, 10));
        float stretched = method == "BNN" ? 1 - (0.25f / LatentWeights.Glorot(Shape.Of(3, 8))) : 0.75f;
        Assert.AreEqual(0.25f * kept, state.Constants[names[0]].Values<float>()[0], 1e-6f);
        Assert.AreEqual(0.25f * stretched, state.Constants[names[1]].Values<float>()[0], 1e-6f, "named by a group");
        Assert.AreEqual(0.25f * 0.75f, state.Constants[names[2]].Values<float>()[0], 1e-6f, "no latent weights");
    }

    [TestMethod]
    public void Only_adam_tells_second_moments()
    {
        Graph graph = BinaryNetworks.Mlp(Shape.Of(6), [8], 3);
        (Optimizer Optimizer, int Count)[] optimizers = [(new Adam(), 48), (new AdaMax(), 0), (new ShiftAdaMax(), 0), (new Sgd(), 0), (new Extragradient(), 0)];
        foreach ((Optimizer optimizer, int count) in optimizers)
        {
            Assert.AreEqual(count, new TrainingState(graph, optimizer).SecondMoments("dense1.weight").Length, $"{optimizer}");
        }
    }

    [TestMethod]
    public void The_extragradient_takes_its_step_by_the_gradient_of_where_descent_would_lead()
    {
        // (w − 1)² over rows x = 1 and target 1: w′ = w − η·2(w − 1), w ← w − η·2(w′ − 1), so that w − 1 is multiplied by 1 − 2η(1 − 2η).
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Microsoft.ML.Quantization.Graphs.ValueType.Float(new Shape([Shape.Free, 1])));
        ValueId w = builder.AddConstant("w", Tensor.Create<float>(Shape.Of(1, 1), [3]), isTrainable: true);
        builder.AddOutput(builder.Add(new Dense { Inputs = [x, w] }));
        var options = new TrainingOptions { Epochs = 3, BatchSize = 2, Loss = TrainingLoss.MeanSquaredError, Optimizer = new Extragradient(), Rate = 0.1f };
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(builder.Build(), new MemoryBatchSource(Shape.Of(1), [1, 1], [1, 1]), options);
        Assert.AreEqual(1 + (2 * Math.Pow(1 - (0.2 * 0.8), 3)), result.Graph.Values.Single(v => v.Name == "w").Constant!.Values<float>()[0], 1e-5);
    }

    [TestMethod]
    public void Powers_of_two_are_the_same_in_lanes()
    {
        float[] x = [0.7f, 3, -0.3f, 1.4f, 1.5f, 0, -5, 1.41421354f, 1.41421366f, -0f, 1e-39f, float.PositiveInfinity, float.NaN, 3e38f, 1.2e-38f, -7e-3f];
        Use.Near([0.5f, 4, -0.25f, 1, 2, 0, -4, 1, 2], [.. x[..9].Select(v => PowerOfTwo.Nearest(v))]);
        float[] lanes = new float[x.Length];
        LaneMap.Map(default(Nearest), x, lanes);
        CollectionAssert.AreEqual(x.Select(v => PowerOfTwo.Nearest(v)).ToArray(), lanes);
    }

    [TestMethod]
    public void Shifts_fold_into_layers_without_rounding_and_are_kept_in_files()
    {
        Graph graph = BinaryNetworks.ByShifts(BinaryNetworks.Mlp(Shape.Of(6), [8], 3));
        Assert.IsTrue(graph.Nodes.OfType<BatchNormalization>().All(n => n.IsByShifts));
        foreach (BatchNormalization node in graph.Nodes.OfType<BatchNormalization>())
        {
            ChannelAffine affine = ChannelAffine.Of(graph, node)!;
            Assert.IsTrue(affine.Scale.All(s => s == PowerOfTwo.Nearest((float)s)));
            var attributes = new NodeAttributes();
            node.Describe(attributes);
            Assert.IsTrue(BatchNormalization.Read(attributes).IsByShifts);
        }
    }

    private static Graph Normalization(float[] x, float scale, float shift)
    {
        var builder = new GraphBuilder();
        ValueId input = builder.AddInput("input", Microsoft.ML.Quantization.Graphs.ValueType.Float(Shape.Of(x.Length, 1)));
        ValueId values = builder.AddConstant("x", Tensor.Create(Shape.Of(x.Length, 1), x), isTrainable: true);
        ValueId sum = builder.Add(new Binary { Operator = BinaryOperator.Add, Inputs = [input, values] });
        ValueId[] numbers = [.. new[] { ("scale", scale), ("shift", shift), ("mean", 0f), ("variance", 1f) }
            .Select(p => builder.AddConstant("bn." + p.Item1, Tensor.Create<float>(Shape.Of(1), [p.Item2]), isTrainable: true))];
        builder.AddOutput(builder.Add(new BatchNormalization { Epsilon = 1e-4f, IsByShifts = true, Inputs = [sum, .. numbers] }, "y"));
        return builder.Build();
    }

    private readonly struct Nearest : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => PowerOfTwo.Nearest(x);
    }

    [TestMethod]
    public void The_squared_hinge_counts_what_is_missing_to_one()
    {
        Tensor output = Tensor.Create<float>(Shape.Of(2, 3), [0.5f, -2, 0.25f, 3, 1, -1]);
        LossValue value = Losses.Of(TrainingLoss.SquaredHinge, output, [0, 1]);

        // Row 0: ½² + 0 + 1.25²; row 1: 4² + 0 + 0.
        Assert.AreEqual((0.25f + 1.5625f + 16) / 3, value.Sum, 1e-5f);
        Assert.AreEqual(1, value.Correct);
        Use.Near([-1f / 6, 0, 2.5f / 6, 8f / 6, 0, 0], value.Gradient.Values<float>().ToArray());
    }

    [TestMethod]
    public void The_gradient_of_the_squared_hinge_is_that_of_differences()
    {
        float[] x = RandomTensors.Floats(Shape.Of(4, 5), 3).Values<float>().ToArray();
        float[] labels = [0, 4, 2, 2];
        float Mean(float[] at) => Losses.Of(TrainingLoss.SquaredHinge, Tensor.Create(Shape.Of(4, 5), at), labels).Sum / 4;
        float[] gradient = Losses.Of(TrainingLoss.SquaredHinge, Tensor.Create(Shape.Of(4, 5), x), labels).Gradient.Values<float>().ToArray();
        for (int i = 0; i < x.Length; i++)
        {
            const float Step = 1f / 256;
            float up = Mean([.. x.Select((v, j) => j == i ? v + Step : v)]);
            float down = Mean([.. x.Select((v, j) => j == i ? v - Step : v)]);
            Assert.AreEqual((up - down) / (2 * Step), gradient[i], 2e-3f, $"[{i}]");
        }
    }
}
