using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>
/// A graph made ready for the kernel set of this machine: steps over slots, weights in the kernels' layout. Made when a model is loaded and never
/// stored. It owns its packed weights.
/// </summary>
internal sealed class PackedProgram : IDisposable
{
    public PackedProgram(Graph graph, ModelSignature signature, KernelSet kernels, ImmutableArray<Slot> slots, ImmutableArray<PackedStep> steps, ImmutableArray<IDisposable> weights)
    {
        Graph = graph;
        Signature = signature;
        Kernels = kernels;
        Slots = slots;
        Steps = steps;
        Weights = weights;
    }

    /// <summary>The graph that the steps were made of.</summary>
    public Graph Graph { get; }

    /// <summary>What callers give and get.</summary>
    public ModelSignature Signature { get; }

    /// <summary>The kernels.</summary>
    public KernelSet Kernels { get; }

    /// <summary>The buffers.</summary>
    public ImmutableArray<Slot> Slots { get; }

    /// <summary>The steps in order.</summary>
    public ImmutableArray<PackedStep> Steps { get; }

    /// <summary>All packed weights, in the order in which steps asked for them first.</summary>
    public ImmutableArray<IDisposable> Weights { get; }

    /// <summary>Constants that steps read from packed weights only.</summary>
    public IReadOnlySet<Tensor> Packed { get; init; } = ImmutableHashSet<Tensor>.Empty;

    /// <summary>Bytes of the packed weights.</summary>
    public long WeightBytes => Weights.Sum(w => w switch { PackedWeights packed => packed.ByteLength, LaterWeights later => later.ByteLength, _ => 0 });

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable weights in Weights)
        {
            weights.Dispose();
        }
    }
}
