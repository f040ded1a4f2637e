using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>A markdown table that grows row by row.</summary>
internal class QuietTable(params string[] head)
{
    private readonly List<string[]> _rows = [];

    /// <summary>The rows so far.</summary>
    public IReadOnlyList<string[]> Rows => _rows;

    /// <summary>Adds a row.</summary>
    public virtual void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>The rows as JSON: an array of one object a row, named by the head; texts that are numbers become numbers.</summary>
    public string ToJson()
    {
        IEnumerable<string> rows = _rows.Select(r => "{" + string.Join(", ", r.Select((cell, i) => $"{Quote(head[i])}: {(IsNumber(cell) ? cell : Quote(cell))}")) + "}");
        return "[\n    " + string.Join(",\n    ", rows) + "\n  ]";
    }

    private static bool IsNumber(string cell) => cell.Length > 0 && cell.All(c => char.IsAsciiDigit(c) || c is '.' or '-') && double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static string Quote(string text) => "\"" + JsonEncodedText.Encode(text) + "\"";

    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append("| ").AppendJoin(" | ", head).Append(" |\n|").Append(string.Concat(Enumerable.Repeat("---|", head.Length))).Append('\n');
        foreach (string[] row in _rows)
        {
            text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
        }

        return text.ToString();
    }
}

/// <summary>A markdown table whose rows are printed as they come.</summary>
internal sealed class Table(params string[] head) : QuietTable(head)
{
    /// <inheritdoc/>
    public override void Add(params string[] cells)
    {
        base.Add(cells);
        Console.WriteLine(string.Join(" | ", cells));
    }
}
