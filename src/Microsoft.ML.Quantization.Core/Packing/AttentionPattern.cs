using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>
/// Softmax(q · k, scaled and masked) · v over computed floats, as attention has it: the nodes between the transposes of the heads. One step does them all, so that
/// scores never leave the cache and transposed heads are only read and written at other distances.
/// </summary>
/// <param name="Last">The node whose output the step writes; it stands behind all others.</param>
/// <param name="Absorbed">The other nodes of the step.</param>
/// <param name="Query">[.., rows, depth]; the depth side by side.</param>
/// <param name="Key">[.., depth, columns]; one of the two side by side.</param>
/// <param name="Value">[.., columns, width]; one of the two side by side.</param>
/// <param name="Middle">What happens to the scores between product and softmax, with the node's other operand.</param>
/// <param name="Result">How the last node's output lies: the identity, or the permutation of a transpose.</param>
/// <param name="Scores">The output of the first product.</param>
internal sealed record AttentionPattern(
    Node Last,
    ImmutableArray<Node> Absorbed,
    TurnedValue Query,
    TurnedValue Key,
    TurnedValue Value,
    ImmutableArray<ScoreOperation> Middle,
    TurnedValue Result,
    ValueId Scores)
{
    private const int LongestMiddle = 4;

    /// <summary>The pattern around a softmax, or null.</summary>
    public static AttentionPattern? Find(PackingState state, Softmax softmax)
    {
        Shape shape = state.TypeOf(softmax.Output).Shape;
        if (softmax.Logarithm || shape.Rank < 3 || shape.Axis(softmax.Axis) != shape.Rank - 1)
        {
            return null;
        }

        var absorbed = new List<Node> { softmax };
        var middle = new List<ScoreOperation>();
        Node? first = state.Producer(softmax.Inputs[0]);
        while (first is Binary binary && middle.Count < LongestMiddle && ScoreOperation.Of(state, binary) is { } operation)
        {
            middle.Insert(0, operation);
            absorbed.Add(binary);
            first = state.Producer(operation.Chain);
        }

        if (first is not MatMul scores || state.OnlyConsumer(softmax.Inputs[0]) != softmax || state.OnlyConsumer(softmax.Output) is not MatMul sums || sums.Inputs[0] != softmax.Output)
        {
            return null;
        }

        absorbed.Add(scores);
        return Build(state, scores, sums, absorbed, middle);
    }

    private static AttentionPattern? Build(PackingState state, MatMul scores, MatMul sums, List<Node> absorbed, List<ScoreOperation> middle)
    {
        ValueId[] operands = [scores.Inputs[0], scores.Inputs[1], sums.Inputs[1]];
        if (operands.Any(id => state.Graph[id].Constant is not null) || operands.Append(sums.Output).Any(id => !SameHeads(state.TypeOf(scores.Output).Shape, state.TypeOf(id).Shape)))
        {
            return null;
        }

        TurnedValue query = TurnedValue.Of(state, scores.Inputs[0], scores, absorbed, either: false);
        TurnedValue key = TurnedValue.Of(state, scores.Inputs[1], scores, absorbed, either: true);
        TurnedValue value = TurnedValue.Of(state, sums.Inputs[1], sums, absorbed, either: true);
        Node last = sums;
        var result = new TurnedValue(sums.Output, [.. Enumerable.Range(0, state.TypeOf(sums.Output).Shape.Rank)]);
        if (state.OnlyConsumer(sums.Output) is Transpose turn && turn.Permutation[^1] == turn.Permutation.Length - 1)
        {
            absorbed.Add(sums);
            last = turn;
            result = new TurnedValue(turn.Output, [.. Enumerable.Range(0, turn.Permutation.Length).Select(axis => turn.Permutation.IndexOf(axis))]);
        }

        return new AttentionPattern(last, [.. absorbed], query, key, value, [.. middle], result, scores.Output);
    }

    private static bool SameHeads(Shape scores, Shape operand)
        => operand.Rank == scores.Rank && operand.Dimensions[..^2].SequenceEqual(scores.Dimensions[..^2]);
}

/// <summary>A value whose axis i is axis <paramref name="Axes"/>[i] of the source.</summary>
internal sealed record TurnedValue(ValueId Source, ImmutableArray<int> Axes)
{
    /// <summary>The value, or the one that a transpose read by <paramref name="reader"/> alone turns, where the last axis (or the last but one) stays side by side.</summary>
    public static TurnedValue Of(PackingState state, ValueId id, Node reader, List<Node> absorbed, bool either)
    {
        if (state.Producer(id) is Transpose turn && state.OnlyConsumer(id) == reader && state.Graph[turn.Inputs[0]].Constant is null)
        {
            int last = turn.Permutation.Length - 1;
            if (turn.Permutation[^1] == last || (either && turn.Permutation[^2] == last))
            {
                absorbed.Add(turn);
                return new TurnedValue(turn.Inputs[0], turn.Permutation);
            }
        }

        return new TurnedValue(id, [.. Enumerable.Range(0, state.TypeOf(id).Shape.Rank)]);
    }
}

/// <summary>An element-wise function of scores and another value that broadcasts to them.</summary>
/// <param name="Node">The function.</param>
/// <param name="Chain">The scores before it.</param>
/// <param name="Other">The other operand.</param>
internal sealed record ScoreOperation(Binary Node, ValueId Chain, ValueId Other)
{
    /// <summary>The function and its operands, or null where none of them are scores of the result's shape that nothing else reads.</summary>
    public static ScoreOperation? Of(PackingState state, Binary node)
    {
        int chain = node.Inputs[0] == node.Inputs[1] ? -1 : node.Inputs.IndexOf(node.Inputs.FirstOrDefault(id => IsChain(state, node, id), new ValueId(-1)));
        return chain >= 0 && node.Activation.IsNone ? new ScoreOperation(node, node.Inputs[chain], node.Inputs[1 - chain]) : null;
    }

    private static bool IsChain(PackingState state, Binary node, ValueId id)
        => state.Producer(id) is MatMul or Binary && state.OnlyConsumer(id) == node && state.TypeOf(id).Shape.Equals(state.TypeOf(node.Output).Shape);
}
