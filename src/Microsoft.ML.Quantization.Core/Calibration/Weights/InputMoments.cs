using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>E[x²] of the input channels of layers: h of each weight is that of the channel it multiplies, and at least a thousandth of the mean; E[x²] of all inputs is a layer's energy.</summary>
internal sealed class InputMoments
{
    private const double Least = 1e-3;

    private readonly Dictionary<ValueId, double[]> _sums = [];
    private readonly Dictionary<ValueId, long> _counts = [];

    private InputMoments()
    {
    }

    /// <summary>The moments over some batches; null when there is no row.</summary>
    public static InputMoments? Of(Graph graph, IReadOnlyList<IReadOnlyList<Tensor>> batches, ObservedRun run, CancellationToken cancellationToken)
    {
        Dictionary<ValueId, int> axes = graph.Nodes.Where(IsLayer).DistinctBy(n => n.Inputs[0]).ToDictionary(n => n.Inputs[0], n => n is Dense ? -1 : 1);
        var moments = new InputMoments();
        foreach (IReadOnlyList<Tensor> batch in batches)
        {
            run(batch, (id, tensor) => moments.Add(id, tensor, axes), cancellationToken);
        }

        return batches.Count == 0 ? null : moments;
    }

    /// <summary>E[x²] of all inputs of a layer; null when they were not seen.</summary>
    public double? EnergyOf(Node layer) => _sums.TryGetValue(layer.Inputs[0], out double[]? sums) && _counts[layer.Inputs[0]] > 0 ? sums.Sum() / _counts[layer.Inputs[0]] : null;

    /// <summary>h of each weight of a layer, row-major.</summary>
    public double[]? ImportanceOf(Node layer, Shape weights)
    {
        if (!_sums.TryGetValue(layer.Inputs[0], out double[]? sums))
        {
            return null;
        }

        double mean = sums.Average();
        double[] h = [.. sums.Select(s => mean > 0 ? Math.Max(s / mean, Least) : 1)];
        int groups = layer is Convolution convolution ? convolution.Groups : 1;
        int taps = weights.CountOf(2, weights.Rank);
        var importance = new double[weights.Count];
        for (int i = 0; i < importance.Length; i++)
        {
            int group = i / taps / weights[1] / (weights[0] / groups);
            importance[i] = h[(group * weights[1]) + (i / taps % weights[1])];
        }

        return importance;
    }

    private static bool IsLayer(Node node) => node is Convolution or Dense;

    private void Add(ValueId id, Tensor tensor, Dictionary<ValueId, int> axes)
    {
        if (!axes.TryGetValue(id, out int axis) || tensor.Type != ElementType.Float32)
        {
            return;
        }

        int channels = tensor.Shape[axis];
        int inner = axis < 0 ? 1 : tensor.Shape.CountOf(2, tensor.Shape.Rank);
        if (!_sums.TryGetValue(id, out double[]? sums))
        {
            _sums[id] = sums = new double[channels];
        }

        ReadOnlySpan<float> values = tensor.Values<float>();
        _counts[id] = _counts.GetValueOrDefault(id) + values.Length;
        for (int i = 0; i < values.Length; i++)
        {
            sums[i / inner % channels] += (double)values[i] * values[i];
        }
    }
}
