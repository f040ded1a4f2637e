namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>How many ternary terms a block of weights gets.</summary>
public enum TernaryTermRule
{
    /// <summary>The term that lowers the weighted error most is added next, anywhere in the network, until the budget is spent.</summary>
    Greedy,

    /// <summary>Each block gets terms until its relative error is small enough for its layer.</summary>
    Tolerance,
}
