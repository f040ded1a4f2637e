using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Views that break, shrink, end early or hold a million columns; transformers disposed of at the wrong time; files cut off.</summary>
[TestClass]
public sealed class BadDataTests
{
    private const string Mlp = "fmnist-mlp.onnx";
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void Fitting_opens_one_cursor_so_a_view_that_changes_between_passes_cannot_hurt()
    {
        int passes = 0;
        IEnumerable<PixelRow> Shrinking()
        {
            int rows = passes++ == 0 ? 40 : 3;
            return Rows.Floats(rows);
        }

        var counting = new CursorCountingView(_ml.Data.LoadFromEnumerable(Lazily(Shrinking)));
        using QuantizedModelTransformer transformer = Estimator().Fit(counting);
        Assert.AreEqual(1, counting.Opened);
        Assert.AreEqual(1, passes);
        Assert.AreEqual("40", transformer.Model.Metadata.Facts["calibration.rows"]);
    }

    [TestMethod]
    public void A_view_that_throws_while_fitting_gives_its_own_error()
    {
        IDataView broken = _ml.Data.LoadFromEnumerable(Lazily(() => Rows.Floats(40).Select((r, i) => i < 35 ? r : throw new TimeoutException("the source went away"))));
        Assert.AreEqual("the source went away", Assert.ThrowsException<TimeoutException>(() => Estimator().Fit(broken)).Message);
    }

    [TestMethod]
    public void A_row_of_another_length_while_fitting_is_named()
    {
        List<PixelRow> rows = Rows.Floats(40);
        rows[33].Pixels = new float[783];
        Exception error = Assert.ThrowsException<InvalidOperationException>(() => Estimator().Fit(_ml.Data.LoadFromEnumerable(rows)));
        StringAssert.Contains(error.Message, "Row 33, column 'Pixels'");
        StringAssert.Contains(error.Message, "found Vector<Single> of size 783");
    }

    [TestMethod]
    public void Columns_of_doubles_keys_or_unknown_size_are_refused_with_what_was_found()
    {
        IDataView doubles = _ml.Data.LoadFromEnumerable(new[] { new DoubleRow { Pixels = new double[784] } });
        StringAssert.Contains(Assert.ThrowsException<ArgumentOutOfRangeException>(() => Estimator().Fit(doubles)).Message, "got Vector<Double");
        IDataView unknown = _ml.Data.LoadFromEnumerable(new[] { new UnknownSizeRow { Pixels = new float[784] } });
        StringAssert.Contains(Assert.ThrowsException<ArgumentOutOfRangeException>(() => Estimator().Fit(unknown)).Message, "Schema mismatch for input column 'Pixels'");
        IDataView keys = _ml.Data.LoadFromEnumerable(Rows.Floats(2));
        StringAssert.Contains(Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.Quantization().PostTraining("Score", "Label", Rows.Network(Mlp)).Fit(keys)).Message, "Key");
    }

    [TestMethod]
    public void Cancelling_inside_calibration_stops_within_a_batch()
    {
        using var source = new CancellationTokenSource();
        PostTrainingQuantizationEstimator.Options options = Options();
        options.CalibrationBatchSize = 8;
        options.CancellationToken = source.Token;
        int read = 0;
        IDataView data = _ml.Data.LoadFromEnumerable(Lazily(() => Rows.Floats(200).Select(r =>
        {
            if (++read == 20)
            {
                source.Cancel();
            }

            return r;
        })));
        Assert.ThrowsException<OperationCanceledException>(() => _ml.Quantization().PostTraining(options).Fit(data));
        Assert.IsTrue(read <= 20 + options.CalibrationBatchSize + 1, $"{read} rows were read");
    }

    [TestMethod]
    public void A_transformer_disposed_under_a_cursor_refuses_the_next_row_and_does_not_crash()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(200));
        QuantizedModelTransformer transformer = Estimator().Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)));
        IDataView scored = transformer.Transform(data);
        using DataViewRowCursor cursor = scored.GetRowCursor(scored.Schema);
        ValueGetter<VBuffer<float>> getter = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
        VBuffer<float> scores = default;
        Assert.IsTrue(cursor.MoveNext());
        getter(ref scores);
        transformer.Dispose();
        transformer.Dispose();
        Assert.ThrowsException<ObjectDisposedException>(() =>
        {
            while (cursor.MoveNext())
            {
                getter(ref scores);
            }
        });
    }

    [TestMethod]
    public void A_row_of_NaN_at_scoring_is_defined_and_leaves_its_neighbours_alone()
    {
        List<PixelRow> rows = Rows.Floats(5);
        using QuantizedModelTransformer transformer = Estimator().Fit(_ml.Data.LoadFromEnumerable(rows));
        float[][] before = Scores(transformer, rows);
        Array.Fill(rows[2].Pixels, float.NaN);
        float[][] after = Scores(transformer, rows);
        rows[2].Pixels = new float[784];
        CollectionAssert.AreEqual(Scores(transformer, rows)[2], after[2], "NaN is the zero");
        Assert.IsTrue(new[] { 0, 1, 3, 4 }.All(i => before[i].SequenceEqual(after[i])));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1000)]
    public void Thread_counts_are_clamped(int threads)
    {
        PostTrainingQuantizationEstimator.Options options = Options();
        options.NumberOfThreads = threads;
        using QuantizedModelTransformer transformer = _ml.Quantization().PostTraining(options).Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)));
        Assert.IsTrue(transformer.Model.ThreadCount >= 1 && transformer.Model.ThreadCount <= Environment.ProcessorCount);
    }

    [TestMethod]
    public void A_negative_thread_count_and_an_unknown_kernel_set_are_refused()
    {
        PostTrainingQuantizationEstimator.Options options = Options();
        options.NumberOfThreads = -1;
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Code(() => _ml.Quantization().PostTraining(options).Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)))));
        options = Options();
        options.KernelSet = "abacus";
        Assert.AreEqual(QuantizationErrorCode.KernelSetUnavailable, Code(() => _ml.Quantization().PostTraining(options).Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)))));
    }

    [TestMethod]
    public void The_hosts_file_cut_off_anywhere_is_an_error()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(5));
        using var stream = new MemoryStream();
        _ml.Model.Save(Estimator().Fit(data), data.Schema, stream);
        byte[] file = stream.ToArray();
        foreach (int length in new[] { 0, 1, 100, file.Length / 4, file.Length / 2, file.Length - 30, file.Length - 1 })
        {
            bool loaded = TryLoad(file[..length], out Exception? error);
            Assert.IsFalse(loaded, $"{length} of {file.Length} bytes");
            Assert.IsTrue(error is not (NullReferenceException or IndexOutOfRangeException or AccessViolationException or OutOfMemoryException), $"{length} bytes: {error}");
        }
    }

    [TestMethod]
    public void Entries_of_the_hosts_file_with_foreign_names_are_not_looked_at()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(5));
        using var stream = new MemoryStream();
        _ml.Model.Save(Estimator().Fit(data), data.Schema, stream);
        string victim = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        byte[] file = ZipSurgery.Add(stream.ToArray(), ("../../../.." + victim, "evil"), ("TransformerChain/Transform_000/Weights.bin", new string('0', 1 << 22)));
        Assert.IsTrue(TryLoad(file, out Exception? error), error?.ToString());
        Assert.IsFalse(File.Exists(victim));
    }

    [TestMethod]
    public void A_million_slots_are_scored()
    {
        const int Slots = 1_000_000;
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, Slots)));
        var weights = new float[Slots];
        weights[^1] = 2;
        weights[0] = 1;
        builder.AddOutput(builder.Add(new Dense { Name = "dense", Inputs = [x, builder.AddConstant("w", Tensor.Create(Shape.Of(1, Slots), weights))] }, "y"));
        Graph graph = builder.Build();
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        try
        {
            File.WriteAllBytes(path, ModelWriter.ToBytes(new ModelDocument(graph, ModelSignature.Of(graph), new ModelMetadata())));
            var pixels = new float[Slots];
            (pixels[0], pixels[^1]) = (3, 5);
            SchemaDefinition schema = SchemaDefinition.Create(typeof(UnknownSizeRow));
            schema["Pixels"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, Slots);
            IDataView data = _ml.Data.LoadFromEnumerable(new[] { new UnknownSizeRow { Pixels = pixels }, new UnknownSizeRow { Pixels = new float[Slots] } }, schema);
            using QuantizedModelTransformer transformer = _ml.Quantization().ApplyModel("Score", "Pixels", path).Fit(data);
            CollectionAssert.AreEqual(new[] { 13f, 0 }, transformer.Transform(data).GetColumn<float[]>("Score").SelectMany(s => s).ToArray());
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static IEnumerable<T> Lazily<T>(Func<IEnumerable<T>> rows)
    {
        foreach (T row in rows())
        {
            yield return row;
        }
    }

    private static bool TryLoad(byte[] file, [NotNullWhen(false)] out Exception? error)
    {
        try
        {
            new MLContext().Model.Load(new MemoryStream(file), out _);
            error = null;
            return true;
        }
        catch (Exception exception)
        {
            error = exception;
            return false;
        }
    }

    private static QuantizationErrorCode Code(Action action) => Assert.ThrowsException<QuantizationException>(action).Code;

    private static PostTrainingQuantizationEstimator.Options Options() => new() { ModelFile = Rows.Network(Mlp), InputColumnName = "Pixels" };

    private float[][] Scores(QuantizedModelTransformer transformer, List<PixelRow> rows) => [.. transformer.Transform(_ml.Data.LoadFromEnumerable(rows)).GetColumn<float[]>("Score")];

    private PostTrainingQuantizationEstimator Estimator() => _ml.Quantization().PostTraining(Options());
}

/// <summary>A row of doubles.</summary>
public sealed class DoubleRow
{
    [VectorType(784)]
    public double[] Pixels { get; set; } = [];
}

/// <summary>A row whose vector has no known size.</summary>
public sealed class UnknownSizeRow
{
    public float[] Pixels { get; set; } = [];
}
