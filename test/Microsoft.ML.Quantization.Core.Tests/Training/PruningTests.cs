using System;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Core.Tests.Training.Methods;
using Microsoft.ML.Quantization.Evaluation;
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

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Pruning: schedules, exact sparsity that training never undoes, quantizers behind masks, and smaller graphs with the same outputs.</summary>
[TestClass]
public sealed class PruningTests
{
    private static readonly Shape _input = Shape.Of(6);
    private static readonly Shape _image = Shape.Of(1, 8, 8);

    [TestMethod]
    public void The_schedule_is_cubic_and_ends_exactly()
    {
        double[] expected = [0, 0.2439, 0.4392, 0.5913, 0.7056, 0.7875, 0.8424, 0.8757, 0.8928, 0.8991, 0.9, 0.9];
        var rule = new MagnitudePruning(".*", 0.9) { End = 0.5, Interval = 1 };
        for (int step = 0; step < expected.Length; step++)
        {
            Assert.AreEqual(expected[step], rule.SparsityAt(step, 20), 1e-6, $"{step}");
        }

        Assert.AreEqual(0.9, rule.SparsityAt(19, 20));
        MagnitudePruning coarse = rule with { Interval = 4, Begin = 0.1 };
        Assert.AreEqual(0, coarse.SparsityAt(1, 20));
        Assert.AreEqual(coarse.SparsityAt(6, 20), coarse.SparsityAt(9, 20));
        Assert.AreEqual(0.9, (rule with { Begin = 1, End = 1 }).SparsityAt(19, 20));
        Assert.AreEqual(0.9, (rule with { Begin = 0.95, End = 1 }).SparsityAt(9, 10));
        Assert.AreEqual(0, (rule with { Begin = 0.95, End = 1 }).SparsityAt(8, 10));
    }

    [TestMethod]
    public void The_smallest_go_and_the_first_of_equals()
    {
        Graph graph = Weights([0.3f, -0.05f, 0.2f, -0.2f, 0.01f, 0.7f, -0.4f, 0]);
        var state = new TrainingState(graph, 1);
        var pruning = new PruningSteps(graph, new TrainingOptions { Pruning = [new MagnitudePruning(".*weight", 0.5f) { End = 0 }] }, state);
        pruning.After(0, 10);
        CollectionAssert.AreEqual((float[])[0.3f, 0, 0, -0.2f, 0, 0.7f, -0.4f, 0], state.Constants["scores.weight"].Values<float>().ToArray());
    }

    [TestMethod]
    [DataRow(null, 0)]
    [DataRow("LSQ", 4)]
    [DataRow("INQ", 4)]
    public void Sparsity_is_exact_through_momentum_decay_and_quantizers_and_stands_in_the_codes(string? method, int bits)
    {
        Graph graph = SmallNetworks.Mlp(_input, [20], 3);
        if (method is not null)
        {
            graph = InsertLearnedQuantizers.Run(graph, QuantizationAwareScheme.Of(method, bits, string.Empty, 32) with { EdgeLayers = EdgeLayers.SameBits }, _ => throw new InvalidOperationException());
        }

        Graph trained = Train(graph, Options()).Graph;
        trained.TryFind("dense1.weight", out ValueId id);
        float[] weights = trained.ConstantOf(id).Values<float>().ToArray();
        Assert.AreEqual(84, weights.Count(w => w == 0));
        if (trained.Nodes.OfType<LearnedQuantize>().FirstOrDefault(n => n.Inputs[0] == id) is { } node)
        {
            var form = (HardForm.Weights)node.Method.Export(node.Call([.. node.Inputs.Select(trained.ConstantOf)], MethodContext.Evaluation, WorkerPool.Single));
            sbyte[] codes = form.Planes[0].Codes.Values<sbyte>().ToArray();
            Assert.IsTrue(weights.Zip(codes).All(p => p.First != 0 || p.Second == 0));
        }
    }

    [TestMethod]
    public void Statistics_of_quantizers_are_those_of_the_weights_that_are_left()
    {
        // LSQ: the gradient of the step is scaled by 1/√(N·QP), N without the pruned ones.
        float[] pruned = [0.4f, 0, -0.3f, 0, 0.7f, 0, -0.6f, 0], left = [0.4f, -0.3f, 0.7f, -0.6f], mask = [1, 0, 1, 0, 1, 0, 1, 0];
        var lsq = new MethodProbe(new Lsq { Bits = 2 }, QuantizerSites.Weights, pruned, [0.3f]);
        double whole = lsq.Back().Totals[0];
        lsq.Call = lsq.Call with { Mask = mask };
        Assert.AreEqual(whole * Math.Sqrt(2), lsq.Back().Totals[0], 1e-6);

        // TWN: threshold and scale do not fall.
        float[] levels = new MethodProbe(new TernaryWeights { Bits = 2 }, QuantizerSites.Weights, left).Hard();
        CollectionAssert.AreEqual(levels, new MethodProbe(new TernaryWeights { Bits = 2 }, QuantizerSites.Weights, pruned).Hard().Where((_, i) => mask[i] != 0).ToArray());

        // INQ: half of what is left is frozen in the first stage, not half of all.
        var inq = new MethodProbe(new Inq { Bits = 5 }, QuantizerSites.Weights, pruned);
        float[] weights = [.. pruned];
        inq.Method.AfterStep(inq.Call with { Mask = mask }, pruned, weights);
        CollectionAssert.AreEqual((float[])[0, 0, 0, 0, 1, 0, 1, 0], inq.Call.Parameter(1).ToArray());
    }

    [TestMethod]
    public void Nothing_to_prune_is_the_plain_run_bit_for_bit()
    {
        Graph graph = SmallNetworks.Mlp(_input, [20], 3);
        byte[] plain = Bytes(Train(graph, Options() with { Pruning = [] }).Graph);
        CollectionAssert.AreEqual(plain, Bytes(Train(graph, Options() with { Pruning = [new MagnitudePruning(".*weight", 0)] }).Graph));
    }

    [TestMethod]
    public void A_resumed_run_prunes_the_same()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            Graph graph = SmallNetworks.Mlp(_input, [20], 3);
            TrainingOptions options = Options() with { Optimizer = new Adam() };
            using var cancel = new CancellationTokenSource();
            Train(graph, options with { CheckpointPath = path }, new DirectProgress<TrainingProgress>(p => Cancel(cancel, p.Epoch == 3)), cancel.Token);
            CollectionAssert.AreEqual(Bytes(Train(graph, options).Graph), Bytes(Train(graph, options with { CheckpointPath = path }).Graph));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Quantizers_without_zero_and_rules_out_of_range_are_refused()
    {
        Graph graph = InsertLearnedQuantizers.Run(
            SmallNetworks.Mlp(_input, [20], 3), QuantizationAwareScheme.Of("DoReFa-W", 2, string.Empty, 32) with { EdgeLayers = EdgeLayers.SameBits }, _ => throw new InvalidOperationException());
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => Train(graph, Options())).Code);
        foreach (MagnitudePruning wrong in (MagnitudePruning[])[new(".*weight", 1), new(".*weight", 0.5f) { Begin = 0.9 }, new(".*weight", 0.5f) { Interval = 0 }])
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => Train(SmallNetworks.Mlp(_input, [], 3), Options() with { Pruning = [wrong] })).Code);
        }

        Assert.AreEqual(QuantizationErrorCode.UnknownLayer, Assert.ThrowsException<QuantizationException>(() => Train(SmallNetworks.Mlp(_input, [], 3), Options() with { Pruning = [new("none", 0.5f)] })).Code);
    }

    [TestMethod]
    public void Filters_with_the_smallest_norms_go()
    {
        Graph graph = Weights([0.1f, -0.2f, 0.05f, 1, 0, -0.1f, 0.02f, 0.01f, -0.03f, -0.5f, 0.4f, 0.2f], 3, hidden: true);
        ImmutableSortedDictionary<string, ImmutableArray<int>> kept = PruneChannels.ByFilterNorm(graph, 0.25);
        CollectionAssert.AreEqual((int[])[0, 1, 3], kept["dense1"].ToArray());
        CollectionAssert.AreEqual((int[])[1], PruneChannels.ByFilterNorm(graph, 0.99)["dense1"].ToArray(), "one stays");
        Assert.AreEqual(71, PruneChannels.ByFilterNorm(SmallNetworks.Mlp(_input, [100], 3), 0.29)["dense1"].Length, "0.29 of 100 is 29");
    }

    [TestMethod]
    public void A_smaller_graph_scores_what_the_graph_with_zeroed_channels_scores()
    {
        foreach (Graph graph in (Graph[])[SmallNetworks.VggSmall(_image, 4, 4), SmallNetworks.ResNet(8, _image, 4, 4), SmallNetworks.LeNet5(_image, 4)])
        {
            ImmutableSortedDictionary<string, ImmutableArray<int>> kept = PruneChannels.ByFilterNorm(graph, 0.5);
            Assert.IsTrue(kept.Count >= 3, "groups");
            Graph small = PruneChannels.Run(graph, kept);
            int before = graph.Values.Sum(v => v.Constant?.Shape.Count ?? 0);
            int after = small.Values.Sum(v => v.Constant?.Shape.Count ?? 0);
            Assert.IsTrue(after < 0.4 * before, $"{before} to {after} values");
            Tensor rows = RandomTensors.Floats(Shape.Of(3, 1, 8, 8), 3);
            CollectionAssert.AreEqual(Evaluate(Zeroed(graph, kept), rows), Evaluate(small, rows));
        }
    }

    [TestMethod]
    public void Additions_keep_the_channels_of_their_branches_alike()
    {
        ImmutableArray<ChannelGroup> groups = PruneChannels.Find(SmallNetworks.ResNet(8, _image, 4, 4));
        ChannelGroup stem = groups.Single(g => g.Name == "conv1");
        CollectionAssert.AreEquivalent((string[])["conv1.weight", "stage1.block1.conv2.weight"], stem.Layers.ToArray());
        Assert.IsFalse(groups.Any(g => g.Layers.Contains("scores.weight")), "classes never vanish");
        Assert.AreEqual(QuantizationErrorCode.UnknownLayer, Assert.ThrowsException<QuantizationException>(
            () => PruneChannels.Run(SmallNetworks.ResNet(8, _image, 4, 4), ImmutableSortedDictionary<string, ImmutableArray<int>>.Empty.Add("scores", [0]))).Code);
    }

    [TestMethod]
    public void A_penalty_makes_scales_small_and_the_smallest_of_the_network_go()
    {
        MemoryBatchSource rows = new(_image, RandomTensors.Floats(Shape.Of(32, 64), 3).Values<float>().ToArray(), [.. Enumerable.Range(0, 32).Select(i => (float)(i % 4))]);
        var options = new TrainingOptions { Epochs = 3, BatchSize = 16, Optimizer = new Sgd(0), Rate = 0.05f };
        float[] sums = [.. ((float[])[0, 0.5f]).Select(penalty => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.VggSmall(_image, 4, 4), rows, options with { ScalePenalty = penalty }).Graph)
            .Select(g => g.Values.Where(v => v.Name.EndsWith(".scale", StringComparison.Ordinal)).Sum(v => v.Constant!.Values<float>().ToArray().Sum(MathF.Abs)))];
        Assert.IsTrue(sums[1] < 0.9f * sums[0], $"{sums[0]} to {sums[1]}");
        Graph graph = TrainableConstants.Replace(SmallNetworks.VggSmall(_image, 4, 4), ImmutableDictionary<string, Tensor>.Empty.Add("conv2.bn.scale", Tensor.Create<float>(Shape.Of(4), [0.1f, -2, 0.2f, 0.3f])));
        ImmutableSortedDictionary<string, ImmutableArray<int>> kept = PruneChannels.ByScale(graph, 3 / 56.0);
        CollectionAssert.AreEqual((int[])[1], kept["conv2"].ToArray());
        Assert.AreEqual(16, kept["conv5"].Length);
    }

    private static TrainingOptions Options() => new()
    {
        Epochs = 8,
        BatchSize = 8,
        Decay = 0.01f,
        ValidationShare = 0.2f,
        Pruning = [new MagnitudePruning("dense1.weight", 0.7) { Interval = 3, End = 0.5 }],
    };

    private static TrainingResult Train(Graph graph, TrainingOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken token = default)
    {
        var rows = new MemoryBatchSource(_input, RandomTensors.Floats(Shape.Of(40, 6), 3).Values<float>().ToArray(), [.. Enumerable.Range(0, 40).Select(i => (float)(i % 3))]);
        return new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, rows, options, progress, token);
    }

    /// <summary>One dense layer with given weights, or that and one behind it.</summary>
    private static Graph Weights(float[] weights, int columns = 8, bool hidden = false)
    {
        Graph graph = SmallNetworks.Mlp(Shape.Of(columns), hidden ? [weights.Length / columns] : [], hidden ? 2 : weights.Length / columns);
        Tensor values = Tensor.Create<float>(Shape.Of(weights.Length / columns, columns), weights);
        return TrainableConstants.Replace(graph, ImmutableDictionary<string, Tensor>.Empty.Add(hidden ? "dense1.weight" : "scores.weight", values));
    }

    /// <summary>Removed channels as zeros: filters and biases, or scales and shifts, set to 0.</summary>
    private static Graph Zeroed(Graph graph, ImmutableSortedDictionary<string, ImmutableArray<int>> kept)
    {
        var constants = ImmutableDictionary.CreateBuilder<string, Tensor>();
        foreach (ChannelGroup group in PruneChannels.Find(graph))
        {
            string[] names = [.. group.Layers.SelectMany(l => (string[])[l, l.Replace(".weight", ".bias")]), .. group.Scales.SelectMany(s => (string[])[s, s.Replace(".scale", ".shift")])];
            foreach (string name in names.Where(n => graph.TryFind(n, out _)))
            {
                graph.TryFind(name, out ValueId id);
                Tensor old = graph.ConstantOf(id);
                int length = old.Shape.Count / group.Count;
                constants[name] = Tensor.Create<float>(old.Shape, [.. old.Values<float>().ToArray().Select((v, i) => kept[group.Name].Contains(i / length) ? v : 0)]);
            }
        }

        return TrainableConstants.Replace(graph, constants.ToImmutable());
    }

    private static float[] Evaluate(Graph graph, Tensor rows)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single));
        return evaluator.Run([rows])[0].Values<float>().ToArray();
    }

    private static byte[] Bytes(Graph graph) => [.. graph.Values.Where(v => v.Constant is not null).SelectMany(v => v.Constant!.Bytes.ToArray())];

    private static void Cancel(CancellationTokenSource source, bool now)
    {
        if (now)
        {
            source.Cancel();
        }
    }
}
