namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>How a <see cref="ClippingRange"/> is found from data.</summary>
public enum RangeMethod
{
    /// <summary>Chosen by kind and width; see <see cref="RangeSource.ForWeights"/> and <see cref="RangeSource.ForActivations"/>.</summary>
    Automatic = 0,

    /// <summary>Smallest and largest value.</summary>
    MinMax = 1,

    /// <summary>Exponential average of the batches' extremes; depends on the order of the data. Activations only.</summary>
    MovingAverage = 2,

    /// <summary>The range that leaves out a given share of the values.</summary>
    Percentile = 3,

    /// <summary>The range whose quantized histogram has the least Kullback-Leibler divergence. Activations only.</summary>
    Entropy = 4,

    /// <summary>The range with the least mean squared error after quantization.</summary>
    MeanSquaredError = 5,
}
