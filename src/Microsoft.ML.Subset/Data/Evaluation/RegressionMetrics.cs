namespace Microsoft.ML.Data;

/// <summary>How well numbers fit the labels.</summary>
public sealed class RegressionMetrics
{
    internal RegressionMetrics()
    {
    }

    public double MeanAbsoluteError { get; internal init; }

    public double MeanSquaredError { get; internal init; }

    public double RootMeanSquaredError { get; internal init; }

    public double LossFunction { get; internal init; }

    public double RSquared { get; internal init; }
}
