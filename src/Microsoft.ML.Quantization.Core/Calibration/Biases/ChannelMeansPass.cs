using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Biases;

/// <summary>Passes over the same rows that collect channel means. Rows with NaN or infinities take no part; calibration has dealt with them.</summary>
internal sealed class ChannelMeansPass(IEnumerable<IReadOnlyList<Tensor>> batches, Func<Graph, ObservedRun> evaluator, CancellationToken cancellationToken)
{
    private long? _rows;

    /// <summary>Rows of a pass.</summary>
    public long Rows => _rows ?? 0;

    /// <summary>Runs all rows through a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="values">Values to average and the layers that they belong to.</param>
    public Dictionary<string, ChannelMeans> Run(Graph graph, IReadOnlyDictionary<ValueId, string> values)
    {
        ObservedRun run = evaluator(graph);
        Dictionary<int, int> axes = graph.Nodes.Where(n => n.Outputs.Any(values.ContainsKey)).ToDictionary(n => n.Output.Index, QuantizedLayers.ChannelAxis);
        var means = new Dictionary<string, ChannelMeans>(StringComparer.Ordinal);
        long rows = 0;
        foreach (IReadOnlyList<Tensor> batch in batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (IReadOnlyList<Tensor> finite, int count) = InputRows.Finite(graph, batch);
            if (count > 0)
            {
                run(finite, (id, tensor) => Observe(id, tensor, values, axes, means), CancellationToken.None);
            }

            rows += count;
        }

        CheckRows(rows);
        return means;
    }

    private static void Observe(ValueId id, Tensor tensor, IReadOnlyDictionary<ValueId, string> values, Dictionary<int, int> axes, Dictionary<string, ChannelMeans> means)
    {
        if (!values.TryGetValue(id, out string? layer))
        {
            return;
        }

        int axis = axes[id.Index];
        if (!means.TryGetValue(layer, out ChannelMeans? mean))
        {
            mean = new ChannelMeans(tensor.Shape[axis]);
            means[layer] = mean;
        }

        mean.Add(tensor, axis);
    }

    private void CheckRows(long rows)
    {
        if (rows == 0)
        {
            throw new QuantizationException(QuantizationErrorCode.EmptyCalibrationData, "Bias correction: expected at least one row, found none.");
        }

        if (_rows is long before && before != rows)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InconsistentData,
                string.Create(CultureInfo.InvariantCulture, $"Bias correction: expected {before} rows in every pass, found {rows}. Give data that can be read several times."));
        }

        _rows = rows;
    }
}
