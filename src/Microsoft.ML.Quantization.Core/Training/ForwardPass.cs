using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Every value of one forward run, kept for the way back. Disposing it gives its memory, and that of the gradients found from it, to the next run; nothing of it may be read afterwards.</summary>
internal sealed class ForwardPass : IDisposable
{
    private readonly WorkerPool _pool;

    public ForwardPass(BoundTraining bound, WorkerPool pool, StepMemory memory)
    {
        _pool = pool;
        Bound = bound;
        Memory = memory;
        Values = new LaidValue?[bound.Graph.Values.Length];
        Saved = new object?[bound.Graph.Nodes.Length];
    }

    /// <summary>The graph with its batch bound, and what was found out about it; indices are its own.</summary>
    public BoundTraining Bound { get; }

    /// <summary>The graph with its batch bound.</summary>
    public Graph Graph => Bound.Graph;

    /// <summary>Memory of this pass and its gradients.</summary>
    public StepMemory Memory { get; }

    /// <summary>The values as read by the nodes behind them.</summary>
    public LaidValue?[] Values { get; }

    /// <summary>What the rules' own forward forms kept, one a node.</summary>
    public object?[] Saved { get; }

    /// <summary>For values under dropout: what the node wrote, and the factor of each element in the graph's order.</summary>
    public Dictionary<int, (LaidValue Written, Tensor Factors)> Dropped { get; } = [];

    /// <summary>A value by name, in the graph's order.</summary>
    public Tensor this[string name] => Graph.TryFind(name, out ValueId id) ? Value(id, false) : throw new KeyNotFoundException(name);

    /// <summary>A value in an order.</summary>
    public Tensor Value(ValueId id, bool isChannelsLast) => Values[id.Index]!.In(isChannelsLast, _pool, Memory);

    /// <inheritdoc/>
    public void Dispose() => Memory.Dispose();
}
