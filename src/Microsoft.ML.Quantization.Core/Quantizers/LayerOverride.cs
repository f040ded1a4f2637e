namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>Other widths for the layers that a pattern matches; it wins over the edge rule.</summary>
/// <param name="Pattern">A layer's name, or a regular expression that must match the whole name.</param>
/// <param name="WeightBits">2 to 8.</param>
/// <param name="ActivationBits">2 to 8.</param>
public sealed record LayerOverride(string Pattern, int WeightBits, int ActivationBits)
{
    /// <summary>Run length of weights that share a scale, for schemes of <see cref="Granularity.PerGroup"/>; 0 for the scheme's own <see cref="QuantizationScheme.WeightGroupSize"/>.</summary>
    public int GroupSize { get; init; }
}
