using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
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

/// <summary>The learned shifts of ReActNet: where they stand, what they compute and learn, and that stages keep them.</summary>
[TestClass]
public sealed class ShiftTests
{
    private const int Classes = 4;

    private static readonly Shape _image = Shape.Of(1, 8, 8);

    [TestMethod]
    public void Each_inner_layer_has_a_shift_and_each_rectifier_is_bent()
    {
        Graph plain = SmallNetworks.ResNet(8, _image, Classes, 4);
        Graph shifted = InsertShifts.Run(plain, Scheme());
        int layers = plain.Nodes.Count(LayerSelection.IsLayer) - 2 - plain.Nodes.Count(n => n.Name.EndsWith(".shortcut", StringComparison.Ordinal));
        int rectifiers = plain.Nodes.Count(OperatorClasses.IsRectifier);
        Assert.AreEqual(layers + rectifiers, shifted.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.Subtract), "one a layer that is no edge, one a rectifier");
        Assert.AreEqual(rectifiers, shifted.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.PRelu));
        Assert.IsFalse(shifted.Nodes.Any(OperatorClasses.IsRectifier));
        Assert.AreSame(plain, InsertShifts.Run(plain, Scheme() with { HasShifts = false }));
    }

    [TestMethod]
    public void A_network_that_has_its_shifts_gets_no_others()
    {
        Graph own = BinaryNetworks.ResNet(8, _image, Classes, 4, hasShifts: true);
        Graph shifted = InsertShifts.Run(own, Scheme() with { TreatAsEdges = [BinaryNetworks.RealLayers] });
        Assert.AreEqual(own.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.Subtract), shifted.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.Subtract) - 1, "but for the rectifier in front of the mean");
    }

    [TestMethod]
    public void Bent_rectifiers_and_shifted_signs_have_the_values_of_the_paper()
    {
        QuantizationAwareScheme scheme = Scheme() with { EdgeLayers = EdgeLayers.Float };
        Graph shifted = InsertShifts.Run(Line(), scheme);
        Dictionary<string, Tensor> constants = new TrainingState(shifted, 0).Constants;
        (string Name, float Value)[] set = [("relu.before.value", 0.3f), ("relu.behind.value", -0.1f), ("inner.shift.value", 0.2f)];
        foreach ((string name, float value) in set)
        {
            constants[name].Writable<float>().Fill(value);
        }

        Graph prepared = InsertLearnedQuantizers.Run(shifted, scheme, _ => Tensor.Allocate(ElementType.Float32, Shape.Of(1, 1, 1, 1)));
        var reverse = new ReverseMode(prepared, prepared.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        foreach ((string name, Tensor value) in new TrainingState(prepared, 0).Constants)
        {
            constants.TryAdd(name, value);
        }

        constants["first.weight"].Writable<float>().Fill(1);
        using ForwardPass pass = reverse.Forward([Tensor.Create<float>(Shape.Of(3, 1, 1, 1), [-1, 0.2f, 1])], constants, training: true);
        Use.Near([-0.425f, -0.125f, 0.6f], pass[shifted[shifted.Nodes.Single(n => n.Name == "relu.behind").Output].Name].Values<float>().ToArray());
        LearnedQuantize signs = prepared.Nodes.OfType<LearnedQuantize>().Single(q => q is { Site: QuantizerSites.Activations, Method: SignMethod });
        Use.Near([-1, -1, 1], pass[prepared[signs.Output].Name].Values<float>().ToArray());
    }

    [TestMethod]
    public void A_shift_learns_through_the_slope_of_signs()
    {
        // −Σ g·φ′(x − τ) with φ′ = (0.6, 1.8, 0.6, 0).
        var use = new Use(new BiReal { Bits = 1 }, [-0.7f, -0.1f, 0.7f, 1.3f], site: QuantizerSites.Activations);
        float[] slopes = [.. use.Back(1, 1, 1, 1).Dx];
        Use.Near([0.6f, 1.8f, 0.6f, 0], slopes);
        Assert.AreEqual(-3f, -slopes.Sum(), 1e-5f);
    }

    [TestMethod]
    public void The_second_stage_begins_with_the_shifts_of_the_first()
    {
        Graph teacher = SmallNetworks.ResNet(8, _image, Classes, 4, seed: 9);
        ImmutableArray<QuantizationAwareOptions> stages = [.. BinaryTraining.ReActNet(teacher, epochs: 2).Select(s => s with { InitialRows = 8, Training = s.Training with { BatchSize = 8, Rate = 0.01f } })];
        Assert.IsTrue(stages[0].Scheme is { Weights: null, Activations: BiReal, HasShifts: true } && stages[1].Scheme.Weights is BiReal && stages[1].Training.Decay == 0);
        QuantizationAwareOptions held = stages[1] with { Training = stages[1].Training with { Groups = [new ParameterGroup(".*", 0)] } };
        var trainer = SmallTraining.Trainer;
        var rows = new MemoryBatchSource(_image, RandomTensors.Floats(Shape.Of(16, 1, 8, 8), 3).Values<float>().ToArray(), [.. Enumerable.Range(0, 16).Select(i => (float)(i % Classes))]);
        StagedResult result = trainer.RunStages(SmallNetworks.ResNet(8, _image, Classes, 4), rows, [stages[0], held]);
        Graph[] graphs = [.. result.Stages.Select(s => s.Graph)];
        string[] shifts = [.. graphs[0].Values.Where(v => v.Name.EndsWith(".shift.value", StringComparison.Ordinal)).Select(v => v.Name)];
        Assert.IsTrue(shifts.Length > 4);
        foreach (string name in shifts)
        {
            float[][] values = [.. graphs.Select(g => g.Values.Single(v => v.Name == name).Constant!.Values<float>().ToArray())];
            Assert.IsTrue(values[0].Any(v => v != 0), $"{name} did not learn");
            CollectionAssert.AreEqual(values[0], values[1], name);
        }
    }

    [TestMethod]
    public void The_training_of_the_paper_takes_the_network_of_the_paper()
    {
        Shape image = Shape.Of(1, 32, 32);
        var rows = new MemoryBatchSource(image, RandomTensors.Floats(Shape.Of(8, 1, 32, 32), 3).Values<float>().ToArray(), [.. Enumerable.Range(0, 8).Select(i => (float)(i % Classes))]);
        ImmutableArray<QuantizationAwareOptions> stages = [.. BinaryTraining.ReActNet(SmallNetworks.ResNet(8, image, Classes, 2), epochs: 1).Select(s => s with { InitialRows = 4, Training = s.Training with { BatchSize = 8 } })];
        var trainer = SmallTraining.Trainer;
        Graph network = ImageNetworks.ReActNet(image, Classes, width: 2);
        StagedResult result = trainer.RunStages(network, rows, stages);
        Assert.IsTrue(result.Last.Quantized.Layers.All(l => l.IsInteger), string.Join("; ", result.Last.Quantized.Layers.Where(l => !l.IsInteger).Select(l => $"{l.Name}: {l.Reason}")));
        Assert.AreEqual(network.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.Subtract), result.Stages[1].Graph.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.Subtract));
    }

    [TestMethod]
    public void Shifts_are_for_signs()
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("LSQ").Scheme(4, 4) with { HasShifts = true };
        QuantizationException error = Assert.ThrowsException<QuantizationException>(scheme.Validate);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
        StringAssert.Contains(error.Message, "LSQ");
        Assert.AreNotEqual(Scheme(), Scheme() with { HasShifts = false });
    }

    private static QuantizationAwareScheme Scheme() => TrainingRecipes.Find("ReActNet").Scheme(1, 1);

    /// <summary>1×1 convolutions of one channel around a rectifier.</summary>
    private static Graph Line()
    {
        var layers = new LayerBuilder(1);
        ValueId x = layers.Convolution("first", layers.Input(Shape.Of(1, 1, 1)), 1, 1, 1, hasBias: false);
        x = layers.Relu("relu", x);
        x = layers.Convolution("inner", x, 1, 1, 1, hasBias: false);
        return layers.Build(layers.Convolution("last", x, 1, 1, 1, hasBias: false));
    }
}
