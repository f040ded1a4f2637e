using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class EvaluationTests
{
    private const double Tolerance = 1e-6;
    private static readonly MLContext _ml = new(1);

    private static readonly Multi[] _multi =
    [
        new() { Label = 0, Score = [0.7f, 0.2f, 0.1f] },
        new() { Label = 1, Score = [0.5f, 0.5f, 0.0f] }, // a tie goes to the lowest class: wrong
        new() { Label = 2, Score = [0.1f, 0.2f, 0.7f] },
        new() { Label = 1, Score = [0.1f, 0.8f, 0.1f] },
        new() { Label = float.NaN, Score = [1, 0, 0] }, // no label: not counted
    ];

    [TestMethod]
    public void MulticlassMetricsAreThoseComputedByHand()
    {
        MulticlassClassificationMetrics metrics = _ml.MulticlassClassification.Evaluate(_ml.Data.LoadFromEnumerable(_multi), topKPredictionCount: 2);
        double loss = -(Math.Log(0.7) + Math.Log(0.5) + Math.Log(0.7) + Math.Log(0.8)) / 4;
        double prior = -(2 * 0.25 * Math.Log(0.25) + 0.5 * Math.Log(0.5));
        Assert.AreEqual(0.75, metrics.MicroAccuracy, Tolerance);
        Assert.AreEqual((1 + 0.5 + 1) / 3, metrics.MacroAccuracy, Tolerance);
        Assert.AreEqual(loss, metrics.LogLoss, Tolerance);
        Assert.AreEqual(1 - loss / prior, metrics.LogLossReduction, Tolerance);
        Assert.AreEqual(-(Math.Log(0.5) + Math.Log(0.8)) / 2, metrics.PerClassLogLoss[1], Tolerance);
        Assert.AreEqual(1, metrics.TopKAccuracy, Tolerance);
        Assert.AreEqual(2, metrics.TopKPredictionCount);
        Assert.AreEqual(0.75, metrics.TopKAccuracyForAllK[0], Tolerance);
    }

    [TestMethod]
    public void TheConfusionMatrixHasActualClassesInRows()
    {
        ConfusionMatrix matrix = _ml.MulticlassClassification.Evaluate(_ml.Data.LoadFromEnumerable(_multi)).ConfusionMatrix;
        Assert.AreEqual(3, matrix.NumberOfClasses);
        CollectionAssert.AreEqual(new double[] { 1, 1, 0 }, matrix.Counts[1].ToArray());
        Assert.AreEqual(0.5, matrix.PerClassRecall[1], Tolerance);
        Assert.AreEqual(0.5, matrix.PerClassPrecision[0], Tolerance);
        Assert.AreEqual(1, matrix.GetCountForClassPair(2, 2), Tolerance);
        string[] table = matrix.GetFormattedConfusionTable().Split('\n', StringSplitOptions.TrimEntries);
        Assert.IsTrue(table.Any(l => l.StartsWith("PREDICTED ||", StringComparison.Ordinal) && l.EndsWith("Recall", StringComparison.Ordinal)));
        Assert.IsTrue(table.Any(l => l.StartsWith("1 ||", StringComparison.Ordinal) && l.EndsWith("0.5000", StringComparison.Ordinal)));
        Assert.IsTrue(table.Any(l => l.StartsWith("Precision ||", StringComparison.Ordinal) && l.Contains("0.5000", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void KeyLabelsAreClassesLessOneAndMissingOnesSkipped()
    {
        KeyMulti[] rows = [new() { Label = 0, Score = [1, 0] }, new() { Label = 1, Score = [1, 0] }, new() { Label = 9, Score = [1, 0] }];
        MulticlassClassificationMetrics metrics = _ml.MulticlassClassification.Evaluate(_ml.Data.LoadFromEnumerable(rows));
        Assert.AreEqual(0.5, metrics.MicroAccuracy, Tolerance);
        Assert.AreEqual(-Math.Log(1e-15) / 2, metrics.LogLoss, 0.5, "a certain error is clamped, not infinite");
    }

    [TestMethod]
    public void WrongOrMissingColumnsAreTold()
    {
        IDataView text = _ml.Data.LoadFromEnumerable(new TextMulti[] { new() });
        StringAssert.Contains(
            Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Evaluate(text)).Message, "Schema mismatch for label column");
        IDataView noPrediction = _ml.Transforms.DropColumns("PredictedLabel").Fit(_ml.Data.LoadFromEnumerable(_multi)).Transform(_ml.Data.LoadFromEnumerable(_multi));
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Evaluate(noPrediction));
    }

    [TestMethod]
    public void BinaryMetricsAreThoseComputedByHand()
    {
        CalibratedBinaryClassificationMetrics metrics = _ml.BinaryClassification.Evaluate(Binary(
            (true, 2, 0.9f), (true, -1, 0.4f), (false, -3, 0.1f), (false, 1, 0.6f), (true, float.NaN, 0.5f)));
        Assert.AreEqual(0.5, metrics.Accuracy, Tolerance);
        Assert.AreEqual(0.5, metrics.PositivePrecision, Tolerance);
        Assert.AreEqual(0.5, metrics.PositiveRecall, Tolerance);
        Assert.AreEqual(0.5, metrics.NegativePrecision, Tolerance);
        Assert.AreEqual(0.5, metrics.NegativeRecall, Tolerance);
        Assert.AreEqual(0.5, metrics.F1Score, Tolerance);
        Assert.AreEqual(0.75, metrics.AreaUnderRocCurve, Tolerance);
        Assert.AreEqual(1, metrics.Entropy, 0.05);
        Assert.AreEqual(-(Math.Log2(0.9) + Math.Log2(0.4)) / 2, metrics.LogLoss, 1e-3);
        Assert.AreEqual(1, metrics.ConfusionMatrix.Counts[0][1]);
    }

    [TestMethod]
    public void TiesCountHalfInTheAreaUnderTheCurve()
    {
        Assert.AreEqual(0.5, _ml.BinaryClassification.EvaluateNonCalibrated(Binary((true, 1, 0), (false, 1, 0))).AreaUnderRocCurve, Tolerance);
        BinaryClassificationMetrics perfect = _ml.BinaryClassification.EvaluateNonCalibrated(Binary((true, 3, 0), (true, 2, 0), (false, -1, 0)));
        Assert.AreEqual(1, perfect.AreaUnderRocCurve, Tolerance);
        Assert.AreEqual(1, perfect.AreaUnderPrecisionRecallCurve, Tolerance);
        Assert.AreEqual(1, perfect.Accuracy, Tolerance);
    }

    [TestMethod]
    public void OneClassAloneHasNoArea()
        => StringAssert.Contains(
            Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.BinaryClassification.Evaluate(Binary((true, 1, 0.5f)))).Message, "AUC is not defined");

    [TestMethod]
    public void RegressionMetricsAreThoseComputedByHand()
    {
        Number[] rows = [new() { Label = 1, Score = 1 }, new() { Label = 2, Score = 3 }, new() { Label = 3, Score = 5 }];
        RegressionMetrics metrics = _ml.Regression.Evaluate(_ml.Data.LoadFromEnumerable(rows));
        Assert.AreEqual(1, metrics.MeanAbsoluteError, Tolerance);
        Assert.AreEqual(5.0 / 3, metrics.MeanSquaredError, Tolerance);
        Assert.AreEqual(Math.Sqrt(5.0 / 3), metrics.RootMeanSquaredError, Tolerance);
        Assert.AreEqual(5.0 / 3, metrics.LossFunction, Tolerance);
        Assert.AreEqual(1 - 5.0 / 2, metrics.RSquared, Tolerance);
        Assert.AreEqual(0, _ml.Regression.Evaluate(_ml.Data.LoadFromEnumerable(Array.Empty<Number>())).MeanSquaredError);
        Assert.AreEqual(0, _ml.Regression.Evaluate(_ml.Data.LoadFromEnumerable(Array.Empty<Number>())).RSquared);
        Assert.AreEqual(double.NaN, _ml.Regression.Evaluate(_ml.Data.LoadFromEnumerable(rows[..1])).RSquared, "labels of no variance");
    }

    [TestMethod]
    public void CrossValidationScoresEachRowOnce()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 60).Select(i => new Number { Label = i, Input = i }).ToArray());
        var results = _ml.Regression.CrossValidate(data, _ml.Transforms.CopyColumns("Score", "Input"), numberOfFolds: 3);
        Assert.AreEqual(3, results.Count);
        Assert.AreEqual(60, results.Sum(r => r.ScoredHoldOutSet.GetColumn<float>("Label").Count()));
        Assert.IsTrue(results.All(r => r.Metrics.MeanAbsoluteError == 0 && r.Model != null));
    }

    private static IDataView Binary(params (bool Label, float Score, float Probability)[] rows)
        => _ml.Data.LoadFromEnumerable(rows.Select(r => new Two { Label = r.Label, Score = r.Score, Probability = r.Probability }).ToArray());

    private sealed class Multi
    {
        public float Label;
        [VectorType(3)]
        public float[] Score = [];
        public float PredictedLabel;
    }

    private sealed class KeyMulti
    {
        [KeyType(2)]
        public uint Label;
        [VectorType(2)]
        public float[] Score = [];
        public float PredictedLabel;
    }

    private sealed class TextMulti
    {
        public string Label = "";
        [VectorType(2)]
        public float[] Score = [0, 0];
        public float PredictedLabel;
    }

    private sealed class Two
    {
        public bool Label;
        public float Score;
        public float Probability;
        public bool PredictedLabel;
    }

    private sealed class Number
    {
        public float Label;
        public float Score;
        public float Input;
    }
}
