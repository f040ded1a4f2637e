using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Quantization;

/// <summary>How a model runs on this machine, step by step.</summary>
/// <param name="Steps">One row a step, in order.</param>
/// <param name="KernelSet">Name of the kernel set.</param>
/// <param name="ThreadCount">Threads of one run.</param>
/// <param name="ArenaBytes">Bytes of the whole arena for one row; buffers share it.</param>
public sealed record ModelReport(ImmutableArray<StepReport> Steps, string KernelSet, int ThreadCount, long ArenaBytes)
{
    /// <summary>Why the kernels are managed ones, where they are: a native library that is missing or cannot be used, or what forces them; empty otherwise.</summary>
    public string KernelReason { get; init; } = string.Empty;

    /// <summary>What was measured, or null.</summary>
    public ModelTiming? Timing { get; init; }

    /// <summary>The rows as a table, tab-free, one line a step.</summary>
    public override string ToString()
    {
        string[] head = ["layer", "operation", "bits", "kernels", "choice", "bound", "limit", "weights", "arena", .. Timing is null ? (string[])[] : ["ms"], "reason"];
        string[][] rows = [head, .. Steps.Select(Cells)];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length))];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"kernels {KernelSet}, threads {ThreadCount}, arena {ArenaBytes} bytes a row").AppendLine();
        if (KernelReason.Length > 0)
        {
            text.AppendLine(KernelReason);
        }

        foreach (string[] row in rows)
        {
            text.AppendLine(string.Join("  ", row.Select((cell, c) => cell.PadRight(widths[c]))).TrimEnd());
        }

        if (Timing is { } timing)
        {
            text.AppendLine(timing.ToString());
        }

        return text.ToString();
    }

    private static string Number(long value) => value == 0 ? string.Empty : value.ToString(CultureInfo.InvariantCulture);

    private string[] Cells(StepReport step) =>
    [
        step.Layer,
        step.Operation,
        step.Bits,
        step.KernelSet,
        step.Choice,
        Number(step.AccumulatorBound),
        Number(step.AccumulatorLimit),
        Number(step.WeightBytes),
        Number(step.ArenaBytes),
        .. Timing is null ? (string[])[] : [step.Milliseconds?.ToString("0.0000", CultureInfo.InvariantCulture) ?? string.Empty],
        step.Reason,
    ];
}
