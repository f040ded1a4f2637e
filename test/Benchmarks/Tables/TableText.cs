using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>Numbers of the tables of trained networks as text.</summary>
internal static class TableText
{
    // Student's t at 97.5 % for 1 to 4 degrees of freedom.
    private static readonly double[] _student = [12.706, 4.303, 3.182, 2.776];

    /// <summary>A count.</summary>
    public static string Of(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Whole seconds.</summary>
    public static string Seconds(double value) => value.ToString("0", CultureInfo.InvariantCulture);

    /// <summary>Wrong predictions in percent.</summary>
    public static string Error(double accuracy) => (100 * (1 - accuracy)).ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>Mean error of the engine in percent, and the half width of its 95 % interval over the seeds, t·s/√n.</summary>
    public static string MeanError(IReadOnlyCollection<CellResult> cells)
    {
        double[] errors = [.. cells.Select(c => 100 * (1 - c.EngineAccuracy))];
        double mean = errors.Average();
        double half = _student[errors.Length - 2] * Math.Sqrt(errors.Sum(e => (e - mean) * (e - mean)) / (errors.Length - 1) / errors.Length);
        return FormattableString.Invariant($"{mean:0.00} ± {half:0.00}");
    }
}
