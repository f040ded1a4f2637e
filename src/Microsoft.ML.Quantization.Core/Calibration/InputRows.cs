using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>Checks the rows of a batch before they reach the network.</summary>
internal static class InputRows
{
    /// <summary>The rows of a batch after a check of number, type and shape of its tensors.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InputShapeMismatch"/>.</exception>
    public static int Count(Graph graph, IReadOnlyList<Tensor> batch)
    {
        if (batch.Count != graph.Inputs.Length)
        {
            throw Mismatch("Calibration batch", string.Create(CultureInfo.InvariantCulture, $"{graph.Inputs.Length} tensors"), string.Create(CultureInfo.InvariantCulture, $"{batch.Count}"));
        }

        int rows = -1;
        for (int i = 0; i < batch.Count; i++)
        {
            Value input = graph[graph.Inputs[i]];
            Shape expected = input.Type.Shape;
            rows = expected.IsFree && rows < 0 && batch[i].Shape.Rank == expected.Rank ? batch[i].Shape[0] : rows;
            if (batch[i].Type != input.Type.Element || (expected.IsFree && rows < 0) || !batch[i].Shape.Equals(expected.Bind(Math.Max(rows, 0))))
            {
                throw Mismatch($"Input '{input.Name}'", $"{input.Type.Element}{expected}, as many rows in every input", batch[i].ToString());
            }
        }

        return rows < 0 ? 1 : rows;
    }

    /// <summary>The indices inside the batch of the rows with a float that is not finite, ascending.</summary>
    public static ImmutableArray<int> NonFinite(IReadOnlyList<Tensor> batch, int rows)
    {
        var found = new SortedSet<int>();
        foreach (Tensor tensor in batch.Where(t => t.Type == ElementType.Float32 && t.Shape.Count > 0))
        {
            ReadOnlySpan<float> values = tensor.Values<float>();
            int length = values.Length / rows;
            if (Histogram.Extremes(values, out _, out _))
            {
                continue;
            }

            for (int row = 0; row < rows; row++)
            {
                if (!Histogram.Extremes(values.Slice(row * length, length), out _, out _))
                {
                    found.Add(row);
                }
            }
        }

        return [.. found];
    }

    /// <summary>The finite rows of a batch and their number.</summary>
    public static (IReadOnlyList<Tensor> Batch, int Rows) Finite(Graph graph, IReadOnlyList<Tensor> batch)
    {
        int rows = Count(graph, batch);
        ImmutableArray<int> bad = rows == 0 ? [] : NonFinite(batch, rows);
        int kept = graph.HasFreeBatch ? rows - bad.Length : bad.IsEmpty ? rows : 0;
        return (bad.IsEmpty || kept == 0 ? batch : Without(batch, rows, bad), kept);
    }

    /// <summary>The batch without some rows.</summary>
    public static IReadOnlyList<Tensor> Without(IReadOnlyList<Tensor> batch, int rows, ImmutableArray<int> dropped)
        => [.. batch.Select(tensor => Without(tensor, rows, dropped))];

    private static Tensor Without(Tensor tensor, int rows, ImmutableArray<int> dropped)
    {
        int length = tensor.Bytes.Length / rows;
        Tensor kept = Tensor.Allocate(tensor.Type, tensor.Shape.With(0, rows - dropped.Length));
        Span<byte> destination = kept.WritableBytes;
        for (int row = 0; row < rows; row++)
        {
            if (!dropped.Contains(row))
            {
                tensor.Bytes.Span.Slice(row * length, length).CopyTo(destination);
                destination = destination[length..];
            }
        }

        return kept;
    }

    private static QuantizationException Mismatch(string place, string expected, string found)
        => new(QuantizationErrorCode.InputShapeMismatch, $"{place}: expected {expected}, found {found}.");
}
