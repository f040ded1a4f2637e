using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>An operator bound to its tensors, as independent items. Whoever runs a node many times over the same tensors prepares once; running allocates nothing.</summary>
/// <param name="Count">Number of items.</param>
/// <param name="Smallest">Fewest items worth a hand-over to another thread.</param>
internal abstract record PreparedWork(int Count, int Smallest)
{
    /// <summary>Does the items [begin, end).</summary>
    public abstract void Run(int begin, int end);

    /// <summary>Does all items, shared out to a pool.</summary>
    public void Share(WorkerPool pool) => Shares.Run(pool, Count, Smallest, this, static (work, begin, end) => work.Run(begin, end));
}
