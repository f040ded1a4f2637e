using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Counts over the rows of a binary evaluation.</summary>
internal sealed class BinaryCounts
{
    private const double Epsilon = 1e-15;
    private readonly List<(float Score, bool Label)> _rows = [];
    private double _loss;

    /// <summary>Rows: actual positive, negative; columns: predicted positive, negative.</summary>
    public double[][] Table { get; } = [new double[2], new double[2]];

    public int Rows => _rows.Count;

    public double LogLoss => _loss / Rows;

    public double Entropy
    {
        get
        {
            double p = _rows.Count(r => r.Label) / (double)Rows;
            return -p * Math.Log2(p) - (1 - p) * Math.Log2(1 - p);
        }
    }

    public double AreaUnderRocCurve { get; private set; }

    public double AreaUnderPrecisionRecallCurve { get; private set; }

    public static BinaryCounts Collect(IDataView data, string labelName, string scoreName, string probabilityName, string predictedLabelName)
    {
        DataViewSchema.Column label = EvaluationColumns.Find(data, "label", labelName, BooleanDataViewType.Instance);
        DataViewSchema.Column score = EvaluationColumns.Find(data, "score", scoreName, NumberDataViewType.Single);
        DataViewSchema.Column? probability = probabilityName == null ? null : EvaluationColumns.Find(data, "probability", probabilityName, NumberDataViewType.Single);
        EvaluationColumns.Find(data, "predicted label", predictedLabelName);
        var counts = new BinaryCounts();
        DataViewSchema.Column[] columns = probability is { } p ? [label, score, p] : [label, score];
        using (DataViewRowCursor cursor = data.GetRowCursor(columns))
        {
            ValueGetter<bool> getLabel = cursor.GetGetter<bool>(label);
            ValueGetter<float> getScore = cursor.GetGetter<float>(score);
            ValueGetter<float> getProbability = probability is { } q ? cursor.GetGetter<float>(q) : (ref float value) => value = float.NaN;
            bool l = false;
            float s = 0, x = 0;
            while (cursor.MoveNext())
            {
                getLabel(ref l);
                getScore(ref s);
                getProbability(ref x);
                counts.Add(l, s, x);
            }
        }

        counts.Finish();
        return counts;
    }

    private void Add(bool label, float score, float probability)
    {
        if (float.IsNaN(score))
        {
            return;
        }

        _rows.Add((score, label));
        Table[label ? 0 : 1][score > 0 ? 0 : 1]++;
        if (!float.IsNaN(probability))
        {
            _loss -= Math.Log2(Math.Max(Epsilon, label ? probability : 1 - (double)probability));
        }
    }

    // Rows with the same score form one group, so ties count half in the ROC area and as one point of the precision-recall curve.
    private void Finish()
    {
        double positives = _rows.Count(r => r.Label), negatives = Rows - positives;
        if (positives == 0 || negatives == 0)
        {
            throw Errors.Mark(new ArgumentOutOfRangeException(
                "data", $"AUC is not defined when there is no {(positives == 0 ? "positive" : "negative")} class in the data"));
        }

        double truePositives = 0, falsePositives = 0, roc = 0, precisionRecall = 0;
        foreach (IGrouping<float, (float Score, bool Label)> group in _rows.GroupBy(r => r.Score).OrderByDescending(g => g.Key))
        {
            double p = group.Count(r => r.Label), n = group.Count() - p;
            roc += n * (truePositives + p / 2);
            truePositives += p;
            falsePositives += n;
            precisionRecall += p / positives * (truePositives / (truePositives + falsePositives));
        }

        AreaUnderRocCurve = roc / (positives * negatives);
        AreaUnderPrecisionRecallCurve = precisionRecall;
    }
}
