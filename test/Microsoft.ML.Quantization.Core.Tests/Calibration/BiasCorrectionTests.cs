using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Calibration.Biases;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

[TestClass]
public sealed class BiasCorrectionTests
{
    private const int Size = 5;
    private static readonly Graph _float = Network(quantized: false);
    private static readonly Graph _quantized = Network(quantized: true);

    [TestMethod]
    public void The_shift_follows_the_written_vector()
    {
        Graph plain = OneDense(null);
        Graph fake = OneDense(new AffineParameters(1f / 3, 0));
        float[] rows = [.. Enumerable.Range(0, 40).SelectMany(i => i % 2 == 0 ? new[] { 0f, 1, 3 } : new[] { 1f, 2, 1 })];
        BiasCorrectionResult result = BiasCorrection.Run(plain, fake, [[Tensor.Create(Shape.Of(40, 3), rows)]], CalibratorTests.Walk);
        Assert.AreEqual(.146667, result.Layers.Single().LargestShift, 5e-7);
        Assert.IsTrue(result.Layers.Single().IsApplied);
        Node dense = result.Graph.Nodes.Single(n => n is Dense);
        Assert.AreEqual(-.146667f, result.Graph.ConstantOf(dense.Inputs[2]).Values<float>()[0], 5e-7f);
        Assert.AreEqual("dense.bias", result.Graph[dense.Inputs[2]].Name);
    }

    [TestMethod]
    public void After_it_every_layer_has_the_mean_of_the_float_network()
    {
        IReadOnlyList<Tensor>[] rows = Batches(96, 32);
        BiasCorrectionResult result = BiasCorrection.Run(_float, _quantized, rows, CalibratorTests.Walk);
        Assert.AreEqual("conv1 conv2 fc", string.Join(" ", result.Layers.Select(l => l.Layer)));
        Assert.IsTrue(result.Layers.All(l => l.IsApplied && l.LargestShift > 1e-4), string.Join("; ", result.Layers));
        BiasCorrectionResult again = BiasCorrection.Run(_float, result.Graph, rows, CalibratorTests.Walk);
        foreach ((LayerBiasCorrection before, LayerBiasCorrection after) in result.Layers.Zip(again.Layers))
        {
            Assert.IsTrue(after.LargestShift < 1e-6, $"{before} then {after}");
        }

        Assert.AreEqual(Names(_quantized), Names(result.Graph));
    }

    [TestMethod]
    public void How_rows_are_cut_into_batches_changes_no_bit()
    {
        byte[] expected = Biases(BiasCorrection.Run(_float, _quantized, Batches(130, 130), CalibratorTests.Walk).Graph);
        foreach (int rows in new[] { 1, 7, 128 })
        {
            CollectionAssert.AreEqual(expected, Biases(BiasCorrection.Run(_float, _quantized, Batches(130, rows), CalibratorTests.Walk).Graph), $"{rows} rows a batch");
        }
    }

    [TestMethod]
    public void Too_few_rows_and_shifts_too_large_change_nothing_and_say_so()
    {
        BiasCorrectionResult few = BiasCorrection.Run(_float, _quantized, Batches(31, 31), CalibratorTests.Walk);
        Assert.IsTrue(few.Layers.All(l => l.Note.Contains("31 rows", StringComparison.Ordinal)));
        CollectionAssert.AreEqual(Biases(_quantized), Biases(few.Graph));
        BiasCorrectionResult guarded = BiasCorrection.Run(_float, _quantized, Batches(64, 32), CalibratorTests.Walk, new BiasCorrectionOptions { MaximumRelativeShift = 1e-7 });
        Assert.IsTrue(guarded.Layers.All(l => l.Note.Contains("exceeds", StringComparison.Ordinal)));
        CollectionAssert.AreEqual(Biases(_quantized), Biases(guarded.Graph));
    }

    [TestMethod]
    public void Rows_that_are_not_finite_take_no_part()
    {
        IReadOnlyList<Tensor>[] clean = Batches(40, 40);
        float[] values = [float.NaN, .. new float[(Size * Size) - 1], .. clean[0][0].Values<float>()];
        BiasCorrectionResult result = BiasCorrection.Run(_float, _quantized, [[Tensor.Create(Shape.Of(41, 1, Size, Size), values)]], CalibratorTests.Walk);
        Assert.AreEqual(40, result.Rows);
        CollectionAssert.AreEqual(Biases(BiasCorrection.Run(_float, _quantized, clean, CalibratorTests.Walk).Graph), Biases(result.Graph));
    }

    [TestMethod]
    public void A_graph_without_quantized_weights_stays_as_it_is()
    {
        BiasCorrectionResult result = BiasCorrection.Run(_float, _float, Batches(40, 40), CalibratorTests.Walk);
        Assert.AreSame(_float, result.Graph);
        Assert.AreEqual(0, result.Layers.Length);
    }

    [TestMethod]
    public void Data_that_change_between_passes_or_are_empty_are_refused()
    {
        int pass = 0;
        IEnumerable<IReadOnlyList<Tensor>> Shrinking()
        {
            pass++;
            return Batches(64 - pass, 16);
        }

        IEnumerable<IReadOnlyList<Tensor>> Deferred()
        {
            foreach (IReadOnlyList<Tensor> batch in Shrinking())
            {
                yield return batch;
            }
        }

        Assert.AreEqual(QuantizationErrorCode.InconsistentData, Code(() => BiasCorrection.Run(_float, _quantized, Deferred(), CalibratorTests.Walk)));
        Assert.AreEqual(QuantizationErrorCode.EmptyCalibrationData, Code(() => BiasCorrection.Run(_float, _quantized, [], CalibratorTests.Walk)));
    }

    [TestMethod]
    public void It_can_be_cancelled_and_tells_how_far_it_is()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsException<OperationCanceledException>(() => BiasCorrection.Run(_float, _quantized, Batches(40, 40), CalibratorTests.Walk, cancellationToken: source.Token));
    }

    [TestMethod]
    public void Means_merge_exactly_and_refuse_what_they_cannot_sum()
    {
        float[] values = HistogramTests.Samples(4000, 3);
        var whole = new ChannelMeans(4);
        whole.Add(Tensor.Create(Shape.Of(100, 4, 10), values), 1);
        var merged = new ChannelMeans(4);
        foreach (float[] part in values.Chunk(7 * 40).Reverse())
        {
            var shard = new ChannelMeans(4);
            shard.Add(Tensor.Create(Shape.Of(part.Length / 40, 4, 10), part), 1);
            merged.MergeFrom(shard);
        }

        for (int c = 0; c < 4; c++)
        {
            double expected = Enumerable.Range(0, 4000).Where(i => i / 10 % 4 == c).Average(i => (double)values[i]);
            Assert.AreEqual(expected, whole.Mean(c), 1e-13);
            Assert.AreEqual(whole.Mean(c), merged.Mean(c));
            Assert.AreEqual(whole.MeanMagnitude(c), merged.MeanMagnitude(c));
        }

        var large = new ChannelMeans(1);
        large.Add(Tensor.Create(Shape.Of(2, 1), [1e10f, -3e10f]), 1);
        Assert.AreEqual(-1e10, large.Mean(0), 1e4);
        Assert.IsTrue(large.IsUsable);
        large.Add(Tensor.Create(Shape.Of(1, 1), [float.NaN]), 1);
        Assert.IsFalse(large.IsUsable);
    }

    private static Graph OneDense(AffineParameters? weights)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 3)));
        ValueId w = builder.AddConstant("w", Tensor.Create(Shape.Of(1, 3), [.26f, -.74f, 1f]));
        if (weights is AffineParameters p)
        {
            w = Fake(builder, w, AffineQuantization.PerTensor(new CodeType(new BitWidth(3), true), IntegerRange.SignedNarrow(3), p));
        }

        builder.AddOutput(builder.Add(new Dense { Name = "dense", Inputs = [x, w] }, "y"));
        return builder.Build();
    }

    // conv1 (bias, ReLU) → 4-bit codes → conv2 (no bias, ReLU, added to conv1's codes) → fc.
    private static Graph Network(bool quantized)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 1, Size, Size)));
        var codes = AffineQuantization.PerTensor(new CodeType(new BitWidth(4), false), IntegerRange.Unsigned(4), new AffineParameters(0.15f, 0));
        ValueId b1 = builder.AddConstant("b1", Tensor.Create(Shape.Of(4), [0.1f, 0.3f, -0.05f, 0.2f]));
        ValueId h1 = builder.Add(new Convolution { Name = "conv1", Window = Window3(), Inputs = [x, Weights(builder, "w1", Shape.Of(4, 1, 3, 3), quantized, 5), b1], Activation = Activation.Relu }, "h1");
        ValueId q1 = quantized ? Fake(builder, h1, codes) : h1;
        ValueId h2 = builder.Add(new Convolution { Name = "conv2", Window = Window3(), Inputs = [q1, Weights(builder, "w2", Shape.Of(4, 4, 3, 3), quantized, 6)], Activation = Activation.Relu }, "h2");
        ValueId sum = builder.Add(new Binary { Name = "add", Operator = BinaryOperator.Add, Inputs = [h2, q1] }, "sum");
        ValueId flat = builder.Add(new Reshape { Name = "flatten", Target = [0, -1], Inputs = [sum] }, "flat");
        ValueId b3 = builder.AddConstant("b3", Tensor.Create(Shape.Of(3), [0.5f, -0.5f, 0.25f]));
        builder.AddOutput(builder.Add(new Dense { Name = "fc", Inputs = [flat, Weights(builder, "w3", Shape.Of(3, 4 * Size * Size), quantized, 7), b3] }, "y"));
        return builder.Build();
    }

    private static Window Window3() => new() { Kernel = [3, 3], Strides = [1, 1], Dilations = [1, 1], PadsBegin = [1, 1], PadsEnd = [1, 1] };

    private static ValueId Weights(GraphBuilder builder, string name, Shape shape, bool quantized, ulong seed)
    {
        Tensor values = Tensor.Create(shape, HistogramTests.Samples(shape.Count, seed));
        ValueId id = builder.AddConstant(name, values);
        return quantized ? Fake(builder, id, WeightFitter.For(RangeSource.Automatic, 3).Fit(name, values, WeightTarget.Symmetric(3)).Quantization) : id;
    }

    private static ValueId Fake(GraphBuilder builder, ValueId value, AffineQuantization q)
    {
        string name = builder[value].Name;
        ValueId scales = builder.AddConstant(name + ".scales", Tensor.Create(Shape.Of(q.Scales.Length), q.Scales.ToArray()));
        ValueId zeros = builder.AddConstant(name + ".zeros", Tensor.Create(Shape.Of(q.ZeroPoints.Length), q.ZeroPoints.ToArray()));
        return builder.Add(new FakeQuantize { Name = name + ".fake", Code = q.Code, Range = q.Range, Granularity = q.Granularity, Axis = q.Axis, GroupSize = q.GroupSize, Inputs = [value, scales, zeros] });
    }

    private static IReadOnlyList<Tensor>[] Batches(int rows, int batch)
        => [.. HistogramTests.Samples(rows * Size * Size, 9).Select(MathF.Abs).Chunk(batch * Size * Size).Select(c => (IReadOnlyList<Tensor>)[Tensor.Create(Shape.Of(c.Length / (Size * Size), 1, Size, Size), c)])];

    private static byte[] Biases(Graph graph)
        => [.. graph.Nodes.Where(n => QuantizedLayers.IsLayer(n) && n.Inputs.Length > 2).SelectMany(n => graph.ConstantOf(n.Inputs[2]).Bytes.ToArray())];

    private static string Names(Graph graph) => string.Join(" ", graph.Nodes.Select(n => $"{n.Name}:{graph[n.Output].Name}"));

    private static QuantizationErrorCode Code(Func<object> action) => Assert.ThrowsException<QuantizationException>(action).Code;
}
