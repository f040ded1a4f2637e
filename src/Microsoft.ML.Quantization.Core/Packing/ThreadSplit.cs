namespace Microsoft.ML.Quantization.Packing;

/// <summary>How work is shared out.</summary>
/// <param name="Threads">Threads that take part.</param>
/// <param name="SmallestChunk">Least work of one chunk, in byte products: it must be worth the hand-over to another thread, some 5 µs of the fastest kernels.</param>
internal readonly record struct ThreadSplit(int Threads, long SmallestChunk = ThreadSplit.DefaultChunk)
{
    /// <summary>The usual least work of a chunk.</summary>
    public const long DefaultChunk = 1L << 20;
}
