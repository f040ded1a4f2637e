namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Batch normalization folded into the weights in training (Jacob et al., 2018, section 3.2): the quantizer of weights sees γ·w/σ with the running σ, so that what is quantized is what is exported; a second, float product
/// with w gives the statistics of the batch, which correct the result until they are frozen: a second forward product of each layer at every step, and its way back.
/// </summary>
/// <param name="FreezeAt">Share of the run from which on the running statistics stand still and are used, in [0, 1].</param>
public sealed record NormalizationFolding(float FreezeAt = 0.9f);
