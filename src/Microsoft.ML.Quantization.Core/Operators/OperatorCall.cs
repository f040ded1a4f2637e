using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>
/// One node at work on row-major tensors of fixed shape. This folder holds the fast operators: node kind → kernel calls. Both
/// the evaluator (float graphs, calibration, training) and the engine (what has no packed step of its own) use them.
/// </summary>
/// <param name="Graph">The graph, its batch bound; types and quantizers of the node's values stand there.</param>
/// <param name="Node">The node.</param>
/// <param name="Inputs">One tensor an input, in order.</param>
/// <param name="Outputs">One allocated tensor an output; the operator writes every element.</param>
/// <param name="Kernels">The kernel set.</param>
/// <param name="Pool">The threads.</param>
public sealed record OperatorCall(Graph Graph, Node Node, Tensor[] Inputs, Tensor[] Outputs, KernelSet Kernels, WorkerPool Pool)
{
    /// <summary>The place in a training run; quantizers in training read it.</summary>
    public MethodContext Context { get; init; } = MethodContext.Evaluation;

    /// <summary>The optimizer's second moments of a constant, by name; null outside training.</summary>
    public Func<string, ReadOnlyMemory<float>>? Curvature { get; init; }

    /// <summary>The mask of a pruned constant, by name; empty for others, null outside training.</summary>
    public Func<string, ReadOnlyMemory<float>>? Mask { get; init; }

    /// <summary>Whether activations [N, C, ..] among inputs and outputs lie channels-last under their logical shape; only training asks for it, of operators that offer it.</summary>
    internal bool IsChannelsLast { get; init; }

    /// <summary>Memory of the training step, or null outside training.</summary>
    internal StepMemory? Memory { get; init; }
}
