using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Quantization;

/// <summary>How one step of a model runs on this machine.</summary>
/// <param name="Layer">Name of the layer.</param>
/// <param name="Operation">What the step does.</param>
/// <param name="Bits">Bits of weights and activations (for example W8A8), f32, or empty.</param>
/// <param name="KernelSet">Name of the kernel set.</param>
/// <param name="Reason">Why it runs this way.</param>
/// <param name="AccumulatorBound">Largest magnitude the int32 accumulator can reach with the layer's real weights; 0 where there is none.</param>
/// <param name="AccumulatorLimit">What the accumulator can hold; 0 where there is none.</param>
/// <param name="WeightBytes">Bytes of packed weights that the step reads.</param>
/// <param name="ArenaBytes">Bytes that the step writes into the arena for one row.</param>
public sealed record LayerReport(string Layer, string Operation, string Bits, string KernelSet, string Reason, long AccumulatorBound, long AccumulatorLimit, long WeightBytes, long ArenaBytes);

/// <summary>How a model runs on this machine, step by step.</summary>
/// <param name="Layers">One row a step, in order.</param>
/// <param name="KernelSet">Name of the kernel set.</param>
/// <param name="ThreadCount">Threads of one run.</param>
/// <param name="ArenaBytes">Bytes of the whole arena for one row; buffers share it.</param>
public sealed record ModelReport(ImmutableArray<LayerReport> Layers, string KernelSet, int ThreadCount, long ArenaBytes)
{
    /// <summary>The rows as a table, tab-free, one line a step.</summary>
    public override string ToString()
    {
        string[][] rows = [["layer", "operation", "bits", "bound", "limit", "weights", "arena", "reason"], .. Layers.Select(Cells)];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length))];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"kernels {KernelSet}, threads {ThreadCount}, arena {ArenaBytes} bytes a row").AppendLine();
        foreach (string[] row in rows)
        {
            text.AppendLine(string.Join("  ", row.Select((cell, c) => cell.PadRight(widths[c]))).TrimEnd());
        }

        return text.ToString();
    }

    private static string[] Cells(LayerReport layer) =>
    [
        layer.Layer,
        layer.Operation,
        layer.Bits,
        Number(layer.AccumulatorBound),
        Number(layer.AccumulatorLimit),
        Number(layer.WeightBytes),
        Number(layer.ArenaBytes),
        layer.Reason,
    ];

    private static string Number(long value) => value == 0 ? string.Empty : value.ToString(CultureInfo.InvariantCulture);
}
