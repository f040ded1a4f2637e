using System;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Execution;

/// <summary>The worker pools of engines.</summary>
internal static class Pools
{
    /// <summary>A pool of the given number of threads, the caller included; the process's own where all processors are wanted.</summary>
    public static WorkerPool Create(int threads)
    {
        if (threads <= 1)
        {
            return WorkerPool.Single;
        }

        return threads == Environment.ProcessorCount ? WorkerPool.Shared : new ClaimingPool(threads);
    }

    /// <summary>Ends the threads of a pool that <see cref="Create"/> made for one engine.</summary>
    public static void Release(WorkerPool pool)
    {
        if (pool is ClaimingPool own && pool != WorkerPool.Shared)
        {
            own.Dispose();
        }
    }
}
