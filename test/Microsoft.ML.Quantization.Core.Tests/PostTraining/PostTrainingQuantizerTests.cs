using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Core.Tests.Passes;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.PostTraining;

/// <summary>The whole line, with the interpreter as engine; every error code that it promises.</summary>
[TestClass]
public sealed class PostTrainingQuantizerTests
{
    private readonly List<string> _log = [];

    [TestMethod]
    [DynamicData(nameof(GraphCases.Rows), typeof(GraphCases))]
    public void Eight_bits_stay_close_to_the_float_network(string name)
    {
        Graph graph = GraphCases.Create(name);
        QuantizationResult result = Quantize(graph, new PostTrainingOptions());
        Assert.IsTrue(result.Layers.All(l => l.IsInteger && l.Bound > 0), string.Join(Environment.NewLine, result.Layers));
        Tensor[] rows = GraphCases.Inputs(graph, 6, 77);
        Assert.IsTrue(SignalToNoise(Harness.Run(graph, rows), Harness.Run(result.Integer, rows)) > 20, $"{SignalToNoise(Harness.Run(graph, rows), Harness.Run(result.Integer, rows))} dB");
    }

    [TestMethod]
    [DataRow("residual")]
    [DataRow("depthwise-se")]
    [DataRow("concat")]
    public void Every_pair_of_widths_runs_on_integers_and_more_bits_lose_less(string name)
    {
        Graph graph = GraphCases.Create(name);
        Tensor[] rows = GraphCases.Inputs(graph, 6, 77);
        float[] expected = Harness.Run(graph, rows);
        var errors = new List<double>();
        foreach ((int weights, int activations) in new[] { (2, 2), (2, 8), (3, 3), (4, 4), (8, 2), (8, 8) })
        {
            var scheme = new QuantizationScheme { WeightBits = weights, ActivationBits = activations, EdgeLayers = EdgeLayers.SameBits };
            QuantizationResult result = Quantize(graph, new PostTrainingOptions { Scheme = scheme });
            Assert.IsTrue(result.Layers.All(l => l.IsInteger && l.WeightBits == weights && l.ActivationBits == activations), string.Join(Environment.NewLine, result.Layers));
            errors.Add(SignalToNoise(expected, Harness.Run(result.Integer, rows)));
        }

        Assert.IsTrue(errors[^1] > errors[3] && errors[3] > errors[0], string.Join(", ", errors));
    }

    [TestMethod]
    public void The_same_rows_options_and_seed_give_the_same_bytes()
    {
        Graph graph = GraphCases.Residual();
        QuantizationResult a = Quantize(graph, new PostTrainingOptions { Scheme = QuantizationScheme.FourBits });
        QuantizationResult b = Quantize(graph, new PostTrainingOptions { Scheme = QuantizationScheme.FourBits });
        Assert.AreEqual(GraphPrinter.Print(a.Integer), GraphPrinter.Print(b.Integer));
        CollectionAssert.AreEqual(a.Document.Metadata.ReferenceRuns.ToArray(), b.Document.Metadata.ReferenceRuns.ToArray());
    }

    [TestMethod]
    public void The_document_says_what_was_done()
    {
        QuantizationResult result = Quantize(GraphCases.Mlp(), new PostTrainingOptions { Scheme = QuantizationScheme.FourBits with { KeepFloat = ["Dense_1"] }, ClassNames = ["a"], VerifiedRows = 3 });
        ModelMetadata metadata = result.Document.Metadata;
        Check.Sequence(metadata.FloatLayers.ToArray(), "Dense_1");
        Check.Sequence(metadata.EightBitLayers.ToArray(), "Dense", "Dense_2");
        Assert.AreEqual("kept float by name", result.Layers[1].Reason);
        Assert.AreEqual(result.Calibration!.Fingerprint, metadata.CalibrationFingerprint);
        StringAssert.StartsWith(metadata.Facts["scheme"], "W4A4");
        Assert.AreEqual(3, metadata.ReferenceRuns.Single().Batch);
        Assert.IsTrue(_log.Any(l => l.Contains("'Dense'", StringComparison.Ordinal) && l.Contains("first or last", StringComparison.Ordinal)), string.Join(Environment.NewLine, _log));
    }

    [TestMethod]
    public void Dense_layers_with_weights_in_groups_run_on_integers_without_calibration()
    {
        var scheme = new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = 8, EdgeLayers = EdgeLayers.SameBits };
        QuantizationResult result = Quantize(GraphCases.Mlp(), new PostTrainingOptions { Scheme = scheme });
        Assert.IsTrue(result.Layers.All(l => l.IsInteger && l is { WeightBits: 4, ActivationBits: 8, Bound: 8 * 127 * 7 }), string.Join(Environment.NewLine, result.Layers));
        Assert.AreEqual(3, result.Integer.Nodes.Count(n => n is GroupedDense));
        Tensor[] rows = Rows(GraphCases.Mlp())[0];
        Assert.IsTrue(SignalToNoise(Harness.Run(result.FakeQuantized, rows), Harness.Run(result.Integer, rows)) > 30);
        Assert.IsNull(result.Calibration);
    }

    [TestMethod]
    public void A_layer_may_have_groups_of_its_own_size()
    {
        var scheme = new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = 8, EdgeLayers = EdgeLayers.SameBits };
        Graph graph = GraphCases.Mlp();
        string name = graph.Nodes.OfType<Dense>().First().Name;
        QuantizationResult result = Quantize(graph, new PostTrainingOptions { Scheme = scheme with { Overrides = [new LayerOverride(name, 4, 8) { GroupSize = 4 }] } });
        int[] sizes = [.. result.Integer.Nodes.OfType<GroupedDense>().Select(n => result.Integer[n.Inputs[1]].Type.Quantization!.GroupSize)];
        CollectionAssert.AreEqual((int[])[4, 8, 8], sizes);
        StringAssert.Contains(result.Document.Metadata.Facts["scheme"], "G4");
    }

    [TestMethod]
    public void Weights_alone_in_groups_give_the_bits_of_the_network_with_decoded_weights()
    {
        var scheme = new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = 8, FloatInputs = true, EdgeLayers = EdgeLayers.SameBits };
        QuantizationResult result = Quantize(GraphCases.Mlp(), new PostTrainingOptions { Scheme = scheme });
        Assert.IsTrue(result.Layers.All(l => l is { IsInteger: false, WeightBits: 4, ActivationBits: 32 }), string.Join(Environment.NewLine, result.Layers));
        Assert.AreEqual(3, result.Integer.Nodes.Count(n => n is GroupedDense { FloatInputs: true }));
        Tensor[] rows = Rows(GraphCases.Mlp())[0];
        CollectionAssert.AreEqual(Harness.Run(result.FakeQuantized, rows), Harness.Run(result.Integer, rows));
    }

    [TestMethod]
    public void Weights_in_groups_of_a_network_with_its_own_quantizers_stay_float_arithmetic()
    {
        var scheme = new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = 8 };
        QuantizationResult result = New().RunQuantized(Quantize(GraphCases.Mlp(), new PostTrainingOptions { Scheme = scheme }).FakeQuantized, new PostTrainingOptions());
        Assert.IsTrue(result.Layers.All(l => !l.IsInteger));
        Assert.IsFalse(result.Integer.Nodes.Any(n => n is GroupedDense));
    }

    [TestMethod]
    public void Bias_correction_brings_the_mean_of_the_outputs_back()
    {
        var scheme = new QuantizationScheme { WeightBits = 2, ActivationBits = 8, EdgeLayers = EdgeLayers.SameBits };
        Graph graph = GraphCases.Mlp();
        Tensor[] rows = Rows(graph)[0];
        double Shift(bool corrected)
        {
            QuantizationResult result = Quantize(graph, new PostTrainingOptions { Scheme = scheme with { BiasCorrection = corrected } });
            float[] expected = Harness.Run(graph, rows);
            float[] found = Harness.Run(result.Integer, rows);
            return Enumerable.Range(0, 10).Sum(c => Math.Abs(Enumerable.Range(0, expected.Length / 10).Average(r => found[(r * 10) + c] - expected[(r * 10) + c])));
        }

        Assert.IsTrue(Shift(true) < Shift(false) / 4, $"{Shift(true)} against {Shift(false)}");
    }

    [TestMethod]
    public void Sixteen_bit_streams_carry_the_additions_of_two_bit_networks()
    {
        QuantizationResult result = Quantize(GraphCases.Residual(), new PostTrainingOptions { Scheme = new QuantizationScheme { WeightBits = 2, ActivationBits = 2 } });
        Node[] adds = [.. result.Integer.Nodes.Where(n => n is IntegerAdd)];
        Assert.AreEqual(2, adds.Length);
        Assert.IsTrue(adds.SelectMany(a => a.Inputs).All(i => result.Integer[i].Type is { Element: ElementType.Int16, Quantization.Single.ZeroPoint: 0 }));
    }

    [TestMethod]
    public void Q134_when_nothing_is_left_to_quantize()
    {
        AssertCode(QuantizationErrorCode.NothingToQuantize, GraphCases.Mlp(), new PostTrainingOptions { Scheme = new QuantizationScheme { KeepFloat = ["Dense.*"] } });
        var net = new Net();
        AssertCode(QuantizationErrorCode.NothingToQuantize, net.Build(net.Relu("y", net.Input("x", Shape.Free, 2))), new PostTrainingOptions());
    }

    [TestMethod]
    public void Q135_for_a_quantized_network_unless_it_is_asked_for()
    {
        Graph graph = GraphCases.Mlp();
        QuantizationResult first = Quantize(graph, new PostTrainingOptions());
        AssertCode(QuantizationErrorCode.AlreadyQuantized, first.FakeQuantized, new PostTrainingOptions());
        AssertCode(QuantizationErrorCode.AlreadyQuantized, first.Integer, new PostTrainingOptions { AllowQuantized = true });
        QuantizationResult again = Quantize(first.FakeQuantized, new PostTrainingOptions { AllowQuantized = true });
        Assert.IsTrue(again.Layers.All(l => l.IsInteger));
    }

    [TestMethod]
    public void A_network_with_its_own_quantizers_keeps_them()
    {
        Graph fake = Quantize(GraphCases.Residual(), new PostTrainingOptions()).FakeQuantized;
        QuantizationResult result = New().RunQuantized(fake, new PostTrainingOptions());
        Tensor[] rows = GraphCases.Inputs(fake, 2);
        Assert.AreEqual(GraphPrinter.Print(LowerToInteger.Run(fake, Harness.Evaluate).Graph), GraphPrinter.Print(result.Integer));
        Assert.IsTrue(SignalToNoise(Harness.Run(fake, rows), Harness.Run(result.Integer, rows)) > 30);
        Assert.AreEqual(QuantizationErrorCode.NothingToQuantize, Assert.ThrowsException<QuantizationException>(() => New().RunQuantized(GraphCases.Mlp(), new PostTrainingOptions())).Code);
    }

    [TestMethod]
    public void Q140_names_the_layer_and_the_index_of_a_weight_that_is_not_finite()
    {
        var net = new Net();
        ValueId x = net.Input("x", Shape.Free, 2);
        Graph graph = net.Build(net.Dense("dense", x, net.Constant("w", [2, 2], 1, 2, float.NaN, 4)));
        QuantizationException error = AssertCode(QuantizationErrorCode.NonFiniteWeight, graph, new PostTrainingOptions());
        StringAssert.Contains(error.Message, "'dense'");
        StringAssert.Contains(error.Message, "index 2");
    }

    [TestMethod]
    public void Q151_for_options_out_of_range()
        => AssertCode(QuantizationErrorCode.InvalidOptions, GraphCases.Mlp(), new PostTrainingOptions { VerifiedRows = 0 });

    [TestMethod]
    public void Q200_and_Q201_for_no_rows()
    {
        Graph graph = GraphCases.Mlp();
        Assert.AreEqual(QuantizationErrorCode.EmptyCalibrationData, Assert.ThrowsException<QuantizationException>(() => New().Run(graph, new PostTrainingOptions(), [])).Code);
        Assert.AreEqual(QuantizationErrorCode.MissingCalibrationData, Assert.ThrowsException<QuantizationException>(() => New().Run(graph, new PostTrainingOptions(), null)).Code);
    }

    [TestMethod]
    public void Q203_names_the_row_and_Skip_leaves_it_out()
    {
        Graph graph = GraphCases.Mlp();
        float[] values = Rows(graph)[0][0].Values<float>().ToArray();
        values[(7 * 20) + 3] = float.NaN;
        Tensor[][] rows = [[Tensor.Create(Shape.Of(values.Length / 20, 20), values)], .. Rows(graph)];
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => New().Run(graph, new PostTrainingOptions(), rows));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteInput, error.Code);
        StringAssert.Contains(error.Message, "row 7");
        QuantizationResult result = New().Run(graph, new PostTrainingOptions { NonFiniteRows = NonFiniteRowPolicy.Skip }, [.. rows, .. Rows(graph), .. Rows(graph), .. Rows(graph)]);
        Assert.AreEqual(1, result.Calibration!.Skipped.Count);
    }

    [TestMethod]
    public void Few_rows_are_a_warning()
    {
        Graph graph = GraphCases.Mlp();
        QuantizationResult result = New().Run(graph, new PostTrainingOptions(), [GraphCases.Inputs(graph, 5)]);
        Assert.IsTrue(result.Notes.Any(n => n.Contains("5 calibration rows are few", StringComparison.Ordinal)), string.Join(Environment.NewLine, result.Notes));
    }

    [TestMethod]
    public void Q410_when_the_engine_differs_by_one_bit()
    {
        Graph graph = GraphCases.Mlp();
        var broken = new PostTrainingQuantizer(new FlippingFactory(), OperatorTable.Reference);
        Assert.AreEqual(QuantizationErrorCode.VerificationFailed, Assert.ThrowsException<QuantizationException>(() => broken.Run(graph, new PostTrainingOptions(), Rows(graph))).Code);
    }

    [TestMethod]
    public void A_cancelled_run_stops()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Graph graph = GraphCases.Mlp();
        Assert.ThrowsException<OperationCanceledException>(() => New().Run(graph, new PostTrainingOptions(), Rows(graph), source.Token));
    }

    private static Tensor[][] Rows(Graph graph) => [GraphCases.Inputs(graph, 20, 3), GraphCases.Inputs(graph, 13, 4)];

    private static double SignalToNoise(float[] expected, float[] found)
        => 10 * Math.Log10(expected.Sum(v => (double)v * v) / expected.Zip(found, (a, b) => ((double)a - b) * ((double)a - b)).Sum());

    private PostTrainingQuantizer New() => new(new ReferenceRunnerFactory(), OperatorTable.Reference, _log.Add);

    private QuantizationResult Quantize(Graph graph, PostTrainingOptions options) => New().Run(graph, options, Rows(graph));

    private QuantizationException AssertCode(QuantizationErrorCode code, Graph graph, PostTrainingOptions options)
    {
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => New().Run(graph, options, Rows(graph)));
        Assert.AreEqual(code, error.Code, error.Message);
        return error;
    }

    private sealed class FlippingFactory : IGraphRunnerFactory
    {
        public IGraphRunner Create(Graph graph) => new Flipping(new Evaluator(graph, OperatorTable.Reference));

        private sealed class Flipping(Evaluator evaluator) : IGraphRunner
        {
            public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs)
            {
                byte[] bytes = evaluator.Run(inputs)[0].Bytes.ToArray();
                bytes[5] ^= 1;
                return [new Tensor(ElementType.Float32, evaluator.Run(inputs)[0].Shape, bytes)];
            }

            public void Dispose() => evaluator.Dispose();
        }
    }
}
