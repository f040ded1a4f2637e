using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Matches layer names: the name itself, otherwise a regular expression over the whole name, run without backtracking (linear time).</summary>
internal static class LayerPattern
{
    private const int Suggestions = 3;
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(1);

    /// <summary>The names that a pattern matches.</summary>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.UnknownLayer"/> with the three nearest names when none does; <see cref="QuantizationErrorCode.InvalidOptions"/> for an impossible expression.
    /// </exception>
    public static string[] Match(string pattern, IReadOnlyCollection<string> names)
    {
        if (names.Contains(pattern, StringComparer.Ordinal))
        {
            return [pattern];
        }

        Regex expression = Expression(pattern);
        string[] found = [.. names.Where(n => expression.IsMatch(n))];
        return found.Length > 0 ? found : throw Unknown(pattern, names);
    }

    private static Regex Expression(string pattern)
    {
        try
        {
            return new Regex($"^(?:{pattern})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, _timeout);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Layer pattern '{pattern}': expected a layer's name or a regular expression without back references, found an error: {e.Message}", e);
        }
    }

    private static QuantizationException Unknown(string pattern, IReadOnlyCollection<string> names)
    {
        IEnumerable<string> nearest = names.OrderBy(n => Distance(pattern, n)).ThenBy(n => n, StringComparer.Ordinal).Take(Suggestions).Select(n => $"'{n}'");
        return new(QuantizationErrorCode.UnknownLayer, $"Layer pattern '{pattern}': expected a layer of this network, found none; the nearest names are {string.Join(", ", nearest)}.");
    }

    /// <summary>Levenshtein's distance: insertions, deletions and substitutions of characters.</summary>
    internal static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
