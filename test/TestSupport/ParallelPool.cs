using System;
using System.Threading.Tasks;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>A pool for tests: chunks in an order of its own on the framework's threads, so that nothing can lean on order.</summary>
public sealed class ParallelPool(int threads) : WorkerPool
{
    public override int ThreadCount => threads;

    public override void Run<TState>(int count, TState state, Action<TState, int> body)
        => Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => body(state, count - 1 - i));
}
