using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>A markdown table that grows row by row.</summary>
internal sealed class Table(params string[] head)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells)
    {
        _rows.Add(cells);
        Console.WriteLine(string.Join(" | ", cells));
    }

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
