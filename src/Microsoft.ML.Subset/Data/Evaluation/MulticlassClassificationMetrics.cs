using System.Collections.Generic;

namespace Microsoft.ML.Data;

/// <summary>How well scores of many classes fit the labels.</summary>
public sealed class MulticlassClassificationMetrics
{
    internal MulticlassClassificationMetrics(double[] perClassLogLoss, double[] topK, ConfusionMatrix confusionMatrix)
    {
        PerClassLogLoss = perClassLogLoss;
        TopKAccuracyForAllK = topK;
        TopKPredictionCount = topK.Length;
        TopKAccuracy = topK.Length == 0 ? 0 : topK[^1];
        ConfusionMatrix = confusionMatrix;
    }

    public double LogLoss { get; internal init; }

    public double LogLossReduction { get; internal init; }

    public double MacroAccuracy { get; internal init; }

    public double MicroAccuracy { get; internal init; }

    public double TopKAccuracy { get; }

    public int TopKPredictionCount { get; }

    public IReadOnlyList<double> TopKAccuracyForAllK { get; }

    public IReadOnlyList<double> PerClassLogLoss { get; }

    public ConfusionMatrix ConfusionMatrix { get; }
}
