using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Microsoft.ML.Quantization.Onnx.Import;

namespace Microsoft.ML.Quantization.Onnx;

/// <summary>The operators that <see cref="OnnxModel"/> reads.</summary>
public static class OnnxOperators
{
    /// <summary>The newest version of the default operator set that was looked at; newer files are tried, with a warning.</summary>
    public const int NewestOperatorSet = 25;

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<OnnxOperator> All { get; } = [.. OperatorList.Entries.Select(e => e.Operator).OrderBy(o => o.Name, System.StringComparer.Ordinal)];

    /// <summary>The list as a Markdown table, as the documentation shows it.</summary>
    public static string ToMarkdown()
    {
        var text = new StringBuilder("| Operator | From operator set | Notes |\n|---|---|---|\n");
        foreach (OnnxOperator item in All)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {item.Name} | {item.Since} | {item.Note} |\n");
        }

        return text.ToString();
    }
}
