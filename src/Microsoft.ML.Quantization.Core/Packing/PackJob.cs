using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Allocation;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Packed weights that are still to be written, in parts that threads share.</summary>
/// <param name="Packed">The memory.</param>
/// <param name="Parts">Number of parts.</param>
/// <param name="Fill">Writes part i of n.</param>
internal sealed record PackJob(PackedWeights Packed, int Parts, Action<PackedWeights, int, int> Fill)
{
    private const long PartBytes = 256 << 10;
    private const int MostParts = 64;

    /// <summary>Parts that are worth a thread's while.</summary>
    public static int PartsOf(PackedWeights packed) => (int)Math.Clamp(packed.ByteLength / PartBytes, 1, MostParts);

    /// <summary>Does all parts of all jobs; who does which never changes a byte.</summary>
    public static void Run(IReadOnlyList<PackJob> jobs, WorkerPool pool)
    {
        Place(jobs);
        (PackJob Job, int Part)[] parts = [.. jobs.SelectMany(j => Enumerable.Range(0, j.Parts).Select(p => (j, p)))];
        pool.Run(parts.Length, parts, static (all, i) => all[i].Job.Fill(all[i].Job.Packed, all[i].Part, all[i].Job.Parts));
    }

    // Weights of a network side by side fill large pages; one by one they would not.
    private static void Place(IReadOnlyList<PackJob> jobs)
    {
        PackedWeights[] weights = [.. jobs.Select(j => j.Packed).Where(w => w.IsInvalid)];
        using var block = new NativeBlock(weights.Sum(w => w.Allocated));
        long offset = 0;
        foreach (PackedWeights each in weights)
        {
            each.Place(block, offset);
            offset += each.Allocated;
        }
    }
}
