using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>A result of tables and paragraphs, written as markdown and as JSON.</summary>
internal sealed class Report(string name, string title, string command)
{
    private readonly StringBuilder _text = new();
    private readonly List<(string Key, QuietTable Table)> _tables = [];

    /// <summary>Adds a paragraph.</summary>
    public void Add(string text) => _text.Append('\n').Append(text.ReplaceLineEndings("\n")).Append('\n');

    /// <summary>Adds a table; <paramref name="key"/> names it in the JSON.</summary>
    public void Add(string key, QuietTable table)
    {
        _tables.Add((key, table));
        Add(table.ToString().TrimEnd('\n'));
    }

    /// <summary>Writes both files.</summary>
    public void Write()
    {
        Machine.WriteResult(name + ".md", $"# {title}\n\n`dotnet run -c Release --project test/Benchmarks -- {command}` on {Machine.Description}.\n{_text}");
        string tables = string.Join(",\n", _tables.Select(t => $"  \"{t.Key}\": {t.Table.ToJson()}"));
        Machine.WriteResult(name + ".json", $"{{\n  \"machine\": \"{Machine.Description}\",\n{tables}\n}}\n");
    }

    /// <summary>A figure beside the least it may be.</summary>
    public static string AtLeast(double value, double bar) => Verdict(value >= bar, "≥", bar);

    /// <summary>A figure beside the most it may be.</summary>
    public static string AtMost(double value, double bar) => Verdict(value <= bar, "≤", bar);

    /// <summary>A number in the invariant culture.</summary>
    public static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Verdict(bool met, string sign, double bar) => string.Create(CultureInfo.InvariantCulture, $"{sign} {bar:0.##}: {(met ? "met" : "not met")}");
}
