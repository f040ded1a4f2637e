using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>A solved range and how good it is.</summary>
/// <param name="Range">The range, zero inside.</param>
/// <param name="Parameters">Scale and zero point that the range gives for the target.</param>
/// <param name="Solver">The solver that was asked.</param>
/// <param name="MeanSquaredError">Expected squared error of one finite value, from the histogram.</param>
/// <param name="MinMaxError">The same for the range from the smallest to the largest value, the baseline.</param>
/// <param name="Notes">Warnings: too few rows, non-finite values, outliers, constant or no data.</param>
public sealed record RangeSolution(
    ClippingRange Range,
    AffineParameters Parameters,
    string Solver,
    double MeanSquaredError,
    double MinMaxError,
    ImmutableArray<string> Notes);
