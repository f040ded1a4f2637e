using System;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Networks whose file fixes the batch, as exporters write them by default, and outputs that are not one a row.</summary>
[TestClass]
public sealed class FixedBatchTests
{
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void A_network_for_one_row_is_calibrated_and_scored_row_by_row()
    {
        using var one = new ModelOnDisk(Dense(1));
        using var free = new ModelOnDisk(Dense(Shape.Free));
        IDataView data = _ml.Data.LoadFromEnumerable(Points(70));
        PostTrainingQuantizationEstimator estimator = _ml.Quantization().PostTraining(Options(one));
        EstimatorContract.Verify(estimator, data);
        float[] expected = Scores(_ml.Quantization().PostTraining(Options(free)).Fit(data), data);
        CollectionAssert.AreEqual(expected, Scores(estimator.Fit(data), data));
    }

    [TestMethod]
    public void A_network_for_one_row_of_several_inputs_scores_every_row()
    {
        using var model = new ModelOnDisk(SumAndTotal(1));
        IDataView data = _ml.Data.LoadFromEnumerable(Points(20));
        using QuantizedModelTransformer transformer = _ml.Quantization().ApplyModel(Options(model, new ScoringOutput("sum", "Score"), new ScoringOutput("total", "Total"))).Fit(data);
        IDataView scored = transformer.Transform(data);
        CollectionAssert.AreEqual(Points(20).SelectMany(p => p.First.Zip(p.Second, (a, b) => a + b)).ToArray(), scored.GetColumn<float[]>("Score").SelectMany(s => s).ToArray());
        CollectionAssert.AreEqual(Points(20).Select(p => p.First.Sum()).ToArray(), scored.GetColumn<float[]>("Total").SelectMany(s => s).ToArray());
    }

    [TestMethod]
    public void A_scalar_output_of_one_row_is_a_list_over_many()
    {
        Graph graph = Total();
        using QuantizedModel model = QuantizedModel.FromDocument(new ModelDocument(graph, ModelSignature.Of(graph), new ModelMetadata()));
        Tensor total = model.Run([Tensor.Create(Shape.Of(40, 3), [.. Enumerable.Range(0, 120).Select(i => (float)i)])]).Single();
        CollectionAssert.AreEqual(Enumerable.Range(0, 40).Select(r => (9f * r) + 3).ToArray(), total.Values<float>().ToArray());
    }

    [TestMethod]
    public void A_network_for_eight_rows_is_refused_with_the_way_out()
    {
        using var model = new ModelOnDisk(Dense(8));
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().PostTraining(Options(model)));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, error.Code);
        StringAssert.Contains(error.Message, "'x' [8,3]");
        StringAssert.Contains(error.Message, "free batch");
    }

    [TestMethod]
    public void An_output_that_is_not_one_a_row_is_refused_where_it_is_wanted_and_passed_over_where_not()
    {
        using var model = new ModelOnDisk(SumAndTable());
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().ApplyModel(Options(model, new ScoringOutput("table", "Score"))));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, error.Code);
        StringAssert.Contains(error.Message, "Output 'table'");
        IDataView data = _ml.Data.LoadFromEnumerable(Points(5));
        using QuantizedModelTransformer transformer = _ml.Quantization().ApplyModel(Options(model, new ScoringOutput("larger", "Score"))).Fit(data);
        CollectionAssert.AreEqual(
            Points(5).SelectMany(p => p.First.Zip(p.Second, (a, b) => a + b == 0 ? 0f : 1)).ToArray(),
            transformer.Transform(data).GetColumn<float[]>("Score").SelectMany(s => s).ToArray(),
            "truth values are 0 and 1");
    }

    [TestMethod]
    public void Rows_that_are_not_finite_are_skipped_by_a_network_for_one_row_too()
    {
        using var model = new ModelOnDisk(Dense(1));
        TwoPoints[] points = Points(100);
        points[7].First[1] = float.NaN;
        IDataView data = _ml.Data.LoadFromEnumerable(points);
        PostTrainingQuantizationEstimator.Options options = Options(model);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().PostTraining(options).Fit(data));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteInput, error.Code);
        options.NonFiniteRows = NonFiniteRowPolicy.Skip;
        using QuantizedModelTransformer transformer = _ml.Quantization().PostTraining(options).Fit(data);
        Assert.AreEqual("99", transformer.Model.Metadata.Facts["calibration.rows"]);
    }

    [TestMethod]
    public void A_network_that_reads_bytes_by_itself_is_calibrated_on_bytes()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", new ValueType(ElementType.UInt8, Shape.Of(Shape.Free, 3)));
        ValueId real = builder.Add(new Cast { To = ElementType.Float32, Inputs = [x] }, "real");
        ValueId w = builder.AddConstant("w", Tensor.Create(Shape.Of(2, 3), [0.5f, -1, 0.25f, 1, 0, -0.5f]));
        builder.AddOutput(builder.Add(new Dense { Name = "dense", Inputs = [real, w] }, "y"));
        using var model = new ModelOnDisk(builder.Build());
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 100).Select(i => new ThreeBytes { First = [(byte)i, (byte)(2 * i), 9] }));
        PostTrainingQuantizationEstimator.Options options = Options(model);
        EstimatorContract.Verify(_ml.Quantization().PostTraining(options), data);
        options.InputScale = [0.5f];
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().PostTraining(options)).Code);
    }

    [TestMethod]
    public void An_input_of_which_no_column_can_be_read_is_refused_by_its_type()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", new ValueType(ElementType.Int32, Shape.Of(Shape.Free, 3)));
        builder.AddOutput(builder.Add(new Cast { To = ElementType.Float32, Inputs = [x] }, "y"));
        using var model = new ModelOnDisk(builder.Build());
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().ApplyModel("Score", "First", model.Path));
        Assert.AreEqual(QuantizationErrorCode.UnsupportedElementType, error.Code);
        StringAssert.Contains(error.Message, "found Int32");
    }

    [TestMethod]
    public void Training_asks_for_a_free_batch_before_it_reads_a_row()
    {
        using var model = new ModelOnDisk(Dense(1));
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().Trainers.Lsq(model.Path));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, error.Code);
        StringAssert.Contains(error.Message, "free batch");
    }

    [TestMethod]
    public void Training_of_a_network_of_indices_or_of_several_outputs_is_refused_before_it_reads_a_row()
    {
        using var tokens = new ModelOnDisk(Embedding(4));
        StringAssert.Contains(Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().Trainers.Lsq(tokens.Path)).Message, "Int64");
        using var two = new ModelOnDisk(SumAndTotal(Shape.Free));
        Assert.AreEqual(QuantizationErrorCode.InvalidGraph, Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().Trainers.Lsq(two.Path)).Code);
    }

    [TestMethod]
    public void A_network_with_quantizers_is_quantized_anew_only_when_that_is_asked_for_and_never_trained()
    {
        using var model = new ModelOnDisk(OwnQuantizers());
        IDataView data = _ml.Data.LoadFromEnumerable(Points(60));
        PostTrainingQuantizationEstimator.Options options = Options(model);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().PostTraining(options).Fit(data));
        Assert.AreEqual(QuantizationErrorCode.AlreadyQuantized, error.Code);
        StringAssert.Contains(error.Message, nameof(options.AllowQuantized));
        options.AllowQuantized = true;
        using QuantizedModelTransformer anew = _ml.Quantization().PostTraining(options).Fit(data);
        Assert.AreEqual("60", anew.Model.Metadata.Facts["calibration.rows"]);
        error = Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().Trainers.Lsq(model.Path));
        Assert.AreEqual(QuantizationErrorCode.AlreadyQuantized, error.Code);
    }

    [TestMethod]
    public void An_index_out_of_range_fails_at_its_row_alone()
    {
        using var model = new ModelOnDisk(Embedding(4));
        long[] indices = [.. Enumerable.Range(0, 20).Select(i => i == 9 ? 77L : i % 4)];
        IDataView data = _ml.Data.LoadFromEnumerable(indices.Select(i => new Token { Index = [i] }));
        using QuantizedModelTransformer transformer = _ml.Quantization().ApplyModel("Score", "Index", model.Path).Fit(data);
        IDataView scored = transformer.Transform(data);
        using DataViewRowCursor cursor = scored.GetRowCursor(scored.Schema);
        ValueGetter<VBuffer<float>> getter = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
        VBuffer<float> scores = default;
        for (int i = 0; i < indices.Length; i++)
        {
            Assert.IsTrue(cursor.MoveNext(), $"row {i}");
            if (i == 9)
            {
                StringAssert.Contains(Assert.ThrowsException<QuantizationException>(() => getter(ref scores)).Message, "found 77");
            }
            else
            {
                getter(ref scores);
                Assert.AreEqual(10 * indices[i], scores.GetItemOrDefault(0), $"row {i}");
            }
        }

        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void A_cursor_whose_engine_is_gone_stays_at_its_error()
    {
        using var model = new ModelOnDisk(Embedding(4));
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 20).Select(i => new Token { Index = [i % 4] }));
        QuantizedModelTransformer transformer = _ml.Quantization().ApplyModel("Score", "Index", model.Path).Fit(data);
        IDataView scored = transformer.Transform(data);
        using DataViewRowCursor cursor = scored.GetRowCursor(scored.Schema);
        Assert.IsTrue(cursor.MoveNext());
        transformer.Dispose();
        Assert.ThrowsException<ObjectDisposedException>(() => cursor.MoveNext());
        Assert.ThrowsException<ObjectDisposedException>(() => cursor.MoveNext(), "rows that were never scored must not be handed out");
    }

    private static PostTrainingQuantizationEstimator.Options Options(ModelOnDisk model) => new() { ModelFile = model.Path, InputColumnName = "First" };

    private static QuantizedModelEstimator.Options Options(ModelOnDisk model, params ScoringOutput[] outputs) => new()
    {
        ModelFile = model.Path,
        Inputs = [new ScoringInput("a", "First"), new ScoringInput("b", "Second")],
        Outputs = outputs,
    };

    private static float[] Scores(QuantizedModelTransformer transformer, IDataView data)
    {
        using (transformer)
        {
            return [.. transformer.Transform(data).GetColumn<float[]>("Score").SelectMany(s => s)];
        }
    }

    private static TwoPoints[] Points(int count) => [.. Enumerable.Range(0, count).Select(r => new TwoPoints { First = [r % 5, (r % 7) - 3, 1], Second = [-(r % 5), r % 3, 2] })];

    private static Graph Dense(int batch)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(batch, 3)));
        ValueId w = builder.AddConstant("w", Tensor.Create(Shape.Of(4, 3), [.. Enumerable.Range(0, 12).Select(i => (i - 5) / 7f)]));
        ValueId h = builder.Add(new Dense { Name = "first", Inputs = [x, w] }, "h");
        ValueId v = builder.AddConstant("v", Tensor.Create(Shape.Of(2, 4), [.. Enumerable.Range(0, 8).Select(i => (3 - i) / 5f)]));
        builder.AddOutput(builder.Add(new Dense { Name = "second", Inputs = [h, v] }, "y"));
        return builder.Build();
    }

    private static Graph OwnQuantizers()
    {
        var code = new CodeType(new BitWidth(8), false);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 3)));
        var quantizer = new AffineQuantization { Code = code, Range = code.Range, Granularity = Granularity.PerTensor, Scales = [0.1f], ZeroPoints = [128] };
        ValueId codes = builder.Add(new Quantize { Name = "q", Result = quantizer, Inputs = [x] }, "codes");
        ValueId real = builder.Add(new Dequantize { Name = "d", Inputs = [codes] }, "real");
        ValueId w = builder.AddConstant("w", Tensor.Create(Shape.Of(2, 3), [0.5f, -1, 0.25f, 1, 0, -0.5f]));
        builder.AddOutput(builder.Add(new Dense { Name = "dense", Inputs = [real, w] }, "y"));
        return builder.Build();
    }

    private static Graph SumAndTotal(int batch)
    {
        var builder = new GraphBuilder();
        ValueId a = builder.AddInput("a", ValueType.Float(Shape.Of(batch, 3)));
        ValueId b = builder.AddInput("b", ValueType.Float(Shape.Of(batch, 3)));
        builder.AddOutput(builder.Add(new Binary { Operator = BinaryOperator.Add, Inputs = [a, b] }, "sum"));
        builder.AddOutput(builder.Add(new Reduce { Operator = ReduceOperator.Sum, Axes = [1], KeepDimensions = true, Inputs = [a] }, "total"));
        return builder.Build();
    }

    private static Graph SumAndTable()
    {
        var builder = new GraphBuilder();
        ValueId a = builder.AddInput("a", ValueType.Float(Shape.Of(Shape.Free, 3)));
        ValueId b = builder.AddInput("b", ValueType.Float(Shape.Of(Shape.Free, 3)));
        ValueId sum = builder.Add(new Binary { Operator = BinaryOperator.Add, Inputs = [a, b] }, "sum");
        builder.AddOutput(builder.Add(new Cast { To = ElementType.Boolean, Inputs = [sum] }, "larger"));
        ValueId table = builder.AddConstant("t", Tensor.Create(Shape.Of(200), new float[200]));
        builder.AddOutput(builder.Add(new Unary { Operator = UnaryOperator.Exp, Inputs = [table] }, "table"));
        return builder.Build();
    }

    private static Graph Total()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(1, 3)));
        builder.AddOutput(builder.Add(new Reduce { Operator = ReduceOperator.Sum, Axes = [0, 1], KeepDimensions = false, Inputs = [x] }, "total"));
        return builder.Build();
    }

    private static Graph Embedding(int words)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", new ValueType(ElementType.Int64, Shape.Of(Shape.Free, 1)));
        ValueId table = builder.AddConstant("table", Tensor.Create(Shape.Of(words, 1), [.. Enumerable.Range(0, words).Select(i => 10f * i)]));
        ValueId rows = builder.Add(new Gather { Name = "words", Axis = 0, Inputs = [table, x] }, "rows");
        builder.AddOutput(builder.Add(new Reshape { Target = [0, 1], Inputs = [rows] }, "y"));
        return builder.Build();
    }
}

/// <summary>A model's file for the time of a test.</summary>
internal sealed class ModelOnDisk : IDisposable
{
    public ModelOnDisk(Graph graph)
        => File.WriteAllBytes(Path, ModelWriter.ToBytes(new ModelDocument(graph, ModelSignature.Of(graph), new ModelMetadata())));

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");

    public void Dispose() => File.Delete(Path);
}

/// <summary>Two vectors.</summary>
public sealed class TwoPoints
{
    [VectorType(3)]
    public float[] First { get; set; } = [];

    [VectorType(3)]
    public float[] Second { get; set; } = [];
}

/// <summary>Bytes.</summary>
public sealed class ThreeBytes
{
    [VectorType(3)]
    public byte[] First { get; set; } = [];
}

/// <summary>An index.</summary>
public sealed class Token
{
    [VectorType(1)]
    public long[] Index { get; set; } = [];
}
