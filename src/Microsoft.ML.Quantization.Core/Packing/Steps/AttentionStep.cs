using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Where an attention's operands lie; the rows of the scores and their length.</summary>
internal sealed record AttentionSizes(StridedMatrices Query, StridedMatrices Key, StridedMatrices Value, StridedMatrices Result, int Rows, int Columns)
{
    // Scores of one block of rows: a quarter of a usual second-level cache, and enough rows to pay for a call.
    private const int BlockScores = 1 << 14;
    private const int FewestRows = 32;

    /// <summary>Heads of all images.</summary>
    public int Count => Rows == 0 ? 0 : Query.Begins.Length;

    /// <summary>Rows of scores at once.</summary>
    public int BlockRows => Math.Min(Rows, Math.Max(FewestRows, BlockScores / Math.Max(Columns, 1)));
}

/// <summary>The slots of an attention.</summary>
internal sealed record AttentionSlots(int Query, int Key, int Value, int Result);

/// <summary>A function of scores and another operand, which is a constant or a slot.</summary>
internal sealed record ScoreFunction(BinaryOperator Operator, bool ScoresAreLeft, BroadcastWalk Walk, Tensor? Constant, int Slot)
{
    /// <summary>In place, on the scores that begin at an element of the whole value.</summary>
    public void Run(RunBuffers buffers, Span<float> scores, int begin)
    {
        ReadOnlySpan<float> other = Constant is null ? buffers.Span<float>(Slot) : Constant.Values<float>();
        Span<int> place = stackalloc int[1];
        for (int i = 0; i < scores.Length;)
        {
            int length = Math.Min(Walk.Locate(begin + i, place), scores.Length - i);
            Span<float> part = scores.Slice(i, length);
            ReadOnlySpan<float> values = other.Slice(place[0], Walk.Step(0) == 0 ? 1 : length);
            ElementwiseOperators.Floats(Operator, ScoresAreLeft ? part : values, ScoresAreLeft ? values : part, part);
            i += length;
        }
    }
}

/// <summary>Attention over floats, head by head and in blocks of rows: each value is what product, functions, softmax and product give one after the other.</summary>
internal sealed class AttentionStep : BoundStep
{
    private const int WorkPerScore = 128;

    private readonly BindContext _context;
    private readonly AttentionSizes _sizes;
    private readonly ScoreFunction[] _functions;
    private readonly AttentionSlots _slots;

    public AttentionStep(BindContext context, AttentionSizes sizes, ScoreFunction[] functions, AttentionSlots slots)
    {
        (_context, _sizes, _functions, _slots) = (context, sizes, functions, slots);
        long scores = (long)sizes.Count * sizes.Rows * sizes.Columns;
        Chunks = context.Chunks(sizes.Count, scores * (sizes.Query.Columns + sizes.Value.Columns + WorkPerScore));
        Work = KernelWork.Products(false, 2 * sizes.Count, sizes.Rows, sizes.Query.Columns, sizes.Columns);
    }

    /// <inheritdoc/>
    public override object Prepare(RunBuffers buffers)
    {
        var rooms = new AttentionRoom[Chunks];
        for (int i = 0; i < rooms.Length; i++)
        {
            rooms[i] = new AttentionRoom(_context.Kernels, _sizes);
        }

        return new Rooms(rooms);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        AttentionRoom room = ((Rooms)buffers.State!).Each[chunk];
        int end = Begin(_sizes.Count, chunk + 1);
        for (int head = Begin(_sizes.Count, chunk); head < end; head++)
        {
            room.PackKey(buffers.Span<float>(_slots.Key), head);
            room.PackValue(buffers.Span<float>(_slots.Value), head);
            for (int row = 0; row < _sizes.Rows; row += _sizes.BlockRows)
            {
                int rows = Math.Min(_sizes.BlockRows, _sizes.Rows - row);
                Span<float> scores = room.Scores(buffers.Span<float>(_slots.Query), head, row, rows);
                foreach (ScoreFunction function in _functions)
                {
                    function.Run(buffers, scores, ((head * _sizes.Rows) + row) * _sizes.Columns);
                }

                NormalizationOperators.Softmax(scores, _sizes.Columns);
                room.Sums(head, row, rows, buffers.Span<float>(_slots.Result));
            }
        }
    }

    private sealed record Rooms(AttentionRoom[] Each) : IDisposable
    {
        public void Dispose() => Array.ForEach(Each, room => room.Dispose());
    }
}
