using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>The shapes of published binary networks, and what they begin with.</summary>
[TestClass]
public sealed class NetworkFormTests
{
    [TestMethod]
    [DataRow(new[] { 6, 6, 6, 5 }, new[] { 2.7, 2.7, 2.2 }, new[] { 448, 160, 544, 192, 576, 256, 576 }, DisplayName = "28")]
    [DataRow(new[] { 6, 8, 12, 6 }, new[] { 3.3, 3.3, 4 }, new[] { 448, 128, 640, 192, 960, 256, 640 }, DisplayName = "37")]
    [DataRow(new[] { 6, 12, 14, 8 }, new[] { 2.7, 3.3, 4 }, new[] { 448, 160, 928, 288, 1184, 288, 800 }, DisplayName = "45")]
    public void Dense_networks_have_the_channels_of_the_paper(int[] units, double[] reductions, int[] expected)
    {
        Graph graph = BinaryNetworks.DenseNet(Shape.Of(3, 8, 8), units, reductions);
        int[] trace = [.. graph.Nodes.Where(n => n.Name.EndsWith(".reduce", StringComparison.Ordinal)).SelectMany(n => new[] { Channels(graph, n.Inputs[0]), Channels(graph, n.Output) })];
        CollectionAssert.AreEqual(expected, (int[])[.. trace, graph.Nodes.OfType<GlobalAveragePool>().Select(n => Channels(graph, n.Inputs[0])).Single()]);
    }

    [TestMethod]
    public void Reduced_channels_are_floored_by_the_division_and_then_rounded_with_halves_to_even()
    {
        (int Channels, double Reduction, int Expected)[] cases = [(960, 4, 256), (240, 3, 64), (144, 3, 64), (1184, 4, 288), (8, 4, 32)];
        foreach ((int channels, double reduction, int expected) in cases)
        {
            Assert.AreEqual(expected, DenseNetwork.Reduced(channels, reduction, 32), $"{channels} / {reduction}");
        }

        // 2.7 as a double is a little more than 2.7, so that the exact quotient of 270 is below 100.
        Assert.AreEqual(99, DenseNetwork.Reduced(270, 2.7, 1));
    }

    [TestMethod]
    public void Dense_units_hand_their_input_on_as_it_is()
    {
        Graph graph = BinaryNetworks.DenseNet(Shape.Of(2, 5, 5), [2, 1], [2], 8, 3);
        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            rewriter.Copy(node);
        }

        Concat[] units = [.. graph.Nodes.OfType<Concat>()];
        foreach (ValueId value in units.SelectMany(u => new[] { u.Inputs[0], u.Output }))
        {
            rewriter.Builder.AddOutput(rewriter.Map(value));
        }

        using var evaluator = new Evaluator(rewriter.Build(), OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single));
        int[][] bits = [.. evaluator.Run([RandomTensors.Floats(Shape.Of(1, 2, 5, 5), 5)]).Select(t => t.Values<float>().ToArray().Select(BitConverter.SingleToInt32Bits).ToArray())];
        int[] pixels = [25, 25, 4];
        Assert.AreEqual(pixels.Length, units.Length);
        for (int i = 0; i < units.Length; i++)
        {
            Assert.AreEqual(bits[2 * i].Length + (8 * pixels[i]), bits[(2 * i) + 1].Length);
            CollectionAssert.AreEqual(bits[2 * i], bits[(2 * i) + 1].Take(bits[2 * i].Length).ToArray());
        }
    }

    [TestMethod]
    public void Dilated_stages_keep_their_size()
    {
        Graph graph = BinaryNetworks.DenseNet(Shape.Of(3, 16, 16), [1, 1, 1, 1], [3.3, 3.3, 4], dilations: [1, 1, 2, 4]);
        (int Dilation, int Size)[] stages = [.. graph.Nodes.OfType<Convolution>().Where(c => c.Name.Contains(".unit", StringComparison.Ordinal)).Select(c => (c.Window.Dilations[0], graph[c.Output].Type.Shape[3]))];
        CollectionAssert.AreEqual(((int, int)[])[(1, 16), (1, 8), (2, 8), (4, 8)], stages);
    }

    [TestMethod]
    public void Dense_networks_of_wrong_lists_are_refused()
    {
        Action[] wrong =
        [
            () => BinaryNetworks.DenseNet(Shape.Of(1, 8, 8), [2, 2], []),
            () => BinaryNetworks.DenseNet(Shape.Of(1, 8, 8), [2, 2], [0.5]),
            () => BinaryNetworks.DenseNet(Shape.Of(1, 8, 8), [2, 2], [double.NaN]),
            () => BinaryNetworks.DenseNet(Shape.Of(1, 8, 8), [2, 2], [2], dilations: [1]),
            () => BinaryNetworks.DenseNet(Shape.Of(1, 8, 8), [2, 2], [2], dilations: [1, 0]),
        ];
        foreach (Action build in wrong)
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(build).Code);
        }
    }

    [TestMethod]
    [DataRow(28, 28, false)]
    [DataRow(30, 28, true)]
    [DataRow(7, 5, true)]
    [DataRow(1, 3, true)]
    public void Shortcuts_have_the_size_of_what_they_stand_beside(int height, int width, bool rounds)
    {
        Graph[] graphs = [BinaryNetworks.ResNet(8, Shape.Of(1, height, width), width: 4), GroupNetwork.ResNet(8, Shape.Of(1, height, width), 2, width: 4), GroupNetwork.LayerWise(8, Shape.Of(1, height, width), 2, width: 4)];
        foreach (Graph graph in graphs)
        {
            AveragePool[] pools = [.. graph.Nodes.OfType<AveragePool>()];
            Assert.AreEqual(rounds, pools.Any(p => p.CeilMode));
            Assert.IsTrue(rounds || pools.All(p => p.Window.Kernel[0] == 2 && p.Window.Kernel[1] == 2));
            Shape last = graph[graph.Nodes.OfType<GlobalAveragePool>().Single().Inputs[0]].Type.Shape;
            Assert.AreEqual(((height + 3) / 4, (width + 3) / 4), (last[2], last[3]));
        }
    }

    [TestMethod]
    public void Groups_of_several_blocks_are_added_up_and_gated_where_they_end()
    {
        static int Of(Graph graph, string ending) => graph.Nodes.Count(n => n.Name.EndsWith(ending, StringComparison.Ordinal));
        Graph single = GroupNetwork.ResNet(14, Shape.Of(1, 12, 12), new GroupForm { Branches = 3 }, width: 4);
        Graph pairs = GroupNetwork.ResNet(14, Shape.Of(1, 12, 12), new GroupForm { Branches = 3, Blocks = 2 }, width: 4);
        Graph triples = GroupNetwork.ResNet(14, Shape.Of(1, 12, 12), new GroupForm { Branches = 3, Blocks = 3 }, width: 4);
        Assert.AreEqual(GraphPrinter.Print(GroupNetwork.ResNet(14, Shape.Of(1, 12, 12), 3, width: 4)), GraphPrinter.Print(single));
        Assert.AreEqual((6, 4), (Of(single, ".sum"), Of(single, ".gate")));
        Assert.AreEqual((3, 2), (Of(pairs, ".sum"), Of(pairs, ".gate")));
        Assert.AreEqual((2, 1), (Of(triples, ".sum"), Of(triples, ".gate")));
        Node second = pairs.Nodes.Single(n => n.Name == "stage2.block2.branch3.conv1");
        Assert.AreEqual("stage2.block1.branch3.add2", pairs.Producers()[second.Inputs[0].Index]!.Name);
        Assert.AreEqual(single.Nodes.OfType<Convolution>().Count(), triples.Nodes.OfType<Convolution>().Count());
    }

    [TestMethod]
    public void Each_branch_of_a_pyramid_has_its_own_dilation_and_the_stage_its_size()
    {
        Graph graph = GroupNetwork.ResNet(8, Shape.Of(1, 16, 16), new GroupForm { Branches = 2, Dilations = [[], [2, 3], [4, 5]] }, width: 4);
        foreach (Convolution layer in graph.Nodes.OfType<Convolution>().Where(c => c.Window.Kernel[0] == 3 && c.Name != "conv1"))
        {
            (int stage, int branch) = (layer.Name[5] - '0', layer.Name.Contains("branch1", StringComparison.Ordinal) ? 0 : 1);
            Assert.AreEqual((stage == 1 ? 1 : (2 * stage) - 2 + branch, 1, 16), (layer.Window.Dilations[0], layer.Window.Strides[0], graph[layer.Output].Type.Shape[3]), layer.Name);
        }

        Assert.IsFalse(graph.Nodes.Any(n => n is AveragePool));
    }

    [TestMethod]
    public void Group_networks_of_wrong_forms_are_refused()
    {
        GroupForm[] wrong =
        [
            new() { Branches = 0 },
            new() { Blocks = 0 },
            new() { Blocks = 2 },
            new() { Branches = 2, Dilations = [[1, 2]] },
            new() { Branches = 2, Dilations = [[], [], [1]] },
            new() { Branches = 2, Dilations = [[], [], [1, 0]] },
            new() { Dilations = default },
            new() { Branches = 2, Dilations = [default, [2, 3], [4, 5]] },
        ];
        foreach (GroupForm form in wrong)
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => GroupNetwork.ResNet(8, Shape.Of(1, 12, 12), form)).Code, form.ToString());
        }
    }

    [TestMethod]
    public void The_mean_of_an_odd_end_is_that_of_what_is_there()
    {
        var layers = new LayerBuilder(1);
        Graph graph = layers.Build(layers.AveragePool("mean", layers.Input(Shape.Of(1, 3, 3))));
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        CollectionAssert.AreEqual((float[])[3, 4.5f, 7.5f, 9], evaluator.Run([Tensor.Create<float>(Shape.Of(1, 1, 3, 3), [1, 2, 3, 4, 5, 6, 7, 8, 9])])[0].Values<float>().ToArray());
    }

    [TestMethod]
    public void Binary_residual_networks_have_the_convolutions_of_their_depth()
    {
        (Graph Graph, int[] Each)[] networks = [(ImageNetworks.BinaryResNet18(Shape.Of(3, 32, 32), 10), [4, 4, 4, 4]), (ImageNetworks.BinaryResNet34(Shape.Of(3, 33, 47), 10), [6, 8, 12, 6])];
        foreach ((Graph graph, int[] each) in networks)
        {
            Convolution[] layers = [.. graph.Nodes.OfType<Convolution>()];
            for (int stage = 0; stage < 4; stage++)
            {
                Convolution[] own = [.. layers.Where(c => c.Name.StartsWith($"stage{stage + 1}.", StringComparison.Ordinal))];
                Assert.AreEqual((each[stage], stage == 0 ? 0 : 1), (own.Count(c => c.Window.Kernel[0] == 3), own.Count(c => c.Window.Kernel[0] == 1)));
                Assert.IsTrue(own.All(c => graph[c.Output].Type.Shape[1] == 64 << stage));
            }

            Assert.AreEqual(each.Sum() + 4, layers.Length);
        }
    }

    [TestMethod]
    public void Mobile_blocks_double_by_two_convolutions_side_by_side()
    {
        Graph graph = ImageNetworks.ReActNet(Shape.Of(3, 64, 64), 10, 4);
        int[] channels = [.. graph.Nodes.OfType<Convolution>().Where(c => c.Window.Kernel[0] == 3).Select(c => graph[c.Output].Type.Shape[1])];
        CollectionAssert.AreEqual((int[])[4, 4, 8, 16, 16, 32, 32, 64, 64, 64, 64, 64, 64, 128], channels);
        Shape last = graph[graph.Nodes.OfType<GlobalAveragePool>().Single().Inputs[0]].Type.Shape;
        Assert.AreEqual((128, 2, 2), (last[1], last[2], last[3]));
        Assert.AreEqual((13 + 5, 5), (graph.Nodes.OfType<Convolution>().Count(c => c.Window.Kernel[0] == 1), graph.Nodes.OfType<Concat>().Count()));

        // One shift and one bend around each of 26 sums, and a shortcut at each convolution.
        Assert.AreEqual(26, graph.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.PRelu));
        Assert.AreEqual(13 + 18, graph.Nodes.OfType<Binary>().Count(b => b.Operator == BinaryOperator.Add && b.Name.EndsWith(".add", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Epsilon_is_that_of_every_normalization_and_nothing_else_changes()
    {
        Graph graph = BinaryNetworks.ResNet(8, Shape.Of(1, 8, 8), width: 4);
        Graph changed = BinaryNetworks.WithEpsilon(graph, 1e-4f);
        Assert.IsTrue(changed.Nodes.OfType<BatchNormalization>().All(n => n.Epsilon == 1e-4f));
        Assert.AreEqual(GraphPrinter.Print(graph), GraphPrinter.Print(BinaryNetworks.WithEpsilon(changed, 1e-5f)));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => BinaryNetworks.WithEpsilon(graph, 0)).Code);
    }

    [TestMethod]
    [DataRow(WeightStart.HeUniform, 0.40824829, 1.0)]
    [DataRow(WeightStart.HeNormal, 0.40824829, 0)]
    [DataRow(WeightStart.GlorotUniform, 0.17677670, 1.0)]
    [DataRow(WeightStart.GlorotNormal, 0.35355339, 0)]
    [DataRow(WeightStart.Unit, 0.57735027, 1.0)]
    public void Weights_begin_with_the_deviation_of_their_start(WeightStart start, double deviation, double uniform)
    {
        // 12 inputs (3·2·2) and 4 outputs (1·2·2) reach a weight of [1, 3, 2, 2]; that of [32000, ..] would have others, so many seeds in its place.
        double[] values = [.. Enumerable.Range(1, 2000).SelectMany(seed => StartingWeights.Draw(start, Shape.Of(1, 3, 2, 2), (ulong)seed, 1).Values<float>().ToArray()).Select(v => (double)v)];
        Assert.AreEqual(0, values.Average(), 0.03 * deviation);
        Assert.AreEqual(deviation, Math.Sqrt(values.Average(v => v * v)), 0.02 * deviation);
        Assert.AreEqual(uniform > 0, values.Max() <= deviation * Math.Sqrt(3) * 1.000001, "a uniform one has a bound at √3 deviations");
    }

    [TestMethod]
    public void Networks_start_from_other_weights_and_keep_the_rest()
    {
        Graph graph = BinaryNetworks.LeNet5(Shape.Of(1, 8, 8), 4, hasScaleMaps: true);
        Graph changed = BinaryNetworks.StartedFrom(graph, WeightStart.Unit, 7);
        Assert.AreEqual(GraphPrinter.Print(graph), GraphPrinter.Print(changed));
        Dictionary<string, Value> values = changed.Values.ToDictionary(v => v.Name, StringComparer.Ordinal);
        foreach (Value old in graph.Values.Where(v => v.Constant is not null && v.Type.Element == ElementType.Float32))
        {
            bool drawn = old.IsTrainable && old.Name.EndsWith(".weight", StringComparison.Ordinal);
            Assert.AreEqual(!drawn, old.Constant!.Values<float>().SequenceEqual(values[old.Name].Constant!.Values<float>()), old.Name);
            Assert.AreEqual(old.IsTrainable, values[old.Name].IsTrainable);
        }

        Assert.IsFalse(values["conv1.weight"].Constant!.Values<float>()[..8].SequenceEqual(values["conv2.weight"].Constant!.Values<float>()[..8]));
    }

    private static int Channels(Graph graph, ValueId value) => graph[value].Type.Shape[1];
}
