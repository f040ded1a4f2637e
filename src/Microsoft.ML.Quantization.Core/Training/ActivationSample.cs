using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>The values of a graph on some of its training rows: what quantizers of activations are set from.</summary>
public static class ActivationSample
{
    private const long SampleStep = -2;

    /// <summary>Runs the graph on rows chosen by the seed and gives each value by its name.</summary>
    /// <param name="graph">A graph in training.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="count">How many, at most.</param>
    /// <param name="seed">Chooses them.</param>
    /// <param name="kernels">The kernel set.</param>
    /// <param name="pool">Threads.</param>
    /// <param name="training">Whether batch normalizations use the statistics of these rows and quantizers their forms of training; otherwise all is as in evaluation.</param>
    public static Func<string, Tensor> Of(Graph graph, IBatchSource rows, int count, ulong seed, KernelSet kernels, WorkerPool pool, bool training = true)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(rows);
        int[] order = Batches.Permutation(rows.Count, seed, SampleStep);
        (Tensor input, _) = Batches.Read(rows, order.AsSpan(0, Math.Min(count, order.Length)));
        var reverse = new ReverseMode(graph, graph.Outputs[0], kernels, pool);
        ForwardPass pass = reverse.Forward([input], new Dictionary<string, Tensor>(), training);
        return name => pass[name];
    }
}
