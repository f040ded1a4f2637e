using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>What the catalogue of bad input says of columns, data, options and saving.</summary>
[TestClass]
public sealed class BadInputTests
{
    private const string Mlp = "fmnist-mlp.onnx";
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void No_internal_member_of_the_host_is_missing()
        => Assert.AreEqual(0, ModelIO.MissingMembers().Length, string.Join(", ", ModelIO.MissingMembers()));

    [TestMethod]
    public void A_missing_column_is_named_as_the_host_does()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(3));
        ArgumentOutOfRangeException error = Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.Quantization().PostTraining("Score", "Pixel", Rows.Network(Mlp)).Fit(data));
        StringAssert.Contains(error.Message, "Could not find input column 'Pixel'");
    }

    [TestMethod]
    public void A_column_of_another_size_or_type_is_refused()
    {
        IDataView shorter = _ml.Data.LoadFromEnumerable(new[] { new ShortRow { Pixels = new float[783] } });
        ArgumentOutOfRangeException error = Assert.ThrowsException<ArgumentOutOfRangeException>(() => Estimator().Fit(shorter));
        StringAssert.Contains(error.Message, "Schema mismatch for input column 'Pixels': expected Vector<Single, 784>, got Vector<Single, 783>");
        IDataView bytes = _ml.Data.LoadFromEnumerable(Rows.Bytes(3));
        StringAssert.Contains(Assert.ThrowsException<ArgumentOutOfRangeException>(() => Estimator().Fit(bytes)).Message, "Schema mismatch for input column 'Pixels'");
    }

    [TestMethod]
    public void A_row_of_another_length_fails_at_that_row()
    {
        List<PixelRow> rows = Rows.Floats(10);
        using QuantizedModelTransformer transformer = Estimator().Fit(_ml.Data.LoadFromEnumerable(rows));
        rows[7].Pixels = new float[5];
        IDataView scored = transformer.Transform(_ml.Data.LoadFromEnumerable(rows));
        using DataViewRowCursor cursor = scored.GetRowCursor(scored.Schema);
        ValueGetter<VBuffer<float>> getter = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
        ValueGetter<ReadOnlyMemory<char>> name = cursor.GetGetter<ReadOnlyMemory<char>>(scored.Schema["Name"]);
        VBuffer<float> scores = default;
        ReadOnlyMemory<char> text = default;
        for (int i = 0; i < 10; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            name(ref text);
            Assert.AreEqual("row " + i, text.ToString(), "other columns of the row stay readable");
            if (i == 7)
            {
                StringAssert.Contains(Assert.ThrowsException<InvalidOperationException>(() => getter(ref scores)).Message, "expected Vector<Single> of size 784, found Vector<Single> of size 5");
            }
            else
            {
                getter(ref scores);
                Assert.AreEqual(10, scores.Length);
            }
        }

        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void A_source_that_throws_fails_at_its_row()
    {
        using QuantizedModelTransformer transformer = Estimator().Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)));
        IDataView scored = transformer.Transform(_ml.Data.LoadFromEnumerable(Throwing()));
        using DataViewRowCursor cursor = scored.GetRowCursor(scored.Schema);
        for (int i = 0; i < 5; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            Assert.AreEqual(i, cursor.Position);
        }

        Assert.AreEqual("row 5 broke", Assert.ThrowsException<InvalidOperationException>(() => cursor.MoveNext()).Message);
    }

    [TestMethod]
    public void No_rows_to_calibrate_or_to_score()
    {
        IDataView none = _ml.Data.LoadFromEnumerable(new List<PixelRow>());
        Assert.AreEqual(QuantizationErrorCode.EmptyCalibrationData, Code(() => Estimator().Fit(none)));
        using QuantizedModelTransformer transformer = Estimator().Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)));
        Assert.AreEqual(0, transformer.Transform(none).GetColumn<float[]>("Score").Count());
    }

    [TestMethod]
    public void A_row_that_is_not_finite_is_named()
    {
        List<PixelRow> rows = Rows.Floats(10);
        rows[6].Pixels[3] = float.NaN;
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Estimator().Fit(_ml.Data.LoadFromEnumerable(rows)));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteInput, error.Code);
        StringAssert.Contains(error.Message, "6");
    }

    [TestMethod]
    public void Sparse_rows_score_like_dense_ones()
    {
        List<PixelRow> rows = Rows.Floats(6);
        using QuantizedModelTransformer transformer = Estimator().Fit(_ml.Data.LoadFromEnumerable(rows));
        float[] dense = [.. transformer.Transform(_ml.Data.LoadFromEnumerable(rows)).GetColumn<float[]>("Score").SelectMany(s => s)];
        IDataView sparse = _ml.Data.LoadFromEnumerable(rows.Select(r => new SparseRow { Pixels = Sparse(r.Pixels) }));
        CollectionAssert.AreEqual(dense, transformer.Transform(sparse).GetColumn<float[]>("Score").SelectMany(s => s).ToArray());
    }

    [TestMethod]
    public void Options_that_cannot_be_are_refused_before_any_work()
    {
        Assert.AreEqual(QuantizationErrorCode.InvalidBitWidth, Code(() => _ml.Quantization().PostTraining("Score", "Pixels", Rows.Network(Mlp), weightBits: 9)));
        Assert.AreEqual(QuantizationErrorCode.InvalidBitWidth, Code(() => _ml.Quantization().PostTraining("Score", "Pixels", Rows.Network(Mlp), activationBits: 1)));
        var options = new PostTrainingQuantizationEstimator.Options
        {
            ModelFile = Rows.Network(Mlp),
            InputColumnName = "Pixels",
            Scheme = new QuantizationScheme { KeepFloat = ["no such layer"] },
        };
        Assert.AreEqual(QuantizationErrorCode.UnknownLayer, Code(() => _ml.Quantization().PostTraining(options).Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)))));
    }

    [TestMethod]
    public void A_file_that_is_no_network_is_refused()
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".onnx");
        File.WriteAllText(path, "<html>not found</html>");
        try
        {
            Assert.AreEqual(QuantizationErrorCode.NotAModel, Code(() => _ml.Quantization().PostTraining("Score", "Pixels", path)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void A_target_that_cannot_be_written_is_left_alone()
    {
        using QuantizedModelTransformer transformer = Estimator().Fit(_ml.Data.LoadFromEnumerable(Rows.Floats(5)));
        string missing = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"), "model.mlq");
        Assert.AreEqual(QuantizationErrorCode.WriteFailed, Code(() => transformer.SaveModel(missing)));
        Assert.IsFalse(File.Exists(missing));
    }

    [TestMethod]
    public void A_damaged_model_inside_the_hosts_file_says_so()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Rows.Floats(5));
        using var stream = new MemoryStream();
        _ml.Model.Save(Estimator().Fit(data), data.Schema, stream);
        byte[] damaged = ZipSurgery.FlipInside(stream.ToArray(), "Model.key");
        InvalidDataException error = Assert.ThrowsException<InvalidDataException>(() => Load(damaged));
        StringAssert.Contains(error.ToString(), "quantized network that cannot be read");
    }

    private static void Load(byte[] file)
    {
        try
        {
            new MLContext().Model.Load(new MemoryStream(file), out _);
        }
        catch (Exception error)
        {
            throw new InvalidDataException(error.ToString(), error);
        }
    }

    private static VBuffer<float> Sparse(float[] values)
    {
        int[] indices = [.. Enumerable.Range(0, values.Length).Where(i => values[i] != 0)];
        return new VBuffer<float>(values.Length, indices.Length, [.. indices.Select(i => values[i])], indices);
    }

    private static IEnumerable<PixelRow> Throwing()
    {
        foreach (PixelRow row in Rows.Floats(5))
        {
            yield return row;
        }

        throw new InvalidOperationException("row 5 broke");
    }

    private static QuantizationErrorCode Code(Action action) => Assert.ThrowsException<QuantizationException>(action).Code;

    private PostTrainingQuantizationEstimator Estimator() => _ml.Quantization().PostTraining("Score", "Pixels", Rows.Network(Mlp));
}

/// <summary>A row whose vector may be sparse.</summary>
public sealed class SparseRow
{
    [VectorType(784)]
    public VBuffer<float> Pixels { get; set; }
}
