using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>What a packed step learns when its batch is bound.</summary>
internal sealed class BindContext
{
    private const int ChunksPerThread = 4;

    private readonly Graph _source;
    private readonly ThreadSplit _split;

    /// <summary>Binds the batch of <paramref name="source"/>.</summary>
    public BindContext(Graph source, int batch, KernelSet kernels, ThreadSplit split)
    {
        _source = source;
        _split = split;
        Graph = source.Bind(batch);
        Batch = batch;
        Kernels = kernels;
    }

    private BindContext(BindContext other, KernelSet kernels)
    {
        _source = other._source;
        _split = other._split;
        Graph = other.Graph;
        Batch = other.Batch;
        Kernels = kernels;
    }

    /// <summary>The graph with its batch bound; nodes stand in the same order, values have the same names.</summary>
    public Graph Graph { get; }

    /// <summary>The batch.</summary>
    public int Batch { get; }

    /// <summary>The kernels.</summary>
    public KernelSet Kernels { get; }

    /// <summary>The same with other kernels; null for these.</summary>
    public BindContext With(KernelSet? kernels) => kernels is null || kernels == Kernels ? this : new BindContext(this, kernels);

    /// <summary>The bound shape of a value of the source graph.</summary>
    public Shape ShapeOf(ValueId id) => _source[id].Type.Shape.Bind(Batch);

    /// <summary>Threads that a run may take.</summary>
    public int Threads => _split.Threads;

    /// <summary>Into how many chunks to share work out.</summary>
    /// <param name="units">Most chunks possible.</param>
    /// <param name="work">Cost in byte products, or in bytes moved times 16.</param>
    /// <param name="perThread">Most chunks of a thread.</param>
    public int Chunks(int units, long work, int perThread = ChunksPerThread)
        => _split.Threads == 1 ? 1 : (int)Math.Clamp(Math.Min(units, work / _split.SmallestChunk), 1, (long)_split.Threads * perThread);
}
