using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Core.Tests.Passes;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.PostTraining;

/// <summary>Ternary residuals without training, on the engine (which is verified against the interpreter before a result is there).</summary>
[TestClass]
public sealed class TernaryTermTests
{
    private static readonly EngineRunnerFactory _engine = new(KernelRegistry.Active);
    private static readonly QuantizationScheme _scheme = QuantizationScheme.TernaryResidual with { EdgeLayers = EdgeLayers.SameBits };
    private static readonly TernaryTerms _fixed = new() { Rule = TernaryTermRule.Tolerance, Tolerance = 0, BlockChannels = 5 };
    private readonly List<string> _log = [];

    [TestMethod]
    [DataRow("mlp")]
    [DataRow("residual")]
    [DataRow("depthwise-se")]
    [DataRow("concat")]
    [DataRow("conv1d")]
    public void Every_layer_is_a_sum_of_integer_layers_and_more_terms_lose_less(string name)
    {
        Graph graph = GraphCases.Create(name);
        Tensor[] rows = GraphCases.Inputs(graph, 6, 77);
        float[] expected = Harness.Run(graph, rows);
        double before = double.PositiveInfinity;
        foreach (int most in (int[])[1, 2, 4])
        {
            QuantizationResult result = Fit(graph, _scheme with { TernaryTerms = _fixed with { MostTerms = most } });
            Assert.IsTrue(result.Layers.All(l => l.IsInteger && l.WeightBits == 2 * most && l.ActivationBits == 8 && l.Reason.StartsWith("ternary terms", StringComparison.Ordinal)), string.Join("; ", result.Layers));
            Assert.IsFalse(result.Integer.Nodes.Any(n => n is Convolution or Dense), "nothing is left in float");
            double error = Error(expected, Harness.Run(result.Integer, rows));
            Assert.IsTrue(error < before / 2, $"{most} terms: {error} after {before}");
            before = error;
        }
    }

    [TestMethod]
    [DataRow(8)]
    [DataRow(4)]
    [DataRow(2)]
    public void The_integer_network_computes_what_the_terms_and_block_scales_say(int activationBits)
    {
        Graph graph = GraphCases.Residual();
        Tensor[] rows = GraphCases.Inputs(graph, 6, 77);
        QuantizationResult result = Fit(graph, _scheme with { ActivationBits = activationBits, StreamBits = 16, TernaryTerms = _fixed with { MostTerms = 2 } });
        Assert.IsTrue(result.Layers.All(l => l.IsInteger), string.Join("; ", result.Layers));
        float[] fake = Harness.Run(result.FakeQuantized, rows);
        Assert.IsTrue(Error(fake, Harness.Run(result.Integer, rows)) < 1e-3 * Error(fake, new float[fake.Length]));
        Slice[] slices = [.. result.Integer.Nodes.OfType<Slice>()];
        Assert.AreEqual(slices.Length, slices.Select(s => (s.Inputs[0], s.Starts[0])).Distinct().Count(), "the terms of a block read one slice");
    }

    [TestMethod]
    public void The_budget_holds_over_the_network_and_is_told()
    {
        QuantizationResult result = Fit(GraphCases.Residual(), _scheme with { TernaryTerms = new TernaryTerms { ExtraTerms = 0.5, BlockChannels = 4 } });
        ImmutableSortedDictionary<string, string> facts = result.Document.Metadata.Facts;
        int blocks = int.Parse(facts["ternary.blocks"], CultureInfo.InvariantCulture);

        // 8·1 + 8·2 + 8·2 + 14·2 + 14·4 + 14·2 + 5·4 runs of 4 channels.
        Assert.AreEqual(172, blocks);
        Assert.AreEqual("86", facts["ternary.extra"]);
        StringAssert.Contains(facts["scheme"], "terms=Greedy/4/+0.5/8");
        Assert.AreEqual(86, result.Layers.Sum(l => int.Parse(l.Reason.Split(" blocks with ")[1].Split(' ')[0], CultureInfo.InvariantCulture)));
        Assert.IsTrue(_log.Any(l => l.StartsWith("Ternary terms: 172 blocks in 7 layers, 86 extra terms", StringComparison.Ordinal)), string.Join(Environment.NewLine, _log));
    }

    [TestMethod]
    public void One_term_of_one_block_is_an_ordinary_layer_and_other_widths_stay_uniform()
    {
        Graph graph = GraphCases.Mlp();
        QuantizationScheme scheme = QuantizationScheme.TernaryResidual with { TernaryTerms = new TernaryTerms { ExtraTerms = 0 } };
        QuantizationResult result = Fit(graph, scheme);
        Assert.IsFalse(result.Integer.Nodes.Any(n => n is CombineAccumulators));
        CollectionAssert.AreEqual((int[])[8, 2, 8], result.Layers.Select(l => l.WeightBits).ToArray());
        Assert.AreEqual("first or last layer", result.Layers[0].Reason);
        QuantizationResult four = Fit(graph, scheme with { Overrides = [new LayerOverride("Dense_1", 4, 8)] });
        CollectionAssert.AreEqual((int[])[8, 4, 8], four.Layers.Select(l => l.WeightBits).ToArray());
        Assert.AreEqual("0", four.Document.Metadata.Facts["ternary.blocks"]);
    }

    [TestMethod]
    public void Without_rows_layers_count_alike_and_that_is_said()
    {
        Graph graph = GraphCases.Mlp();
        PostTrainingQuantizer quantizer = New();
        var options = new PostTrainingOptions { Scheme = _scheme };
        options = options with { Statistics = quantizer.Calibrate(graph, options, Rows(graph)) };
        QuantizationResult result = quantizer.Run(graph, options, null);
        Assert.IsTrue(result.Notes.Any(n => n.StartsWith("Ternary terms are chosen by errors of weights alone", StringComparison.Ordinal)), string.Join("; ", result.Notes));
        Assert.IsFalse(Fit(graph, _scheme).Notes.Any(n => n.Contains("alone", StringComparison.Ordinal)));
    }

    [TestMethod]
    [DataRow("mlp", 0)]
    [DataRow("residual", 0)]
    [DataRow("residual", 5)]
    public void Leaving_terms_out_is_a_fit_with_fewer_of_them(string name, int blockChannels)
    {
        Graph graph = GraphCases.Create(name);
        QuantizationScheme scheme = _scheme with { BiasCorrection = false, TernaryTerms = _fixed with { BlockChannels = blockChannels, MostTerms = 4 } };
        byte[] file = ModelWriter.ToBytes(Fit(graph, scheme).Document);
        Tensor[] rows = GraphCases.Inputs(graph, 6, 77);
        foreach (int terms in (int[])[2, 3])
        {
            ModelDocument less = TernaryTermDowngrade.Run(ModelReader.Read(file.AsMemory()), terms, _engine);
            QuantizationResult fitted = Fit(graph, scheme with { TernaryTerms = scheme.TernaryTerms! with { MostTerms = terms } });
            CollectionAssert.AreEqual(Harness.Run(fitted.Integer, rows), Harness.Run(less.Graph, rows));
            Assert.AreEqual(fitted.Integer.Nodes.Length, less.Graph.Nodes.Length, "what is left out is gone");
            Assert.AreEqual(terms.ToString(CultureInfo.InvariantCulture), less.Metadata.Facts[TernaryTermDowngrade.Fact]);
            Assert.IsTrue(ModelWriter.ToBytes(less).Length < file.Length);
            using QuantizedModel model = QuantizedModel.FromDocument(less);
            model.Verify();
        }
    }

    [TestMethod]
    public void A_file_reads_back_with_equal_results()
    {
        Graph graph = GraphCases.Residual();
        QuantizationResult result = Fit(graph, _scheme with { TernaryTerms = new TernaryTerms { BlockChannels = 4 } });
        byte[] bytes = ModelWriter.ToBytes(result.Document);
        CollectionAssert.AreEqual(bytes, ModelWriter.ToBytes(Fit(graph, _scheme with { TernaryTerms = new TernaryTerms { BlockChannels = 4 } }).Document), "the same rows give the same file");
        ModelDocument back = ModelReader.Read(bytes.AsMemory());
        CollectionAssert.AreEqual(bytes, ModelWriter.ToBytes(back));
        Tensor[] rows = GraphCases.Inputs(graph, 6, 77);
        float[] expected = Harness.Run(result.Integer, rows);
        using QuantizedModel model = QuantizedModel.FromDocument(back);
        CollectionAssert.AreEqual(expected, model.Run(rows)[0].Values<float>().ToArray());
    }

    [TestMethod]
    public void What_has_no_terms_cannot_lose_any()
    {
        QuantizationResult plain = Fit(GraphCases.Mlp(), QuantizationScheme.EightBits);
        var none = Assert.ThrowsException<QuantizationException>(() => TernaryTermDowngrade.Run(plain.Document, 1, _engine));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, none.Code);
        StringAssert.Contains(none.Message, "TernaryTerms");
        QuantizationResult fitted = Fit(GraphCases.Mlp(), _scheme);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => TernaryTermDowngrade.Run(fitted.Document, 0, _engine)).Code);
        Assert.AreSame(fitted.Document, TernaryTermDowngrade.Run(fitted.Document, 8, _engine));
    }

    [TestMethod]
    public void A_layer_of_more_planes_than_one_sum_takes_stays_float_and_says_why()
    {
        TernaryTermFit fit = TernaryTermFitter.Fit([new TernaryTermLayer("w", Tensor.Create(Shape.Of(1, 2), [0.5f, -1f]), 1, 0)], _fixed with { MostTerms = 1 })[0];
        LayerOutcome Lower(int planes)
        {
            var builder = new GraphBuilder();
            ValueId x = NormalizeQdq.Add(builder, builder.AddInput("x", Quantization.Graphs.ValueType.Float(Shape.Of(1, 2))), HandmadeGraphs.Activations(8, 0.1f, 0), "codes");
            ValueId weights = PlaneSum.Add(builder, [.. Enumerable.Repeat(fit.Planes[0], planes)], "w");
            builder.AddOutput(builder.Add(new Dense { Name = "dense", Inputs = [x, weights] }));
            return LowerToInteger.Run(builder.Build(), Harness.Evaluate).Layers[0];
        }

        Assert.IsTrue(Lower(25).IsInteger);
        LayerOutcome many = Lower(26);
        Assert.IsFalse(many.IsInteger);
        StringAssert.Contains(many.Reason, "its 26 planes of weights and 1 of inputs are 26 pairs, above 25");
    }

    private static Tensor[][] Rows(Graph graph) => [GraphCases.Inputs(graph, 20, 3), GraphCases.Inputs(graph, 13, 4)];

    private static double Error(float[] expected, float[] found) => expected.Zip(found, (a, b) => ((double)a - b) * ((double)a - b)).Sum();

    private PostTrainingQuantizer New() => new(_engine, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single), _log.Add);

    private QuantizationResult Fit(Graph graph, QuantizationScheme scheme) => New().Run(graph, new PostTrainingOptions { Scheme = scheme }, Rows(graph));
}
