using System.Globalization;

namespace Microsoft.ML.Quantization;

/// <summary>Times of a measured model: medians over runs, in ms.</summary>
/// <param name="Batch">Rows of each run.</param>
/// <param name="Runs">Runs of each kind: as a whole, and step by step.</param>
/// <param name="Whole">Median of whole runs, without a clock inside.</param>
/// <param name="Steps">Sum of the medians of the steps. It differs from <paramref name="Whole"/> by what the clock costs between steps and by what disturbed some runs.</param>
public sealed record ModelTiming(int Batch, int Runs, double Whole, double Steps)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"measured: batch {Batch}, median of {Runs} runs: whole {Whole:0.0000} ms, sum of steps {Steps:0.0000} ms ({(Whole > 0 ? (Steps - Whole) / Whole * 100 : 0):+0.0;-0.0;0.0} %)");
}
