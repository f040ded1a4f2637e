using System;

namespace Microsoft.ML.Quantization.Threading;

/// <summary>Shares independent chunks of work out to threads. The chunks' results never depend on who runs them.</summary>
public abstract class WorkerPool
{
    /// <summary>A pool of one: everything runs on the calling thread.</summary>
    public static WorkerPool Single { get; } = new SinglePool();

    /// <summary>
    /// The process's pool, made on first use: one thread for each processor that the process may use (<see cref="Environment.ProcessorCount"/>, which honours
    /// control groups and affinity). It lives as long as the process.
    /// </summary>
    public static WorkerPool Shared => SharedPool.Instance;

    /// <summary>Threads that take part, the caller included.</summary>
    public abstract int ThreadCount { get; }

    /// <summary>Runs body(state, 0) … body(state, count − 1), each once, in any order and on any thread; returns when all are done.</summary>
    public abstract void Run<TState>(int count, TState state, Action<TState, int> body);

    private static class SharedPool
    {
        public static WorkerPool Instance { get; } = Environment.ProcessorCount > 1 ? new ClaimingPool(Environment.ProcessorCount) : Single;
    }

    private sealed class SinglePool : WorkerPool
    {
        public override int ThreadCount => 1;

        public override void Run<TState>(int count, TState state, Action<TState, int> body)
        {
            ArgumentNullException.ThrowIfNull(body);
            for (int i = 0; i < count; i++)
            {
                body(state, i);
            }
        }
    }
}
