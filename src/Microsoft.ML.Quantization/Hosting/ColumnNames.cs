using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Passes;

namespace Microsoft.ML.Quantization.Hosting;

/// <summary>What to say behind "Could not find column": the nearest name, or the names that there are.</summary>
internal static class ColumnNames
{
    private const int Most = 8;
    private const int Near = 3;

    /// <summary>A sentence behind a missing name; empty where there are no columns.</summary>
    public static string Hint(string name, IEnumerable<string> columns)
    {
        string[] names = [.. columns.Distinct(StringComparer.Ordinal)];
        if (names.Length == 0)
        {
            return string.Empty;
        }

        string nearest = names.MinBy(n => LayerPattern.Distance(name, n))!;
        return LayerPattern.Distance(name, nearest) <= Math.Max(2, name.Length / Near)
            ? $". The nearest name is '{nearest}'"
            : $". The columns are {string.Join(", ", names.Take(Most).Select(n => $"'{n}'"))}{(names.Length > Most ? ", .." : string.Empty)}";
    }
}
