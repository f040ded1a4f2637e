using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>Fitted weights' quantizer and its provenance.</summary>
/// <param name="Quantization">The quantizer.</param>
/// <param name="Method">The fitter.</param>
/// <param name="MinMaxError">Mean squared error of the plain quantizer, extremes to extremes: the baseline.</param>
/// <param name="Error">Mean squared error of the fitted quantizer.</param>
/// <param name="ZeroGroups">Groups whose elements are all zero; their scale is 1.</param>
/// <param name="SubnormalGroups">Groups that are not all zero but whose scale would be below 2^−126; their scale is 1 and they become zero.</param>
/// <param name="RefittedGroups">Groups whose scale the least-squares refit improved.</param>
public sealed record WeightFit(
    AffineQuantization Quantization,
    RangeMethod Method,
    double MinMaxError,
    double Error,
    int ZeroGroups,
    int SubnormalGroups,
    int RefittedGroups);
