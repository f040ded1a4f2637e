using Microsoft.ML.Data;

namespace QuickStart;

/// <summary>What the model says of a row.</summary>
public sealed class Prediction
{
    [VectorType(10)]
    public float[] Score { get; set; } = [];

    /// <summary>The raw key: class + 1.</summary>
    public uint PredictedLabel { get; set; }
}
