using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Packs the nodes of an <see cref="AttentionPattern"/> as one step.</summary>
internal static class AttentionPacking
{
    /// <summary>Finds the patterns of a graph and marks their nodes but the last as done.</summary>
    public static void Find(PackingState state)
    {
        foreach (Softmax softmax in state.Graph.Nodes.OfType<Softmax>())
        {
            if (AttentionPattern.Find(state, softmax) is { } pattern)
            {
                state.Attentions.Add(pattern.Last, pattern);
                state.Done.UnionWith(pattern.Absorbed);
            }
        }
    }

    /// <summary>Packs the step of a pattern's last node.</summary>
    public static bool Pack(PackingState state, Node node)
    {
        if (!state.Attentions.TryGetValue(node, out AttentionPattern? pattern))
        {
            return false;
        }

        Tensor?[] constants = [.. pattern.Middle.Select(m => state.Constant(m.Other))];
        int[] others = [.. pattern.Middle.Select((m, i) => constants[i] is null ? state.Read(m.Other, Layout.RowMajor) : -1)];
        int query = state.Read(pattern.Query.Source, Layout.RowMajor);
        int key = state.Read(pattern.Key.Source, Layout.RowMajor);
        int value = state.Read(pattern.Value.Source, Layout.RowMajor);
        int result = state.Write(node.Output, Layout.RowMajor);
        state.Add(new PackedStep(
            node.Name,
            "Attention",
            [query, key, value, .. others.Where(s => s >= 0)],
            [result],
            c => new AttentionStep(
                c,
                Sizes(c, pattern),
                [.. pattern.Middle.Select((m, i) => Operation(c, pattern, m, constants[i], others[i]))],
                new AttentionSlots(query, key, value, result)))
        {
            Facts = new LayerFacts("f32", "products and softmax of attention in one step", 0, 0),
        });
        return true;
    }

    private static ScoreFunction Operation(BindContext context, AttentionPattern pattern, ScoreOperation operation, Tensor? constant, int slot)
    {
        Shape other = context.ShapeOf(operation.Other);
        var walk = new BroadcastWalk(context.ShapeOf(pattern.Scores), [other]);
        return new ScoreFunction(operation.Node.Operator, operation.Node.Inputs[0] == operation.Chain, walk, constant, slot);
    }

    private static AttentionSizes Sizes(BindContext context, AttentionPattern pattern)
    {
        Shape scores = context.ShapeOf(pattern.Scores);
        return new AttentionSizes(
            new StridedMatrices(context.ShapeOf(pattern.Query.Source), pattern.Query.Axes),
            new StridedMatrices(context.ShapeOf(pattern.Key.Source), pattern.Key.Axes),
            new StridedMatrices(context.ShapeOf(pattern.Value.Source), pattern.Value.Axes),
            new StridedMatrices(context.ShapeOf(pattern.Result.Source), pattern.Result.Axes),
            scores[-2],
            scores[-1]);
    }
}
