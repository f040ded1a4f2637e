namespace QuickStart;

/// <summary>What the sample printed, for the test that runs it.</summary>
public sealed record QuickStartResult(double FloatAccuracy, double Int8Accuracy, double Int4Accuracy, uint FirstPrediction);
