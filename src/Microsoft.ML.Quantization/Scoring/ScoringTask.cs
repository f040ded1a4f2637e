namespace Microsoft.ML.Quantization.Scoring;

/// <summary>What the first output means, which decides its column type and whether a predicted label is added.</summary>
public enum ScoringTask
{
    /// <summary>Outputs are vectors, nothing is added.</summary>
    Vectors = 0,

    /// <summary>The first output has a score a class; a key column <c>PredictedLabel</c> of the largest score (the first of equals; missing where every score is NaN) is added.</summary>
    MulticlassClassification = 1,

    /// <summary>The first output is one number, above 0 for true; it becomes a scalar column, and a Boolean <c>PredictedLabel</c> (score &gt; 0) is added.</summary>
    BinaryClassification = 2,

    /// <summary>The first output is one number and becomes a scalar column, or several numbers and becomes a vector.</summary>
    Regression = 3,
}
