namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// What follows the products of a layer over bit planes. Without thresholds it is the <see cref="IntegerEpilogue"/>. With thresholds only its bias is read, and the codes of
/// the accumulators are written as the table says; as planes only where the output channels of a group are a multiple of 32 or there is one group.
/// </summary>
public readonly ref struct PlaneEpilogue
{
    /// <summary>Bias, and what is written where there are no thresholds.</summary>
    public IntegerEpilogue Integer { get; init; }

    /// <summary>Thresholds of the accumulators; a count of 0 for none.</summary>
    public ThresholdTable<int> Thresholds { get; init; }
}
