using System;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// Trains the trainable constants of a float graph with one input and one output: a graph of the same structure with new constants comes back. A final softmax is left
/// out of the loss, which reads the logits.
/// </summary>
/// <param name="kernels">The kernel set; it never changes a bit.</param>
/// <param name="pool">The threads; they never change a bit.</param>
public sealed class Trainer(KernelSet kernels, WorkerPool pool)
{
    /// <summary>Makes what scores held back rows from the graph with its constants of the moment, instead of the graph in training itself; null for that.</summary>
    internal Func<Graph, IGraphRunner>? Scorer { get; init; }

    /// <summary>Fewest rows held back for which a scorer is made.</summary>
    internal int ScorerRows { get; init; }

    /// <summary>Trains.</summary>
    /// <param name="graph">The graph; see <see cref="TrainableConstants.Mark"/> for an imported one.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told after each step, or null.</param>
    /// <param name="cancellationToken">Cancels within one step; the best so far comes back, its statistics measured anew where <see cref="TrainingOptions.ReestimationBatches"/> asks for it.</param>
    /// <exception cref="QuantizationException">
    /// InvalidOptions, InvalidGraph (nothing to train, several inputs or outputs), UnsupportedOperator, InputShapeMismatch, InconsistentData, UnknownLayer, and those of the checkpoint.
    /// </exception>
    public TrainingResult Run(
        Graph graph, IBatchSource rows, TrainingOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        TrainingChecks.Check(graph, rows, options);
        using var run = new TrainingRun(graph, rows, options, kernels, pool) { Scorer = Scorer, ScorerRows = ScorerRows };
        return run.Go(progress, cancellationToken);
    }
}
