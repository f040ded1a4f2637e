using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>
/// Values whose first axis grows from 1 to the batch size. The graph has no node that knows the batch, so the size comes from an input: Where(c, x, x) with a condition c of one
/// element a row; the result is x for every row, whatever the condition says.
/// </summary>
internal static class BatchBroadcast
{
    public static ImportValue Apply(NodeCall call, ImportValue x)
    {
        ImportValue source = call.Context.Inputs.FirstOrDefault(i => i.Shape.Rank > 0 && i.Shape[0] == Shape.Free && !i.Type.IsCodes)
            ?? throw call.Unsupported("a value of the batch size needs an input with a free batch");
        int rank = source.Shape.Rank;
        if (rank > 1)
        {
            int[] axes = [.. Enumerable.Range(1, rank - 1)];
            source = call.Emit(new Slice { Starts = [.. axes.Select(_ => 0)], Ends = [.. axes.Select(_ => 1)], Steps = [.. axes.Select(_ => 1)], Axes = [.. axes] }, source);
        }

        ImportValue rows = call.ReshapeTo(source, new Shape([Shape.Free, .. Enumerable.Repeat(1, x.Shape.Rank - 1)]));
        return call.Emit(new Where(), call.CastTo(rows, ElementType.Boolean), x, x);
    }
}
