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
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>XNOR-Net's maps of scales in any network, as constants or with their own gradient.</summary>
[TestClass]
public sealed class ScaleMapTests
{
    private static readonly Shape _image = Shape.Of(1, 8, 8);

    // [2, 3, 3]; a 2×2 window sees means of 1, 1½, 1 and 1¾.
    private static readonly float[] _x = [1, -2, 3, 0.5f, 0, -1, 2, 1, -4, -1, 0, 1, 1.5f, -2, 3, 0, 1, 2];
    private static readonly float[] _k = [1, 1.5f, 1, 1.75f];

    [TestMethod]
    [DataRow(SignPadding.Zero)]
    [DataRow(SignPadding.One)]
    public void Sums_are_multiplied_by_the_mean_size_of_what_they_are_taken_over(SignPadding padding)
    {
        // Padded by 1 at the begin, the corner of the map sees one place of four.
        Graph plain = Prepared(Line(pad: 1), ScaleMaps.None, padding);
        Graph mapped = Prepared(Line(pad: 1), ScaleMaps.Constant, padding);
        float[] sums = Value(plain, "inner");
        float[] map = Value(mapped, "inner.map");
        Use.Near([2f / 8, 4f / 8, 6f / 8, 4f / 8, 1, 1.5f, 4f / 8, 1, 1.75f], map);
        Use.Near([.. sums.Zip(map, (s, k) => s * k)], Value(mapped, "inner"));
    }

    [TestMethod]
    [DataRow(ScaleMaps.Constant)]
    [DataRow(ScaleMaps.Differentiated)]
    public void A_constant_map_passes_no_gradient_and_another_one_spreads_it(ScaleMaps maps)
    {
        Graph graph = Prepared(Line(pad: 0), maps, SignPadding.Zero);
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([Tensor.Allocate(ElementType.Float32, Shape.Of(1, 2, 3, 3))], new Dictionary<string, Tensor>(), training: true);
        Use.Near(_k, pass["inner.map"].Values<float>().ToArray());
        float[] g = [0.5f, -1, 2, 0.25f];
        float[] found = reverse.Backward(pass, Tensor.Create<float>(Shape.Of(1, 1, 2, 2), g))["x"].Values<float>().ToArray();
        float[] sums = pass["inner.sum"].Values<float>().ToArray();

        // All weights are ¼, and so is their scale: dx = ¼·Σ g·K where |x| ≤ 1, and sgn(x)·Σ g·s/8 by the map.
        var expected = new float[_x.Length];
        for (int i = 0; i < expected.Length; i++)
        {
            (int row, int column) = (i / 3 % 3, i % 3);
            foreach (int o in Enumerable.Range(0, 4).Where(o => row - (o / 2) is 0 or 1 && column - (o % 2) is 0 or 1))
            {
                expected[i] += Math.Abs(_x[i]) <= 1 ? 0.25f * g[o] * _k[o] : 0;
                expected[i] += maps == ScaleMaps.Differentiated ? Math.Sign(_x[i]) * g[o] * sums[o] / 8 : 0;
            }
        }

        Use.Near(expected, found);
    }

    [TestMethod]
    public void Builders_have_one_map_an_input_and_window()
    {
        QuantizationAwareScheme real = Scheme(ScaleMaps.Constant) with { EdgeLayers = EdgeLayers.EightBits, TreatAsEdges = [BinaryNetworks.RealLayers] };
        Assert.AreEqual(6, Maps(BinaryNetworks.ResNet(8, _image, 4, 4), real));
        Assert.AreEqual(6, Maps(BinaryNetworks.ResNet(8, _image, 4, 4, hasShifts: true), real));
        Assert.AreEqual(4, Maps(BinaryNetworks.DenseNet(_image, [2, 2], [2], 8, 4), real));
        Assert.AreEqual(6, Maps(GroupNetwork.LayerWise(8, _image, 3, 4, 4), real), "branches share the map of their input");
        Assert.AreEqual(1, Maps(BinaryNetworks.LeNet5(_image, 4), real with { TreatAsEdges = [] }), "dense layers have none, nor has the first");
        Assert.AreEqual(0, Maps(SmallNetworks.VggSmall(_image, 4, 4), real with { TreatAsEdges = [] }), "signs behind rectifiers are 0 and 1");
    }

    [TestMethod]
    [DataRow("lenet")]
    [DataRow("resnet")]
    public void Networks_with_maps_learn_and_the_engine_agrees(string network)
    {
        Graph graph = network == "lenet" ? BinaryNetworks.LeNet5(_image, 4) : BinaryNetworks.ResNet(8, _image, 4, 4);
        var options = new QuantizationAwareOptions
        {
            Scheme = TrainingRecipes.Find("XNOR").Scheme(1, 1) with { ScaleMaps = ScaleMaps.Constant, TreatAsEdges = network == "lenet" ? [] : [BinaryNetworks.RealLayers] },
            Training = new TrainingOptions { Epochs = 3, BatchSize = 8, Seed = 3, Optimizer = new Adam(), Rate = 0.01f, LargestGradientNorm = 5 },
        };
        QuantizationAwareResult result = SmallTraining.Trainer.Run(graph, Rows(32), options);
        Assert.IsTrue(result.Training.History[^1].Loss < 0.9f * result.Training.History[0].Loss, $"{result.Training.History[0].Loss} to {result.Training.History[^1].Loss}");
        Assert.IsTrue(result.Quantized.Layers.All(l => l.IsInteger != l.Name.EndsWith(".map", StringComparison.Ordinal)), string.Join("; ", result.Quantized.Layers.Select(l => $"{l.Name}: {l.Reason}")));
        Assert.IsTrue(result.Training.Graph.Nodes.OfType<Unary>().Any(u => u.StopsGradient) && !result.Hardened.Nodes.OfType<Unary>().Any(u => u.StopsGradient));
        Tensor rows = Batches.Read(Rows(32), [.. Enumerable.Range(0, 32)]).Input;
        using var evaluator = new Evaluator(result.Hardened, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single));
        using IGraphRunner runner = new EngineRunnerFactory(KernelRegistry.Active).Create(result.Quantized.Integer);
        float[] hard = evaluator.Run([rows])[0].Values<float>().ToArray();
        float[] engine = runner.Run([rows])[0].Values<float>().ToArray();
        float range = hard.Max() - hard.Min();
        Assert.IsTrue(hard.Zip(engine).Count(p => Math.Abs(p.First - p.Second) <= 0.02f * range) >= 0.95 * hard.Length);
    }

    [TestMethod]
    public void Maps_are_for_signs_without_offsets()
    {
        QuantizationAwareScheme[] wrong =
        [
            TrainingRecipes.Find("LSQ").Scheme(4, 4) with { ScaleMaps = ScaleMaps.Constant },
            TrainingRecipes.Find("BMXNet").Scheme(1, 1) with { ScaleMaps = ScaleMaps.Constant },
            Scheme((ScaleMaps)9),
        ];
        foreach (QuantizationAwareScheme scheme in wrong)
        {
            QuantizationException error = Assert.ThrowsException<QuantizationException>(scheme.Validate);
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
            StringAssert.Contains(error.Message, nameof(ScaleMaps));
        }

        Assert.AreNotEqual(Scheme(ScaleMaps.Constant), Scheme(ScaleMaps.Differentiated));
        Assert.AreEqual(TrainingRecipes.Find("XNOR").Scheme(1, 1).ToString(), (Scheme(ScaleMaps.None) with { EdgeLayers = EdgeLayers.EightBits }).ToString());
    }

    [TestMethod]
    public void Stopped_gradients_are_kept_in_files()
    {
        foreach (bool stops in (bool[])[true, false])
        {
            var attributes = new NodeAttributes();
            new Unary { Operator = UnaryOperator.Abs, StopsGradient = stops }.Describe(attributes);
            Assert.AreEqual(stops, Unary.Read(attributes).StopsGradient);
            Assert.AreEqual(stops ? 4 : 3, attributes.Items.Count, "nothing new where nothing is stopped");
        }
    }

    private static QuantizationAwareScheme Scheme(ScaleMaps maps) => TrainingRecipes.Find("XNOR").Scheme(1, 1) with { EdgeLayers = EdgeLayers.SameBits, ScaleMaps = maps };

    private static Graph Prepared(Graph graph, ScaleMaps maps, SignPadding padding)
    {
        QuantizationAwareScheme scheme = Scheme(maps) with { Padding = padding };
        return InsertScaleMaps.Run(InsertLearnedQuantizers.Run(graph, scheme, _ => Tensor.Create<float>(Shape.Of(1, 2, 3, 3), _x)), scheme);
    }

    private static int Maps(Graph graph, QuantizationAwareScheme scheme)
    {
        var source = new MemoryBatchSource(_image, new float[_image.Count], [0]);
        Graph quantized = InsertLearnedQuantizers.Run(graph, scheme, ActivationSample.Of(graph, source, 1, 1, KernelRegistry.Active, WorkerPool.Single));
        return InsertScaleMaps.Run(quantized, scheme).Nodes.Count(n => n is Convolution && n.Name.EndsWith(".map", StringComparison.Ordinal));
    }

    private static float[] Value(Graph graph, string name)
    {
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([Tensor.Allocate(ElementType.Float32, Shape.Of(1, 2, 3, 3))], new Dictionary<string, Tensor>(), training: true);
        return pass[name].Values<float>().ToArray();
    }

    /// <summary>x, trained, and one convolution of 2×2 over it whose weights are all ¼.</summary>
    private static Graph Line(int pad)
    {
        var builder = new GraphBuilder();
        ValueId input = builder.AddInput("input", Microsoft.ML.Quantization.Graphs.ValueType.Float(new Shape([Shape.Free, 2, 3, 3])));
        ValueId x = builder.AddConstant("x", Tensor.Create<float>(Shape.Of(1, 2, 3, 3), _x), isTrainable: true);
        ValueId sum = builder.Add(new Binary { Operator = BinaryOperator.Add, Inputs = [input, x] }, "sum");
        ValueId weights = builder.AddConstant("inner.weight", Tensor.Create<float>(Shape.Of(1, 2, 2, 2), [.. Enumerable.Repeat(0.25f, 8)]), isTrainable: true);
        var window = new Window { Kernel = [2, 2], Strides = [1, 1], Dilations = [1, 1], PadsBegin = [pad, pad], PadsEnd = [0, 0] };
        builder.AddOutput(builder.Add(new Convolution { Name = "inner", Window = window, Inputs = [sum, weights] }, "inner"));
        return builder.Build();
    }

    private static MemoryBatchSource Rows(int count) => SmallTraining.SignedQuarters(_image, count);
}
