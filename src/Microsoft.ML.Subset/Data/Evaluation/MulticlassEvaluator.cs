using System;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Counts over the rows of a multiclass evaluation.</summary>
internal sealed class MulticlassEvaluator
{
    // Probabilities below this count as this, so that one certain error does not make the loss infinite.
    private const double Epsilon = 1e-15;
    private readonly double[][] _table;
    private readonly double[] _loss;
    private readonly long[] _rankCounts;

    private MulticlassEvaluator(int classes)
    {
        _table = Enumerable.Range(0, classes).Select(_ => new double[classes]).ToArray();
        _loss = new double[classes];
        _rankCounts = new long[classes];
    }

    public static MulticlassClassificationMetrics Evaluate(IDataView data, string labelName, string scoreName, string predictedLabelName, int topK)
    {
        DataViewSchema.Column label = EvaluationColumns.Find(data, "label", labelName);
        if (label.Type is not KeyDataViewType && label.Type != NumberDataViewType.Single && label.Type != NumberDataViewType.Double)
        {
            throw Errors.Mismatch("schema", "label", labelName, "Single or Key", label.Type.ToString());
        }

        DataViewSchema.Column score = EvaluationColumns.Find(data, "score", scoreName);
        if (score.Type is not VectorDataViewType { IsKnownSize: true } type || type.ItemType != NumberDataViewType.Single)
        {
            throw Errors.Mismatch("schema", "score", scoreName, "known-size vector of Single", score.Type.ToString());
        }

        EvaluationColumns.Find(data, "predicted label", predictedLabelName);
        var evaluator = new MulticlassEvaluator(type.Size);
        using (DataViewRowCursor cursor = data.GetRowCursor([label, score]))
        {
            Func<double> getLabel = EvaluationColumns.ClassLabel(cursor, label);
            ValueGetter<VBuffer<float>> getScore = cursor.GetGetter<VBuffer<float>>(score);
            VBuffer<float> buffer = default;
            var scores = new float[type.Size];
            while (cursor.MoveNext())
            {
                getScore(ref buffer);
                buffer.CopyTo(scores);
                evaluator.Add(getLabel(), scores);
            }
        }

        return evaluator.Finish(EvaluationColumns.ClassNames(label, score, type.Size), Math.Min(topK, type.Size));
    }

    private void Add(double label, float[] scores)
    {
        if (double.IsNaN(label) || Array.Exists(scores, float.IsNaN))
        {
            return;
        }

        int actual = (int)label;
        if (actual < 0 || actual >= _table.Length)
        {
            throw Errors.Mark(new InvalidOperationException($"The label {label} is not one of the {_table.Length} classes that have a score."));
        }

        _table[actual][Argmax(scores)]++;
        _loss[actual] -= Math.Log(Math.Clamp(scores[actual], Epsilon, 1));
        _rankCounts[Rank(scores, actual)]++;
    }

    private MulticlassClassificationMetrics Finish(string[] names, int topK)
    {
        double[] actual = _table.Select(row => row.Sum()).ToArray();
        double rows = actual.Sum();
        if (rows == 0)
        {
            throw Errors.OutOfRange("data", "There is no row with a label and scores.");
        }

        double loss = _loss.Sum() / rows;
        double entropy = -actual.Where(n => n > 0).Sum(n => n / rows * Math.Log(n / rows));
        int[] present = Enumerable.Range(0, actual.Length).Where(i => actual[i] > 0).ToArray();
        double[] cumulative = Enumerable.Range(1, topK).Select(k => _rankCounts.Take(k).Sum() / rows).ToArray();
        return new MulticlassClassificationMetrics(
            _loss.Select((l, i) => actual[i] > 0 ? l / actual[i] : 0).ToArray(), cumulative, new ConfusionMatrix(_table, names))
        {
            LogLoss = loss,
            LogLossReduction = 1 - loss / entropy,
            MicroAccuracy = _table.Select((row, i) => row[i]).Sum() / rows,
            MacroAccuracy = present.Average(i => _table[i][i] / actual[i]),
        };
    }

    // Ties go to the lowest index.
    private static int Argmax(float[] scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
        {
            if (scores[i] > scores[best])
            {
                best = i;
            }
        }

        return best;
    }

    private static int Rank(float[] scores, int index)
    {
        int rank = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (scores[i] > scores[index] || (scores[i] == scores[index] && i < index))
            {
                rank++;
            }
        }

        return rank;
    }
}
