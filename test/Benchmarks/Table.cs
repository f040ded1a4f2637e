using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>A markdown table that grows row by row.</summary>
internal class QuietTable(params string[] head)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row.</summary>
    public virtual void Add(params string[] cells) => _rows.Add(cells);

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
