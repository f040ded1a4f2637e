using System;
using System.Globalization;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// Gradual pruning by magnitude (Zhu and Gupta, 2018): every <see cref="Interval"/> steps the ⌊s·N⌋ smallest |w| of each constant become 0 (the first of equals first) and stay 0, with
/// s(t) = S·(1 − (1 − p)³) and p the part done of the way from <see cref="Begin"/> to <see cref="End"/>; at the end s is S exactly.
/// </summary>
/// <param name="Pattern">Weights: a name, or a regular expression that must match the whole name. The first rule that fits a constant counts.</param>
/// <param name="Sparsity">S, in [0, 1).</param>
public sealed record MagnitudePruning(string Pattern, double Sparsity)
{
    /// <summary>Part of the run at which pruning begins, in [0, 1].</summary>
    public double Begin { get; init; }

    /// <summary>Part of the run at which it has come to S, from <see cref="Begin"/> to 1.</summary>
    public double End { get; init; } = 0.6;

    /// <summary>Steps from one pruning to the next, from 1.</summary>
    public int Interval { get; init; } = 100;

    /// <summary>s behind a step.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="steps">Steps of the run.</param>
    public double SparsityAt(long step, long steps)
    {
        double end = LastStep(steps);
        double begin = Math.Min(Begin * steps, end);
        if (step < begin)
        {
            return 0;
        }

        double at = step >= end ? end : begin + (Math.Floor((step - begin) / Interval) * Interval);
        double left = end > begin ? 1 - ((at - begin) / (end - begin)) : 0;
        return Sparsity * (1 - (left * left * left));
    }

    /// <summary>The step behind which s is S.</summary>
    internal long LastStep(long steps) => Sparsity == 0 ? 0 : Math.Max(0, Math.Min(steps - 1, (long)Math.Ceiling(End * steps)));

    /// <summary>⌊share·count⌋, decimals meant exactly: 0.7 of 10 is 7.</summary>
    internal static int CountOf(double share, int count) => Math.Min(count, (int)((share * count) + 1e-6));

    /// <summary>Refuses values out of range.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    internal void Check()
    {
        if (Sparsity is not (>= 0 and < 1) || Begin is not (>= 0 and <= 1) || !(End >= Begin) || End > 1 || Interval < 1)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                string.Create(CultureInfo.InvariantCulture, $"{nameof(MagnitudePruning)} '{Pattern}': expected a sparsity in [0, 1), 0 ≤ begin ≤ end ≤ 1 and an interval from 1, found {Sparsity}, {Begin}, {End} and {Interval}."));
        }
    }
}
