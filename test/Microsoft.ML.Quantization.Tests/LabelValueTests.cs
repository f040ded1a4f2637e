using System;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Labels are what the data call them: keys made of numbers come back as the same numbers.</summary>
[TestClass]
public sealed class LabelValueTests
{
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void Numbers_that_became_keys_come_back_as_numbers_also_from_a_file()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 48).Select(Row));
        var training = new TrainingOptions { Epochs = 40, BatchSize = 16, Optimizer = new Adam(), Rate = 0.02f };
        QuantizationAwareTrainingEstimator trainer = _ml.Quantization().Trainers.Lsq(SmallNetworks.Mlp(Shape.Of(4), [8], 4), 8, 8, training: training);
        foreach ((string column, float[] classes) in new[] { ("Digit", new[] { 3f, 7, 11, 15 }), ("Size", [-0.5f, 0.25f, 1, 1.75f]) })
        {
            IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Label", column).Fit(data).Transform(data);
            SchemaShape promised = trainer.GetOutputSchema(TestSupport.MLNet.SchemaShapes.Create(keyed.Schema));
            using QuantizedModelTransformer model = trainer.Fit(keyed);
            SchemaContract.ThrowUnlessSame(promised, TestSupport.MLNet.SchemaShapes.Create(model.GetOutputSchema(keyed.Schema)), "promised shape");
            using var stream = new MemoryStream();
            _ml.Model.Save(model, keyed.Schema, stream);
            stream.Position = 0;
            foreach (ITransformer scorer in new[] { model, new MLContext().Model.Load(stream, out _) })
            {
                IDataView scores = scorer.Transform(keyed);
                IDataView scored = _ml.Transforms.Conversion.MapKeyToValue("Answer", "PredictedLabel").Fit(scores).Transform(scores);
                Assert.AreEqual(data.Schema[column].Type, scored.Schema["Answer"].Type);
                float[] answers = column == "Digit" ? [.. scored.GetColumn<int>("Answer").Select(v => (float)v)] : [.. scored.GetColumn<float>("Answer")];
                Assert.IsTrue(answers.All(classes.Contains), string.Join(" ", answers));
                Assert.IsTrue(answers.Where((a, i) => a == classes[i % 4]).Count() > 40, string.Join(" ", answers));
            }
        }
    }

    [TestMethod]
    public void Score_columns_say_whose_they_are()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 8).Select(Row));
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Label", "Digit").Fit(data).Transform(data);
        var training = new TrainingOptions { Epochs = 1, BatchSize = 8 };
        using QuantizedModelTransformer model = _ml.Quantization().Trainers.Lsq(SmallNetworks.Mlp(Shape.Of(4), [8], 4), 8, 8, training: training).Fit(keyed);
        IDataView once = model.Transform(keyed);
        IDataView twice = model.Transform(once);
        Assert.AreEqual((1u, 1u), (Set(once, "Score"), Set(once, "PredictedLabel")));
        Assert.AreEqual((2u, 2u), (Set(twice, "Score"), Set(twice, "PredictedLabel")));
        VBuffer<int> values = default;
        once.Schema["Score"].Annotations.GetValue("TrainingLabelValues", ref values);
        CollectionAssert.AreEqual(new[] { 3, 7, 11, 15 }, values.DenseValues().ToArray());

        static uint Set(IDataView view, string column)
        {
            uint set = 0;
            view.Schema[column].Annotations.GetValue("ScoreColumnSetId", ref set);
            return set;
        }
    }

    [TestMethod]
    public void A_row_without_a_score_has_no_label()
    {
        using var network = new ModelOnDisk(SmallNetworks.Mlp(Shape.Of(4), [], 4));
        NumberedPoint[] rows = [Row(0), Row(1)];
        rows[1].Features[2] = float.NaN;
        IDataView data = _ml.Data.LoadFromEnumerable(rows);
        using QuantizedModelTransformer model = _ml.Quantization().ApplyModel("Score", "Features", network.Path, ScoringTask.MulticlassClassification).Fit(data);
        uint[] labels = [.. model.Transform(data).GetColumn<uint>("PredictedLabel")];
        float[][] scores = [.. model.Transform(data).GetColumn<float[]>("Score")];
        Assert.AreEqual((uint)(Array.IndexOf(scores[0], scores[0].Max()) + 1), labels[0]);
        Assert.IsTrue(scores[1].All(float.IsNaN));
        Assert.AreEqual(0u, labels[1], "the missing key");
    }

    private static NumberedPoint Row(int row) => new()
    {
        Features = [.. Enumerable.Range(0, 4).Select(i => (i == row % 4 ? 1 : 0) + (row % 5 / 20f))],
        Digit = 3 + (row % 4 * 4),
        Size = -0.5f + (row % 4 * 0.75f),
    };
}

/// <summary>A point with numbers for its class.</summary>
public sealed class NumberedPoint
{
    [VectorType(4)]
    public float[] Features { get; set; } = [];

    public int Digit { get; set; }

    public float Size { get; set; }
}
