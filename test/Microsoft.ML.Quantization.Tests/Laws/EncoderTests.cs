using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>
/// A transformer encoder of two layers with a mask, from the ONNX file to integers. test/Benchmarks/peers/make_models.py made the file, the input of three rows and, with ONNX Runtime,
/// the expected outputs.
/// </summary>
[TestClass]
public sealed class EncoderTests
{
    private const int Sequence = 16;
    private const int Words = 120;
    private const int Width = 32;
    private static readonly string[] _inputs = ["input_ids", "attention_mask"];
    private static readonly ImmutableDictionary<string, int> _dimensions = ImmutableDictionary<string, int>.Empty.Add("seq", Sequence);
    private static readonly Lazy<Graph> _float = new(() => OnnxModel.Load(Data("encoder.onnx"), new OnnxImportOptions { Dimensions = _dimensions }).Graph);
    private static readonly Lazy<QuantizationResult> _eightBits = new(() => Fit(QuantizationScheme.EightBits));

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Floats_equal_the_outputs_of_ONNX_Runtime(bool clean)
    {
        Graph graph = clean ? PostTrainingQuantizer.Clean(_float.Value) : _float.Value;
        IReadOnlyList<Tensor> found = Interpret(graph, Rows(3));
        foreach ((int output, string name) in new[] { (0, "states"), (1, "pooled") })
        {
            float[] expected = Npy(name).Values<float>().ToArray();
            float[] values = found[output].Values<float>().ToArray();
            Assert.AreEqual(expected.Length, values.Length);
            Assert.AreEqual(0, expected.Zip(values, (a, b) => Math.Abs(a - b)).Max(), 2e-5, name);
        }
    }

    [TestMethod]
    public void Cleaning_reads_normalizations_and_Gelus_as_nodes()
    {
        Graph graph = PostTrainingQuantizer.Clean(_float.Value);
        Assert.AreEqual(5, graph.Nodes.Count(n => n is LayerNormalization));
        Assert.AreEqual("Gelu, GeluTanh, Tanh", string.Join(", ", graph.Nodes.OfType<Unary>().Select(u => u.Operator)));
        Assert.IsTrue(graph.Nodes.OfType<Dense>().All(d => d.Inputs.Length == 3), "biases are melted into the layers");
    }

    [TestMethod]
    public void Eight_bits_run_every_product_in_integers_and_stay_close()
    {
        Graph graph = _eightBits.Value.Integer;
        Assert.IsTrue(_eightBits.Value.Layers.All(l => l.IsInteger), string.Join("; ", _eightBits.Value.Layers));
        Assert.AreEqual((4, 13, 0), (graph.Nodes.Count(n => n is IntegerMatMul), graph.Nodes.Count(n => n is IntegerDense), graph.Nodes.Count(n => n is MatMul or Dense)));
        Assert.AreEqual(2, graph.Nodes.Count(n => n is LookupTable), "Gelu runs as a table of codes");
        Assert.IsTrue(Cosine(Interpret(graph, Rows(3))[0], Npy("states")) > 0.99, "states");
        Assert.IsTrue(Cosine(Interpret(graph, Rows(3))[1], Npy("pooled")) > 0.99, "pooled");
    }

    [TestMethod]
    public void Weights_in_groups_stay_close_and_leave_attention_in_float()
    {
        Graph graph = Fit(new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = 16 }).Integer;
        Assert.AreEqual((13, 4), (graph.Nodes.Count(n => n is GroupedDense), graph.Nodes.Count(n => n is MatMul)));
        Assert.IsTrue(Cosine(Interpret(graph, Rows(3))[0], Npy("states")) > 0.97, "states");
    }

    [TestMethod]
    [DataRow(1, false)]
    [DataRow(3, false)]
    [DataRow(1, true)]
    [DataRow(3, true)]
    public void Engine_equals_interpreter_on_every_kernel_set(int batch, bool quantized)
    {
        Graph graph = quantized ? _eightBits.Value.Integer : PostTrainingQuantizer.Clean(_float.Value);
        Tensor[] rows = Rows(batch);
        byte[][] expected = [.. Interpret(graph, rows).Select(t => t.Bytes.ToArray())];
        foreach (KernelSet set in KernelRegistry.Available)
        {
            foreach (int threads in new[] { 1, 3 })
            {
                using IGraphRunner engine = new EngineRunnerFactory(set, threads).Create(graph);
                IReadOnlyList<Tensor> found = engine.Run(rows);
                for (int i = 0; i < expected.Length; i++)
                {
                    CollectionAssert.AreEqual(expected[i], found[i].Bytes.ToArray(), $"{set.Name}, {threads} threads, output {i}");
                }
            }
        }
    }

    [TestMethod]
    public void The_estimator_takes_columns_of_tokens_and_a_fixed_length()
    {
        var ml = new MLContext(1);
        Tensor[] rows = Rows(3);
        IDataView data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 3).Select(r => new Tokens { Ids = Row(rows[0], r), Mask = Row(rows[1], r) }));
        QuantizedModelEstimator.Options options = new()
        {
            ModelFile = Data("encoder.onnx"),
            Inputs = [new ScoringInput("input_ids", nameof(Tokens.Ids)), new ScoringInput("attention_mask", nameof(Tokens.Mask))],
            Outputs = [new ScoringOutput("pooled", "Score")],
        };
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => ml.Quantization().ApplyModel(options));
        StringAssert.Contains(error.Message, "\"seq\"");
        options.Dimensions = _dimensions;
        using QuantizedModelTransformer model = ml.Quantization().ApplyModel(options).Fit(data);
        float[] scores = [.. ml.Data.CreateEnumerable<Scores>(model.Transform(data), reuseRowObject: false).SelectMany(s => s.Score)];
        float[] expected = Npy("pooled").Values<float>().ToArray();
        Assert.AreEqual(0, expected.Zip(scores, (a, b) => Math.Abs(a - b)).Max(), 2e-5);
    }

    private static QuantizationResult Fit(QuantizationScheme scheme)
    {
        KernelSet kernels = KernelRegistry.Active;
        var quantizer = new PostTrainingQuantizer(new EngineRunnerFactory(kernels), OperatorTable.Fast(kernels, WorkerPool.Shared));
        IEnumerable<Tensor[]> batches = Enumerable.Range(0, 4).Select(i => RandomRows(8, i));
        return quantizer.Run(_float.Value, new PostTrainingOptions { Scheme = scheme, VerifiedRows = 1 }, batches);
    }

    private static Tensor[] RandomRows(int count, int seed)
    {
        var random = new Random(seed);
        long[] ids = [.. Enumerable.Range(0, count * Sequence).Select(_ => (long)random.Next(Words))];
        int[] lengths = [.. Enumerable.Range(0, count).Select(_ => random.Next(4, Sequence + 1))];
        long[] mask = [.. Enumerable.Range(0, count * Sequence).Select(i => i % Sequence < lengths[i / Sequence] ? 1L : 0)];
        return [Tensor.Create(Shape.Of(count, Sequence), ids), Tensor.Create(Shape.Of(count, Sequence), mask)];
    }

    private static Tensor[] Rows(int count)
        => [.. _inputs.Select(name => Tensor.Create(Shape.Of(count, Sequence), Npy(name).Values<long>()[..(count * Sequence)]))];

    private static long[] Row(Tensor tensor, int row) => tensor.Values<long>().Slice(row * Sequence, Sequence).ToArray();

    private static IReadOnlyList<Tensor> Interpret(Graph graph, Tensor[] inputs) => new Evaluator(graph, OperatorTable.Reference).Run(inputs);

    private static double Cosine(Tensor found, Tensor expected)
    {
        (float[] a, float[] b) = (found.Values<float>().ToArray(), expected.Values<float>().ToArray());
        double product = a.Zip(b, (x, y) => (double)x * y).Sum();
        return product / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(y => (double)y * y));
    }

    private static Tensor Npy(string name) => NpyFile.Read(Data(name + ".npy"));

    private static string Data(string name) => Path.Combine(AppContext.BaseDirectory, "data", "encoder", name);

    private sealed class Tokens
    {
        [VectorType(Sequence)]
        public long[] Ids { get; set; } = [];

        [VectorType(Sequence)]
        public long[] Mask { get; set; } = [];
    }

    private sealed class Scores
    {
        [VectorType(Width)]
        public float[] Score { get; set; } = [];
    }
}
