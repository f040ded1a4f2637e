using System;

namespace Microsoft.ML.Data;

/// <summary>Sums over the rows of a regression evaluation.</summary>
internal static class RegressionEvaluator
{
    public static RegressionMetrics Evaluate(IDataView data, string labelName, string scoreName)
    {
        DataViewSchema.Column label = EvaluationColumns.Find(data, "label", labelName, NumberDataViewType.Single);
        DataViewSchema.Column score = EvaluationColumns.Find(data, "score", scoreName, NumberDataViewType.Single);
        double n = 0, absolute = 0, squared = 0, sum = 0, sumOfSquares = 0;
        using (DataViewRowCursor cursor = data.GetRowCursor([label, score]))
        {
            Func<double> getLabel = EvaluationColumns.Number<float>(cursor, label, v => v);
            Func<double> getScore = EvaluationColumns.Number<float>(cursor, score, v => v);
            while (cursor.MoveNext())
            {
                double y = getLabel(), error = getScore() - y;
                if (double.IsNaN(error))
                {
                    continue;
                }

                n++;
                absolute += Math.Abs(error);
                squared += error * error;
                sum += y;
                sumOfSquares += y * y;
            }
        }

        if (n == 0)
        {
            return new RegressionMetrics();
        }

        double variance = sumOfSquares - sum * sum / n;
        return new RegressionMetrics
        {
            MeanAbsoluteError = absolute / n,
            MeanSquaredError = squared / n,
            RootMeanSquaredError = Math.Sqrt(squared / n),
            LossFunction = squared / n,
            RSquared = variance == 0 ? double.NaN : 1 - squared / variance,
        };
    }
}
