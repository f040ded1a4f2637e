using System;
using System.Linq;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>A packed program for one batch size: its steps and its memory plan.</summary>
internal sealed class BoundProgram
{
    /// <summary>Binds the batch; sizes are checked before anything is allocated.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.MemoryLimitExceeded"/>.</exception>
    public BoundProgram(PackedProgram program, int batch, ThreadSplit split, long limit)
    {
        Batch = batch;
        MemoryPlan.CheckValues(program.Slots.Select(s => s.Bytes(batch)), batch);
        BufferLife[] lives = Lives(program, batch);
        int[] places = Places(program, lives);
        Memory = MemoryPlan.Create(lives, limit, batch).At(places);
        SlotCounts = [.. program.Slots.Select(s => checked((int)s.Count(batch)))];
        var context = new BindContext(program.Graph, batch, program.Kernels, split);
        Steps = [.. program.Steps.Select(s => s.Bind(context.With(s.Kernels)))];
    }

    /// <summary>The batch.</summary>
    public int Batch { get; }

    /// <summary>The steps in order.</summary>
    public BoundStep[] Steps { get; }

    /// <summary>Where the slots lie.</summary>
    public MemoryPlan Memory { get; }

    /// <summary>Elements of each slot.</summary>
    public int[] SlotCounts { get; }

    /// <summary>Whose place each slot takes: its own, or that of one which a step reads for the last time and overwrites element by element. The lives of such slots become one.</summary>
    private static int[] Places(PackedProgram program, BufferLife[] lives)
    {
        int[] places = [.. Enumerable.Range(0, lives.Length)];
        for (int step = 0; step < program.Steps.Length; step++)
        {
            if (program.Steps[step].InPlace is not (int written, int read))
            {
                continue;
            }

            int place = places[read];
            bool once = program.Steps[step].Reads.Count(r => r == read) == 1;
            if (once && lives[place].Last == step && lives[written].First == step && lives[place].Bytes == lives[written].Bytes)
            {
                places[written] = place;
                lives[place] = lives[place] with { Last = lives[written].Last };
                lives[written] = new BufferLife(0, int.MaxValue, -1);
            }
        }

        return places;
    }

    private static BufferLife[] Lives(PackedProgram program, int batch)
    {
        int[] first = [.. Enumerable.Repeat(int.MaxValue, program.Slots.Length)];
        int[] last = [.. Enumerable.Repeat(-1, program.Slots.Length)];
        for (int step = 0; step < program.Steps.Length; step++)
        {
            foreach (int slot in program.Steps[step].Reads.Concat(program.Steps[step].Writes))
            {
                first[slot] = Math.Min(first[slot], step);
                last[slot] = step;
            }
        }

        // A slot that no step touches holds what a fused step keeps to itself.
        return [.. program.Slots.Select(s => new BufferLife(last[s.Index] < 0 ? 0 : s.Bytes(batch), first[s.Index], last[s.Index]))];
    }
}
