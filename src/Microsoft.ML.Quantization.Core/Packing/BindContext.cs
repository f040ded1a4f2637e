using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>What a packed step learns when its batch is bound.</summary>
internal sealed class BindContext
{
    // One chunk must be worth the hand-over to another thread: some 5 µs of the fastest kernels.
    private const long SmallestChunk = 1L << 20;
    private const int ChunksPerThread = 4;

    private readonly Graph _source;
    private readonly int _threads;

    /// <summary>Binds the batch of <paramref name="source"/>.</summary>
    public BindContext(Graph source, int batch, KernelSet kernels, int threads)
    {
        _source = source;
        _threads = threads;
        Graph = source.Bind(batch);
        Batch = batch;
        Kernels = kernels;
    }

    /// <summary>The graph with its batch bound; nodes stand in the same order, values have the same names.</summary>
    public Graph Graph { get; }

    /// <summary>The batch.</summary>
    public int Batch { get; }

    /// <summary>The kernels.</summary>
    public KernelSet Kernels { get; }

    /// <summary>The bound shape of a value of the source graph.</summary>
    public Shape ShapeOf(ValueId id) => _source[id].Type.Shape.Bind(Batch);

    /// <summary>Into how many chunks to share work out.</summary>
    /// <param name="units">Most chunks possible.</param>
    /// <param name="work">Cost in byte products, or in bytes moved times 16.</param>
    public int Chunks(int units, long work)
        => _threads == 1 ? 1 : (int)Math.Clamp(Math.Min(units, work / SmallestChunk), 1, (long)_threads * ChunksPerThread);
}
