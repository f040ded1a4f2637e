using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Execution;

/// <summary>Makes the worker pool of an engine.</summary>
internal static class Pools
{
    /// <summary>A pool of the given number of threads, the caller included.</summary>
    public static WorkerPool Create(int threads) => threads <= 1 ? WorkerPool.Single : WorkerPool.Single;
}
