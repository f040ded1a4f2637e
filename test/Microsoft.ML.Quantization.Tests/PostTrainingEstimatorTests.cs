using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

[TestClass]
public sealed class PostTrainingEstimatorTests
{
    private const string Mlp = "fmnist-mlp.onnx";
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void The_estimator_keeps_the_hosts_contract()
        => EstimatorContract.Verify(
            Estimator(),
            _ml.Data.LoadFromEnumerable(Rows.Floats(150)),
            alsoValid: _ml.Data.LoadFromEnumerable(Rows.Floats(3, seed: 9)),
            invalid: _ml.Data.LoadFromEnumerable(new[] { new { Pixels = "text" } }));

    [TestMethod]
    [DataRow(ScoringTask.Vectors)]
    [DataRow(ScoringTask.MulticlassClassification)]
    public void Every_task_keeps_the_hosts_contract(ScoringTask task)
        => EstimatorContract.Verify(Estimator(task), _ml.Data.LoadFromEnumerable(Rows.Floats(40)));

    [TestMethod]
    public void Class_names_reach_score_and_label()
    {
        string[] names = [.. Enumerable.Range(0, 10).Select(i => "class " + i)];
        PostTrainingQuantizationEstimator.Options options = Options(ScoringTask.MulticlassClassification);
        options.ClassNames = names;
        PostTrainingQuantizationEstimator estimator = _ml.Quantization().PostTraining(options);
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(20));
        EstimatorContract.Verify(estimator, data);
        IDataView scored = estimator.Append(_ml.Transforms.Conversion.MapKeyToValue("Text", "PredictedLabel")).Fit(data).Transform(data);
        Assert.IsTrue(scored.GetColumn<string>("Text").All(names.Contains));
    }

    [TestMethod]
    public void Scores_are_the_same_row_by_row_in_batches_and_outside_the_host()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(150));
        using QuantizedModelTransformer transformer = Estimator().Fit(data);
        float[][] inView = [.. transformer.Transform(data).GetColumn<float[]>("Score")];
        var outside = new float[10];
        List<PixelRow> rows = Rows.Floats(150);
        for (int i = 0; i < rows.Count; i++)
        {
            transformer.Model.Run(rows[i].Pixels, outside);
            CollectionAssert.AreEqual(outside, inView[i], $"row {i}");
        }
    }

    [TestMethod]
    public void The_prediction_engine_gives_what_the_view_gives()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(12));
        QuantizedModelTransformer transformer = Estimator(ScoringTask.MulticlassClassification).Fit(data);
        Scored[] inView = [.. _ml.Data.CreateEnumerable<Scored>(transformer.Transform(data), reuseRowObject: false)];
        using PredictionEngine<PixelRow, Scored> engine = _ml.Model.CreatePredictionEngine<PixelRow, Scored>(transformer);
        foreach ((PixelRow row, Scored expected) in Rows.Floats(12).Zip(inView))
        {
            Scored found = engine.Predict(row);
            CollectionAssert.AreEqual(expected.Score, found.Score);
            Assert.AreEqual(expected.PredictedLabel, found.PredictedLabel);
            Assert.AreEqual((uint)Array.IndexOf(found.Score, found.Score.Max()) + 1, found.PredictedLabel);
            Assert.AreEqual(row.Name, expected.Name);
        }
    }

    [TestMethod]
    public void A_chain_is_saved_and_loaded_with_no_call_by_the_user()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(20));
        var chain = _ml.Transforms.CopyColumns("Features", "Pixels")
            .Append(_ml.Quantization().PostTraining("Score", "Features", Rows.Network(Mlp)))
            .Append(_ml.Transforms.CopyColumns("Result", "Score"))
            .Fit(data);
        using var stream = new MemoryStream();
        _ml.Model.Save(chain, data.Schema, stream);
        stream.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(stream, out DataViewSchema schema);
        Assert.AreEqual(data.Schema.Count, schema.Count);
        CollectionAssert.AreEqual(Scores(chain.Transform(data), "Result"), Scores(loaded.Transform(data), "Result"));
    }

    [TestMethod]
    public void Ternary_terms_come_back_from_the_hosts_file_and_can_be_left_out()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(20));
        PostTrainingQuantizationEstimator.Options options = Options(ScoringTask.Vectors);
        options.Scheme = QuantizationScheme.TernaryResidual;
        using QuantizedModelTransformer model = _ml.Quantization().PostTraining(options).Fit(data);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);
        stream.Position = 0;
        CollectionAssert.AreEqual(Scores(model.Transform(data), "Score"), Scores(_ml.Model.Load(stream, out _).Transform(data), "Score"));
        byte[] file = File(model);
        ModelDocument cheaper = TernaryTermDowngrade.Run(ModelReader.Read(file.AsMemory()), terms: 1, new EngineRunnerFactory(KernelRegistry.Active));
        Assert.IsTrue(ModelWriter.ToBytes(cheaper).Length < file.Length);
        using QuantizedModel small = QuantizedModel.FromDocument(cheaper);
        small.Verify();
    }

    [TestMethod]
    public void Registering_twice_is_harmless()
    {
        MLContext context = new MLContext().RegisterQuantization().RegisterQuantization();
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(5));
        using var stream = new MemoryStream();
        _ml.Model.Save(Estimator().Fit(data), data.Schema, stream);
        stream.Position = 0;
        Assert.IsNotNull(context.Model.Load(stream, out _));
    }

    [TestMethod]
    public void Pixels_as_bytes_score_like_their_floats()
    {
        PostTrainingQuantizationEstimator.Options options = Options(ScoringTask.Vectors);
        options.InputsAreBytes = true;
        options.InputScale = [1f / 255];
        IDataView bytes = _ml.Data.LoadFromEnumerable(Rows.Bytes(30));
        PostTrainingQuantizationEstimator estimator = _ml.Quantization().PostTraining(options);
        EstimatorContract.Verify(estimator, bytes);
        using QuantizedModelTransformer transformer = estimator.Fit(bytes);
        float[] fromBytes = Scores(transformer.Transform(bytes), "Score");

        IDataView floats = _ml.Data.LoadFromEnumerable(Rows.Bytes(30).Select(r => new PixelRow { Pixels = Array.ConvertAll(r.Pixels, p => p * (1f / 255)) }));
        using QuantizedModelTransformer other = Estimator().Fit(floats);
        CollectionAssert.AreEqual(Scores(other.Transform(floats), "Score"), fromBytes);
    }

    [TestMethod]
    public void Many_threads_share_a_transformer()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(60));
        using QuantizedModelTransformer transformer = Estimator().Fit(data);
        float[] expected = Scores(transformer.Transform(data), "Score");
        Parallel.For(0, 6, _ => CollectionAssert.AreEqual(expected, Scores(transformer.Transform(data), "Score")));
    }

    [TestMethod]
    public void Fitting_the_same_data_gives_the_same_file()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(64));
        byte[] first = File(Estimator().Fit(data));
        PostTrainingQuantizationEstimator.Options options = Options(ScoringTask.Vectors);
        options.CalibrationBatchSize = 7;
        CollectionAssert.AreEqual(first, File(_ml.Quantization().PostTraining(options).Fit(data)), "whatever the batch size");
    }

    [TestMethod]
    public void Only_the_asked_number_of_rows_is_read()
    {
        PostTrainingQuantizationEstimator.Options options = Options(ScoringTask.Vectors);
        options.MaximumCalibrationRows = 10;
        int read = 0;
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(40).Select(r =>
        {
            read++;
            return r;
        }));
        _ml.Quantization().PostTraining(options).Fit(data);
        Assert.IsTrue(read is >= 10 and <= 12, $"{read} rows were read");
    }

    [TestMethod]
    public void Cancelling_stops_fitting()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        PostTrainingQuantizationEstimator.Options options = Options(ScoringTask.Vectors);
        options.CancellationToken = source.Token;
        Assert.ThrowsException<OperationCanceledException>(() => _ml.Quantization().PostTraining(options).Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(10))));
    }

    [TestMethod]
    public void Fitting_reports_progress_and_logs()
    {
        var stages = new List<string>();
        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.Source + " " + e.RawMessage);
        PostTrainingQuantizationEstimator.Options options = Options(ScoringTask.Vectors);
        options.Progress = new Collector(stages);
        _ml.Quantization().PostTraining(options).Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(40)));
        Assert.IsTrue(stages.Count > 1, string.Join(",", stages));
        Assert.IsTrue(log.Any(l => l.Contains("PostTrainingQuantizationEstimator; Fit", StringComparison.Ordinal)), string.Join("\n", log));
    }

    [TestMethod]
    public void The_model_alone_runs_without_the_host()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(20));
        using QuantizedModelTransformer transformer = Estimator().Fit(data);
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        try
        {
            transformer.SaveModel(path);
            using QuantizedModel model = QuantizedModel.Load(path);
            var scores = new float[10];
            model.Run(Rows.Floats(1)[0].Pixels, scores);
            CollectionAssert.AreEqual(Scores(transformer.Transform(data), "Score")[..10], scores);

            QuantizedModelTransformer applied = _ml.Quantization().ApplyModel("Score", "Pixels", path).Fit(data);
            CollectionAssert.AreEqual(Scores(transformer.Transform(data), "Score"), Scores(applied.Transform(data), "Score"));
            EstimatorContract.Verify(_ml.Quantization().ApplyModel("Score", "Pixels", path), data);
        }
        finally
        {
            System.IO.File.Delete(path);
        }
    }

    [TestMethod]
    public void An_onnx_file_is_scored_as_it_is()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(8));
        EstimatorContract.Verify(_ml.Quantization().ApplyModel("Score", "Pixels", Rows.Network(Mlp)), data);
        float[] scores = Scores(_ml.Quantization().ApplyModel("Score", "Pixels", Rows.Network(Mlp)).Fit(data).Transform(data), "Score");
        float[] quantized = Scores(Estimator().Fit(data).Transform(data), "Score");
        float largest = scores.Select(Math.Abs).Max();
        Assert.IsTrue(scores.Zip(quantized).All(p => Math.Abs(p.First - p.Second) < largest * 0.05f), "8 bits stay near floats");
        Assert.IsTrue(scores.Zip(quantized).Any(p => p.First != p.Second), "and are not floats");
    }

    private static float[] Scores(IDataView view, string column) => [.. view.GetColumn<float[]>(column).SelectMany(s => s)];

    private static byte[] File(QuantizedModelTransformer transformer)
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        transformer.SaveModel(path);
        byte[] bytes = System.IO.File.ReadAllBytes(path);
        System.IO.File.Delete(path);
        return bytes;
    }

    private static PostTrainingQuantizationEstimator.Options Options(ScoringTask task) => new()
    {
        ModelFile = Rows.Network(Mlp),
        InputColumnName = "Pixels",
        Task = task,
        Scheme = QuantizationScheme.EightBits,
    };

    private PostTrainingQuantizationEstimator Estimator(ScoringTask task = ScoringTask.Vectors) => _ml.Quantization().PostTraining(Options(task));

    private sealed class Collector(List<string> stages) : IProgress<QuantizationProgress>
    {
        public void Report(QuantizationProgress value) => stages.Add(value.Stage);
    }
}
