using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>The steps during which a buffer's bytes matter, both ends included.</summary>
/// <param name="Bytes">Size.</param>
/// <param name="First">The first step that writes it.</param>
/// <param name="Last">The last step that touches it.</param>
internal readonly record struct BufferLife(long Bytes, int First, int Last);

/// <summary>
/// Where each buffer lies in one arena. Buffers that live at the same time never overlap; memory is used again after the last reader. Largest first,
/// each at the lowest offset that is free during its life.
/// </summary>
internal sealed class MemoryPlan
{
    /// <summary>The most bytes of one value: steps count elements, rounded up to blocks of theirs, in 32 bits.</summary>
    public const long MostBytes = int.MaxValue - (1 << 16);

    private const long Alignment = 64;

    private MemoryPlan(long[] offsets, long totalBytes)
    {
        Offsets = offsets;
        TotalBytes = totalBytes;
    }

    /// <summary>Offset of each buffer, a multiple of 64.</summary>
    public long[] Offsets { get; }

    /// <summary>Bytes of the arena.</summary>
    public long TotalBytes { get; }

    /// <summary>Plans the arena.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.MemoryLimitExceeded"/>.</exception>
    public static MemoryPlan Create(BufferLife[] buffers, long limit, int batch)
    {
        CheckValues(buffers.Select(b => b.Bytes), batch);
        var offsets = new long[buffers.Length];
        int[] order = [.. Enumerable.Range(0, buffers.Length).OrderByDescending(i => buffers[i].Bytes).ThenBy(i => i)];
        long total = 0;
        for (int i = 0; i < order.Length; i++)
        {
            offsets[order[i]] = LowestFree(buffers, offsets, order.AsSpan(0, i), buffers[order[i]]);
            total = Math.Max(total, offsets[order[i]] + Align(buffers[order[i]].Bytes));
        }

        if (total > limit)
        {
            throw TooLarge(batch, string.Create(CultureInfo.InvariantCulture, $"at most {limit} bytes (MaximumArenaBytes)"), total, "Use smaller batches or raise the limit.");
        }

        return new MemoryPlan(offsets, total);
    }

    /// <summary>Throws unless each value, in bytes, is one that steps can count.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.MemoryLimitExceeded"/>.</exception>
    public static void CheckValues(IEnumerable<long> bytes, int batch)
    {
        long largest = bytes.DefaultIfEmpty().Max();
        if (largest > MostBytes)
        {
            throw TooLarge(batch, "each value below 2 GiB", largest, "Use smaller batches.");
        }
    }

    /// <summary>The plan in which each buffer lies where the one that <paramref name="places"/> names does.</summary>
    public MemoryPlan At(int[] places) => new([.. places.Select(p => Offsets[p])], TotalBytes);

    private static long LowestFree(BufferLife[] buffers, long[] offsets, ReadOnlySpan<int> placed, BufferLife wanted)
    {
        long start = 0;
        long size = Align(wanted.Bytes);
        bool moved = true;
        while (moved)
        {
            moved = false;
            foreach (int other in placed)
            {
                BufferLife life = buffers[other];
                bool together = life.First <= wanted.Last && wanted.First <= life.Last;
                long end = offsets[other] + Align(life.Bytes);
                if (together && offsets[other] < start + size && start < end)
                {
                    start = end;
                    moved = true;
                }
            }
        }

        return start;
    }

    private static QuantizationException TooLarge(int batch, string expected, long found, string wayOut) => new(
        QuantizationErrorCode.MemoryLimitExceeded,
        string.Create(CultureInfo.InvariantCulture, $"Activations of a batch of {batch}: expected {expected}, found {found} bytes needed. {wayOut}"));

    private static long Align(long bytes) => checked(bytes + Alignment - 1) & ~(Alignment - 1);
}
