using System;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.ML.Quantization.Training;
using Microsoft.ML.Quantization.TrainingData;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Trainers of quantized networks as ML.NET estimators.</summary>
[TestClass]
public sealed class TrainingEstimatorTests
{
    private static readonly TrainingOptions _training = new() { Epochs = 6, BatchSize = 16, Seed = 3, Optimizer = new Adam(), Rate = 0.01f };
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void The_estimator_keeps_the_hosts_contract()
        => EstimatorContract.Verify(
            Estimator(Options("LSQ")),
            Blobs(40),
            alsoValid: Blobs(8),
            invalid: _ml.Data.LoadFromEnumerable(new[] { new { Features = "text", Label = 1u } }));

    [TestMethod]
    [DataRow("LSQ", 4, 4)]
    [DataRow("DoReFa", 2, 4)]
    [DataRow("Affine", 8, 8)]
    public void A_recipe_classifies_in_integers(string recipe, int weights, int activations)
    {
        using QuantizedModelTransformer model = _ml.Quantization().Trainers.Recipe(recipe, Network(), weights, activations, training: _training).Fit(Blobs(128));
        MulticlassClassificationMetrics metrics = _ml.MulticlassClassification.Evaluate(model.Transform(Blobs(64)));
        Assert.IsTrue(metrics.MicroAccuracy > 0.9, $"{metrics.MicroAccuracy}");
    }

    [TestMethod]
    public void Integer_training_comes_with_the_descent_that_it_needs()
    {
        Graphs.Graph network = SmallNetworks.LeNet5(Shape.Of(1, 8, 8), 4, hasBias: false);
        using QuantizedModelTransformer untold = _ml.Quantization().Trainers.Wage(network).Fit(Blobs(16));
        TrainingOptions training = TrainingDefaults.For(TrainingRecipes.Find("WAGE").Scheme(2, 8)) with { Epochs = 4, BatchSize = 16 };
        using QuantizedModelTransformer model = _ml.Quantization().Trainers.Wage(network, training: training).Fit(Blobs(128));
        MulticlassClassificationMetrics metrics = _ml.MulticlassClassification.Evaluate(model.Transform(Blobs(64)));
        Assert.IsTrue(metrics.MicroAccuracy > 0.9, $"{metrics.MicroAccuracy}");
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => _ml.Quantization().Trainers.Wage(network, training: _training).Fit(Blobs(32)));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
    }

    [TestMethod]
    public void Scores_are_probabilities_unless_told_otherwise()
    {
        float[] probabilities = Scores(true);
        float[] scores = Scores(false);
        Assert.AreEqual(1, probabilities.Sum(), 1e-5);
        double[] powers = [.. scores.Select(s => Math.Exp(s - scores.Max()))];
        for (int i = 0; i < scores.Length; i++)
        {
            Assert.AreEqual(powers[i] / powers.Sum(), probabilities[i], 1e-5);
        }

        float[] Scores(bool areProbabilities)
        {
            QuantizationAwareTrainingEstimator.Options options = Options("LSQ");
            options.Probabilities = areProbabilities;
            using QuantizedModelTransformer model = Estimator(options).Fit(Blobs(32));
            return model.Transform(Blobs(1)).GetColumn<float[]>("Score").Single();
        }
    }

    [TestMethod]
    public void A_method_of_the_catalog_begins_with_a_graph_or_a_file()
    {
        string file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        try
        {
            QuantizationAwareTrainingEstimator.Options options = Options("LSQ");
            options.Scheme = null;
            using QuantizedModelTransformer floats = Estimator(options).Fit(Blobs(32));
            floats.SaveModel(file);
            using QuantizedModelTransformer fromFile = _ml.Quantization().Trainers.Lsq(file, training: _training).Fit(Blobs(32));
            using QuantizedModelTransformer fromGraph = _ml.Quantization().Trainers.Lsq(TrainableConstants.Mark(ModelReader.Read(file).Graph), training: _training).Fit(Blobs(32));
            CollectionAssert.AreEqual(
                fromGraph.Transform(Blobs(4)).GetColumn<float[]>("Score").SelectMany(s => s).ToArray(), fromFile.Transform(Blobs(4)).GetColumn<float[]>("Score").SelectMany(s => s).ToArray());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [TestMethod]
    public void Class_names_come_from_the_labels_key()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 64).Select(i => new Named { Features = Image(i), Class = "quarter " + (i % 4) }));
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label", "Class")
            .Append(Estimator(Options("LSQ")))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Text", "PredictedLabel"));
        string[] texts = [.. pipeline.Fit(data).Transform(data).GetColumn<string>("Text")];
        Assert.IsTrue(texts.Select((t, i) => t == "quarter " + (i % 4)).Count(t => t) > 56, string.Join(",", texts.Take(8)));
    }

    [TestMethod]
    public void Regression_fits_a_line()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 128).Select(i => new Point { Features = [(i - 64) / 64f, i % 7 / 7f], Label = (2 * ((i - 64) / 64f)) - (i % 7 / 7f) }));
        QuantizationAwareTrainingEstimator.Options options = Options("Affine");
        options.Network = SmallNetworks.Mlp(Shape.Of(2), [16], 1);
        options.Task = ScoringTask.Regression;
        options.Training = _training with { Epochs = 60 };
        using QuantizedModelTransformer model = Estimator(options).Fit(data);
        Assert.IsTrue(_ml.Regression.Evaluate(model.Transform(data)).RSquared > 0.98);
    }

    [TestMethod]
    public void Bytes_train_as_their_normalised_floats()
    {
        QuantizationAwareTrainingEstimator.Options options = Options("LSQ");
        using QuantizedModelTransformer floats = Estimator(options).Fit(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 32).Select(i => new Blob { Features = [.. Pixels(i).Select(p => p * (1 / 255f))], Label = Label(i) })));
        options = Options("LSQ");
        options.InputsAreBytes = true;
        options.InputScale = [1 / 255f];
        IDataView bytes = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 32).Select(i => new ByteBlob { Features = Pixels(i), Label = Label(i) }));
        using QuantizedModelTransformer small = Estimator(options).Fit(bytes);
        var a = new float[4];
        var b = new float[4];
        floats.Model.Run([.. Pixels(5).Select(p => p * (1 / 255f))], a);
        small.Model.Run(Pixels(5), b);
        CollectionAssert.AreEqual(a, b);
    }

    [TestMethod]
    public void Rows_beyond_the_limit_lie_in_a_file_and_read_the_same()
    {
        using var memory = new RowCache<float>(3, long.MaxValue);
        using var spilled = new RowCache<float>(3, 40);
        for (int i = 0; i < 20; i++)
        {
            memory.Add([i, -i, i * 0.5f]);
            spilled.Add([i, -i, i * 0.5f]);
        }

        Assert.IsFalse(memory.IsSpilled);
        Assert.IsTrue(spilled.IsSpilled);
        var a = new float[3];
        var b = new float[3];
        foreach (int row in (int[])[19, 0, 3, 2, 11])
        {
            memory.Read(row, a);
            spilled.Read(row, b);
            CollectionAssert.AreEqual(a, b);
            Assert.AreEqual(row, a[0]);
        }
    }

    [TestMethod]
    public void The_file_of_rows_is_gone_whatever_ends_the_reading_and_a_place_without_room_says_so()
    {
        string folder = Directory.CreateTempSubdirectory("mlq-test").FullName;
        try
        {
            using (var spilled = new RowCache<float>(3, 0, folder))
            {
                spilled.Add([1, 2, 3]);
                Assert.IsTrue(spilled.IsSpilled);
                Assert.AreEqual(OperatingSystem.IsWindows() ? 1 : 0, Directory.GetFiles(folder).Length, "a file without a name where that can be");
            }

            Assert.AreEqual(0, Directory.GetFiles(folder).Length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        using var nowhere = new RowCache<float>(3, 12, folder);
        nowhere.Add([1, 2, 3]);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => nowhere.Add([4, 5, 6]));
        Assert.AreEqual(QuantizationErrorCode.WriteFailed, error.Code);
        StringAssert.Contains(error.Message, folder);
    }

    [TestMethod]
    public void Cancelling_while_rows_are_read_ends_the_fit()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        QuantizationAwareTrainingEstimator.Options options = Options("LSQ");
        options.CancellationToken = source.Token;
        options.CacheBytes = 0;
        Assert.ThrowsException<OperationCanceledException>(() => Estimator(options).Fit(Blobs(64)));
    }

    [TestMethod]
    public void Cancelled_training_still_gives_a_model()
    {
        using var source = new CancellationTokenSource();
        QuantizationAwareTrainingEstimator.Options options = Options("LSQ");
        options.CancellationToken = source.Token;
        options.Progress = new Stopper(source);
        using QuantizedModelTransformer model = Estimator(options).Fit(Blobs(64));
        Assert.AreEqual(4, model.Model.Signature.Outputs[0].Shape[1]);
    }

    [TestMethod]
    public void Labels_that_do_not_fit_are_refused_with_the_hosts_words()
    {
        IDataView three = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 8).Select(i => new FiveClasses { Features = Image(i), Label = 1 }));
        StringAssert.Contains(Assert.ThrowsException<ArgumentOutOfRangeException>(() => Estimator(Options("LSQ")).Fit(three)).Message, "expected 4 classes");
        IDataView number = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 8).Select(i => new Point { Features = Image(i), Label = 1 }));
        StringAssert.Contains(Assert.ThrowsException<ArgumentOutOfRangeException>(() => Estimator(Options("LSQ")).Fit(number)).Message, "label column 'Label'");
        IDataView none = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 8).Select(i => new Blob { Features = Image(i), Label = 4 }));
        Assert.AreEqual(QuantizationErrorCode.EmptyCalibrationData, Assert.ThrowsException<QuantizationException>(() => Estimator(Options("LSQ")).Fit(none)).Code);
    }

    private static Graphs.Graph Network() => SmallNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 4);

    private QuantizationAwareTrainingEstimator Estimator(QuantizationAwareTrainingEstimator.Options options) => _ml.Quantization().Trainers.QuantizationAware(options);

    private static QuantizationAwareTrainingEstimator.Options Options(string recipe) => new()
    {
        Network = Network(),
        Scheme = TrainingRecipes.Find(recipe).Scheme(4, 4),
        Task = ScoringTask.MulticlassClassification,
        Training = _training,
    };

    private IDataView Blobs(int count) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new Blob { Features = Image(i), Label = Label(i) }));

    // A value v of a key property of n classes is the class v; n and above are missing.
    private static uint Label(int row) => (uint)(row % 4);

    private static float[] Image(int row) => [.. Pixels(row).Select(p => p / 255f)];

    /// <summary>A bright quarter, which is the class, in noise.</summary>
    private static byte[] Pixels(int row)
    {
        var random = new Numerics.CounterRandom(5, (ulong)row);
        return [.. Enumerable.Range(0, 64).Select(i => (byte)((((i / 32 * 2) + (i % 8 / 4)) == row % 4 ? 150 : 0) + (random.Uniform(i) * 100)))];
    }

    private sealed class Stopper(CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Epoch == 1)
            {
                source.Cancel();
            }
        }
    }
}

/// <summary>An image of 8 x 8 with a class.</summary>
public sealed class Blob
{
    [VectorType(64)]
    public float[] Features { get; set; } = [];

    [KeyType(4)]
    public uint Label { get; set; }
}

/// <summary>The same as bytes.</summary>
public sealed class ByteBlob
{
    [VectorType(64)]
    public byte[] Features { get; set; } = [];

    [KeyType(4)]
    public uint Label { get; set; }
}

/// <summary>The same with a text for its class.</summary>
public sealed class Named
{
    [VectorType(64)]
    public float[] Features { get; set; } = [];

    public string Class { get; set; } = string.Empty;
}

/// <summary>The same with a key of five.</summary>
public sealed class FiveClasses
{
    [VectorType(64)]
    public float[] Features { get; set; } = [];

    [KeyType(5)]
    public uint Label { get; set; }
}

/// <summary>Numbers with a number.</summary>
public sealed class Point
{
    [VectorType(2)]
    public float[] Features { get; set; } = [];

    public float Label { get; set; }
}
