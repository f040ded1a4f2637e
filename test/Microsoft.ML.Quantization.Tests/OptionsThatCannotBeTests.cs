using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>What an estimator refuses when it is made, and what it tells the log: nothing is found out only behind hours of fitting, and nothing is passed over in silence.</summary>
[TestClass]
public sealed class OptionsThatCannotBeTests
{
    private const string Mlp = "fmnist-mlp.onnx";
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void Threads_and_kernel_sets_that_cannot_be_are_refused_when_an_estimator_is_made()
    {
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Code(() => PostTraining(o => o.NumberOfThreads = -1)));
        Assert.AreEqual(QuantizationErrorCode.KernelSetUnavailable, Code(() => PostTraining(o => o.KernelSet = "abacus")));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Code(() => Training(o => o.NumberOfThreads = -1)));
        Assert.AreEqual(QuantizationErrorCode.KernelSetUnavailable, Code(() => Training(o => o.KernelSet = "abacus")));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Code(() => Training(o => o.Training = new TrainingOptions { Epochs = -3 })));
    }

    [TestMethod]
    public void The_loss_that_is_asked_for_is_trained_with_or_refused()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Blobs(32));
        float[] entropy = Scores(TrainingLoss.SoftmaxCrossEntropy);
        CollectionAssert.AreEqual(entropy, Scores(TrainingLoss.SoftmaxCrossEntropy));
        CollectionAssert.AreNotEqual(entropy, Scores(TrainingLoss.SquaredHinge));
        StringAssert.Contains(Message(() => Training(o => o.Training = o.Training with { Loss = TrainingLoss.MeanSquaredError })), "found MeanSquaredError");
        StringAssert.Contains(Message(() => Training(o => (o.Task, o.Training) = (ScoringTask.Regression, o.Training with { Loss = TrainingLoss.SquaredHinge }))), "found SquaredHinge");

        float[] Scores(TrainingLoss loss)
        {
            using QuantizedModelTransformer model = Training(o => o.Training = o.Training with { Loss = loss }).Fit(data);
            return [.. model.Transform(data).GetColumn<float[]>("Score").First()];
        }
    }

    [TestMethod]
    public void A_normalisation_that_does_not_fit_the_channels_is_refused_when_an_estimator_is_made()
    {
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Code(() => Training(o => o.InputScale = [1, 2])));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Code(() => PostTraining(o => o.InputOffset = [1, 2, 3])));
    }

    [TestMethod]
    public void A_normalisation_of_numbers_that_are_none_is_refused_when_an_estimator_is_made()
    {
        StringAssert.Contains(Message(() => Training(o => o.InputScale = [float.NaN])), "InputScale");
        StringAssert.Contains(Message(() => PostTraining(o => o.InputOffset = [float.PositiveInfinity])), "InputOffset");
    }

    [TestMethod]
    public void Pairs_of_options_that_cannot_be_trained_are_refused_when_an_estimator_is_made()
    {
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Code(() => Training(o => (o.Task, o.Training) = (ScoringTask.Regression, o.Training with { LabelSmoothing = 0.1f }))));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Code(() => Training(o => (o.Scheme, o.Training) = (TrainingRecipes.Find("WAGE").Scheme(2, 8), o.Training with { Optimizer = new Adam() }))));
        Assert.AreEqual(QuantizationErrorCode.UnknownLayer, Code(() => Training(o => o.Scheme = o.Scheme! with { KeepFloat = ["nowhere"] })));
        Assert.AreEqual(QuantizationErrorCode.UnknownLayer, Code(() => Training(o => o.Scheme = o.Scheme! with { TreatAsEdges = ["nowhere"] })));
        Graphs.Graph teacher = SmallNetworks.VggSmall(Shape.Of(1, 8, 8), 5, 4);
        Assert.ThrowsException<QuantizationException>(() => Training(o => o.Training = o.Training with { Distillation = new Distillation(teacher) }));
    }

    [TestMethod]
    public void Names_of_classes_must_be_as_many_as_the_classes()
    {
        StringAssert.Contains(Message(() => PostTraining(o => (o.Task, o.ClassNames) = (ScoringTask.MulticlassClassification, ["a", "b", "c"]))), "expected 10 names, one a class, found 3");
        StringAssert.Contains(Message(() => Training(o => o.ClassNames = ["a", "b"])), "expected 4 names");
        StringAssert.Contains(Message(() => _ml.Quantization().ApplyModel(new QuantizedModelEstimator.Options
        {
            ModelFile = Rows.Network(Mlp),
            InputColumnName = "Pixels",
            Task = ScoringTask.MulticlassClassification,
            ClassNames = ["a"],
        })), "expected 10 names");
    }

    [TestMethod]
    public void One_input_with_two_columns_is_refused_in_words()
        => StringAssert.Contains(Message(() => PostTraining(o => o.Inputs = [new ScoringInput("x", "Pixels"), new ScoringInput("x", "Others")])), "one column for each model input");

    [TestMethod]
    public void A_missing_column_brings_the_nearest_name()
        => StringAssert.Contains(
            Assert.ThrowsException<ArgumentOutOfRangeException>(() => PostTraining(o => o.InputColumnName = "Pixel").Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(3)))).Message,
            "Could not find input column 'Pixel'. The nearest name is 'Pixels'");

    [TestMethod]
    public void What_the_import_warns_of_reaches_the_log()
    {
        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.RawMessage);
        PostTraining(o => o.Dimensions = new Dictionary<string, int> { ["seq"] = 7 }).Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)));
        Assert.IsTrue(log.Any(l => l.Contains("'seq'", StringComparison.Ordinal)), string.Join("\n", log));
        log.Clear();
        _ml.Quantization().ApplyModel(new QuantizedModelEstimator.Options { ModelFile = Rows.Network(Mlp), InputColumnName = "Pixels", Dimensions = new Dictionary<string, int> { ["seq"] = 7 } })
            .Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)));
        Assert.IsTrue(log.Any(l => l.Contains("'seq'", StringComparison.Ordinal)), string.Join("\n", log));
    }

    [TestMethod]
    public void A_training_row_that_is_not_finite_is_named()
    {
        Blob[] rows = Blobs(20);
        rows[13].Features[7] = float.NaN;
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Training(_ => { }).Fit(_ml.Data.LoadFromEnumerable(rows)));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteInput, error.Code);
        StringAssert.Contains(error.Message, "row 13, column 'Features'");
        StringAssert.Contains(error.Message, "NaN at 7");
        rows[13].Label = 99;
        using QuantizedModelTransformer unlabelled = Training(_ => { }).Fit(_ml.Data.LoadFromEnumerable(rows));
        Assert.IsNotNull(unlabelled, "a row without a label is left out, whatever it holds");
    }

    [TestMethod]
    public void Several_numbers_are_learned_as_a_vector()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 64).Select(i => new TwoTargets { Features = [i / 64f, i % 5 / 5f], Label = [i / 64f, 1 - (i / 64f)] }));
        QuantizationAwareTrainingEstimator trainer = Training(o =>
        {
            o.Network = SmallNetworks.Mlp(Shape.Of(2), [8], 2);
            o.Scheme = TrainingRecipes.Find("LSQ").Scheme(8, 8);
            o.Task = ScoringTask.Regression;
            o.Training = new TrainingOptions { Epochs = 60, BatchSize = 16, Optimizer = new Adam(), Rate = 0.02f };
        });
        SchemaShape promised = trainer.GetOutputSchema(TestSupport.MLNet.SchemaShapes.Create(data.Schema));
        using QuantizedModelTransformer model = trainer.Fit(data);
        TestSupport.MLNet.SchemaContract.ThrowUnlessSame(promised, TestSupport.MLNet.SchemaShapes.Create(model.GetOutputSchema(data.Schema)), "promised shape");
        float[][] scores = [.. model.Transform(data).GetColumn<float[]>("Score")];
        Assert.IsTrue(scores.Select((s, i) => Math.Abs(s[0] - (i / 64f)) + Math.Abs(s[1] - 1 + (i / 64f))).Average() < 0.1);
    }

    [TestMethod]
    public void A_target_that_is_infinite_is_named()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 20).Select(i => new Point { Features = [i, 1], Label = i == 4 ? float.PositiveInfinity : i }));
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Training(o =>
        {
            o.Network = SmallNetworks.Mlp(Shape.Of(2), [4], 1);
            o.Task = ScoringTask.Regression;
        }).Fit(data));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteInput, error.Code);
        StringAssert.Contains(error.Message, "row 4, column 'Label'");
    }

    [TestMethod]
    public void Training_that_falls_apart_says_what_was_kept()
    {
        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.RawMessage);
        Training(o =>
        {
            o.Scheme = null;
            o.Training = new TrainingOptions { Epochs = 3, BatchSize = 16, Rate = 1e30f };
        }).Fit(_ml.Data.LoadFromEnumerable(Blobs(64)));
        Assert.IsTrue(log.Any(l => l.Contains("Training diverged", StringComparison.Ordinal) && l.Contains("network as it was given", StringComparison.Ordinal)), string.Join("\n", log));
    }

    [TestMethod]
    public void A_layer_that_stays_float_is_a_warning_behind_training_too()
    {
        var log = new List<LoggingEventArgs>();
        _ml.Log += (_, e) => log.Add(e);
        Training(o => o.Scheme = o.Scheme! with { KeepFloat = ["conv3"] }).Fit(_ml.Data.LoadFromEnumerable(Blobs(32)));
        Assert.IsTrue(log.Any(e => e.Kind == Runtime.ChannelMessageKind.Warning && e.RawMessage.Contains("'conv3' runs in float", StringComparison.Ordinal)), string.Join("\n", log.Select(e => e.Message)));
    }

    [TestMethod]
    public void A_float_network_trained_here_is_verified_like_any_other()
    {
        using QuantizedModelTransformer model = Training(o => o.Scheme = null).Fit(_ml.Data.LoadFromEnumerable(Blobs(32)));
        Assert.AreEqual(1, model.Model.Metadata.ReferenceRuns.Length);
        Assert.AreNotEqual(string.Empty, model.Model.Metadata.Producer);
        model.Model.Verify();
    }

    [TestMethod]
    public void The_hosts_file_takes_no_model_that_does_not_verify()
    {
        Graphs.Graph graph = SmallNetworks.Mlp(Shape.Of(2), [4], 3);
        ModelMetadata wrong = new() { ReferenceRuns = [new ReferenceRun(2, 1, new string('0', 64), new string('0', 64))] };
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        try
        {
            File.WriteAllBytes(path, ModelWriter.ToBytes(new ModelDocument(graph, Graphs.ModelSignature.Of(graph), wrong)));
            IDataView data = _ml.Data.LoadFromEnumerable(new[] { new Point { Features = [1, 2] } });
            using QuantizedModelTransformer model = _ml.Quantization().ApplyModel("Score", "Features", path).Fit(data);
            using var stream = new MemoryStream();
            Assert.AreEqual(QuantizationErrorCode.VerificationFailed, Code(() => _ml.Model.Save(model, data.Schema, stream)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static Blob[] Blobs(int count) => [.. Enumerable.Range(0, count).Select(i => new Blob { Features = [.. Enumerable.Range(0, 64).Select(p => ((i * 7) + (p * 3)) % 11 / 11f)], Label = (uint)(i % 4) })];

    private static QuantizationErrorCode Code(Action action) => Assert.ThrowsException<QuantizationException>(action).Code;

    private static string Message(Action action) => Assert.ThrowsException<QuantizationException>(action).Message;

    private PostTrainingQuantizationEstimator PostTraining(Action<PostTrainingQuantizationEstimator.Options> change)
    {
        var options = new PostTrainingQuantizationEstimator.Options { ModelFile = Rows.Network(Mlp), InputColumnName = "Pixels" };
        change(options);
        return _ml.Quantization().PostTraining(options);
    }

    private QuantizationAwareTrainingEstimator Training(Action<QuantizationAwareTrainingEstimator.Options> change)
    {
        var options = new QuantizationAwareTrainingEstimator.Options
        {
            Network = SmallNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 4),
            Scheme = TrainingRecipes.Find("LSQ").Scheme(4, 4),
            Task = ScoringTask.MulticlassClassification,
            Training = new TrainingOptions { Epochs = 1, BatchSize = 16 },
        };
        change(options);
        return _ml.Quantization().Trainers.QuantizationAware(options);
    }
}

/// <summary>Numbers with two numbers.</summary>
public sealed class TwoTargets
{
    [VectorType(2)]
    public float[] Features { get; set; } = [];

    [VectorType(2)]
    public float[] Label { get; set; } = [];
}
