using System;
using System.Diagnostics;
using System.Linq;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>What it takes to read some bytes and do nothing else with them, again and again: what no kernel that reads as many can go below.</summary>
internal sealed class ReadingTime(long bytes, WorkerPool pool, int threads)
{
    private const int Runs = 15;
    private const int ChunksEach = 8;
    private const int Ahead = 32;

    private readonly int[] _values = new int[bytes / sizeof(int)];
    private int _kept;

    /// <summary>Milliseconds, the median of some runs.</summary>
    public double Milliseconds()
    {
        Read();
        double[] times = new double[Runs];
        for (int i = 0; i < Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Read();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return times.Order().ElementAt(Runs / 2);
    }

    private void Read()
    {
        int chunks = threads == 1 ? 1 : threads * ChunksEach;
        pool.Run(chunks, (Reading: this, Chunks: chunks), static (s, chunk) =>
        {
            int length = s.Reading._values.Length / s.Chunks;
            int sum = Sum(s.Reading._values.AsSpan(chunk * length, length));
            s.Reading._kept ^= sum;
        });
    }

    // Four sums at once, so that only memory is waited for.
    private static unsafe int Sum(ReadOnlySpan<int> values)
    {
        ReadOnlySpan<Vector512<int>> vectors = MemoryMarshal.Cast<int, Vector512<int>>(values);
        Vector512<int> a = default, b = default, c = default, d = default;
        fixed (Vector512<int>* from = vectors)
        {
            for (int i = 0; i + 4 <= vectors.Length; i += 4)
            {
                Fetch(from + i + Ahead);
                (a, b, c, d) = (a + from[i], b + from[i + 1], c + from[i + 2], d + from[i + 3]);
            }
        }

        return Vector512.Sum(a + b + c + d);
    }

    // Fetching what lies behind the end does nothing.
    private static unsafe void Fetch(Vector512<int>* next)
    {
        if (Sse.IsSupported)
        {
            for (int i = 0; i < 4; i++)
            {
                Sse.Prefetch0(next + i);
            }
        }
    }
}
