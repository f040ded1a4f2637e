using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>The parameters of one group.</summary>
/// <param name="Parameters">Scale and zero point.</param>
/// <param name="IsRefitted">Whether least squares improved the scale.</param>
public readonly record struct GroupFit(AffineParameters Parameters, bool IsRefitted = false);
