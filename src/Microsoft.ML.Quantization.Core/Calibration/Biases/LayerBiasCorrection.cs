namespace Microsoft.ML.Quantization.Calibration.Biases;

/// <summary>What happened to one layer.</summary>
/// <param name="Layer">The layer's name.</param>
/// <param name="MeanShift">Mean over the channels of |mean quantized output − mean float output|, before the clamp behind the layer.</param>
/// <param name="LargestShift">The largest of them.</param>
/// <param name="Note">Empty when the bias was corrected, otherwise why not.</param>
public sealed record LayerBiasCorrection(string Layer, double MeanShift, double LargestShift, string Note)
{
    /// <summary>Whether the bias was corrected.</summary>
    public bool IsApplied => Note.Length == 0;
}
