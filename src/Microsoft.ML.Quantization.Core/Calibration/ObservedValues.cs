using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>Which values of a graph a calibration observes.</summary>
internal static class ObservedValues
{
    public static ImmutableArray<ValueId> Of(Graph graph, CalibrationOptions options)
    {
        ImmutableArray<ValueId> values = options.Values.IsEmpty
            ? [.. Enumerable.Range(0, graph.Values.Length).Select(i => new ValueId(i)).Where(id => IsFloat(graph[id]))]
            : [.. options.Values.Select(name => Find(graph, name))];
        long needed = values.Length * (long)options.BinCount * sizeof(long);
        return needed <= options.MemoryLimit
            ? values
            : throw new QuantizationException(
                QuantizationErrorCode.MemoryLimitExceeded,
                string.Create(CultureInfo.InvariantCulture, $"Calibration statistics of {values.Length} values with {options.BinCount} bins: expected at most {options.MemoryLimit} bytes, found {needed}. Observe fewer values, use fewer bins or raise MemoryLimit."));
    }

    private static bool IsFloat(Value value) => value.Constant is null && value.Type.Element == ElementType.Float32;

    private static ValueId Find(Graph graph, string name)
    {
        if (!graph.TryFind(name, out ValueId id))
        {
            throw new QuantizationException(QuantizationErrorCode.UnknownLayer, $"Value '{name}' to calibrate: expected a value of the graph, found none of that name.");
        }

        return IsFloat(graph[id])
            ? id
            : throw new QuantizationException(
                QuantizationErrorCode.UnsupportedElementType,
                $"Value '{name}' to calibrate: expected floats that are no constant, found {(graph[id].Constant is null ? graph[id].Type.ToString() : "a constant")}.");
    }
}
