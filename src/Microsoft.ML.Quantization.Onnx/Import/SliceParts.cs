using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Starts, ends, steps and axes of a Slice, from attributes (up to operator set 9) or inputs.</summary>
internal sealed record SliceParts(ImmutableArray<int> Starts, ImmutableArray<int> Ends, ImmutableArray<int> Steps, ImmutableArray<int> Axes)
{
    public static SliceParts Read(NodeCall call, int rank)
    {
        bool attributes = call.Attributes.Has("starts");
        ImmutableArray<long> starts = attributes ? call.Attributes.Longs("starts") ?? [] : call.Longs(1, "starts");
        ImmutableArray<long> ends = attributes ? call.Attributes.Longs("ends") ?? [] : call.Longs(2, "ends");
        ImmutableArray<long>? axes = call.AttributeOrInput("axes", 3);
        ImmutableArray<long>? steps = call.Has(4) ? call.Longs(4, "steps") : null;
        int count = starts.Length;
        call.RequireValid(ends.Length == count && (axes?.Length ?? count) == count && (steps?.Length ?? count) == count && count <= rank, "as many starts, ends, axes and steps, at most one an axis");
        ImmutableArray<int> normal = axes is { } given ? call.Axes(given, rank) : [.. Enumerable.Range(0, count)];
        return new([.. starts.Select(ToInt)], [.. ends.Select(ToInt)], steps is { } s ? [.. s.Select(ToInt)] : [.. Enumerable.Repeat(1, count)], normal);
    }

    /// <summary>Without a slice that takes the whole free batch.</summary>
    public SliceParts WithoutWholeBatch(Shape shape)
    {
        int[] kept = [.. Enumerable.Range(0, Axes.Length).Where(i => shape[Axes[i]] != Shape.Free || Starts[i] != 0 || Ends[i] != int.MaxValue || Steps[i] != 1)];
        return kept.Length == Axes.Length ? this : new([.. kept.Select(i => Starts[i])], [.. kept.Select(i => Ends[i])], [.. kept.Select(i => Steps[i])], [.. kept.Select(i => Axes[i])]);
    }

    /// <summary>Files write the largest 64-bit number for "to the end".</summary>
    private static int ToInt(long value) => (int)Math.Clamp(value, int.MinValue, int.MaxValue);
}
