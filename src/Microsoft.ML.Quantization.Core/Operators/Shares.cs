using System;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Shares a range of independent items out to a pool.</summary>
internal static class Shares
{
    private const int SharesPerThread = 4;

    /// <summary>Runs body(state, begin, end) over parts that cover [0, count); a part has at least <paramref name="smallest"/> items, unless all have fewer.</summary>
    public static void Run<TState>(WorkerPool pool, int count, int smallest, TState state, Action<TState, int, int> body)
    {
        int parts = pool.ThreadCount == 1 ? 1 : Math.Min(pool.ThreadCount * SharesPerThread, count / Math.Max(smallest, 1));
        if (count == 0)
        {
            return;
        }

        if (parts <= 1)
        {
            body(state, 0, count);
            return;
        }

        pool.Run(parts, new Part<TState>(state, body, parts, count), static (p, i) => p.Body(p.State, p.Begin(i), p.Begin(i + 1)));
    }

    private sealed record Part<TState>(TState State, Action<TState, int, int> Body, int Parts, int Count)
    {
        public int Begin(int index) => (int)((long)Count * index / Parts);
    }
}
