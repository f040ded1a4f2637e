namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>How near the engine comes to what a method means.</summary>
public enum ExactnessTier
{
    /// <summary>Codes are bit for bit those of hard evaluation in codes: a layer sums products of whole numbers exactly and applies its scale once.</summary>
    T0 = 0,

    /// <summary>The same codes, unless a value lies within the rounding of a float sum of a threshold: accumulators are joined by real factors.</summary>
    T1 = 1,

    /// <summary>Each code is at most one step away: what evaluation in float keeps, the engine rounds (biases to accumulator steps).</summary>
    T2 = 2,

    /// <summary>Training runs something else than what is deployed (soft or random forms, real weights, changed gradients); only hard evaluation may be compared.</summary>
    T3 = 3,
}
