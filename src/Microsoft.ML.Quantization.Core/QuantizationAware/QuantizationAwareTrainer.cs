using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>
/// Float network and rows to a network that was trained with its quantizers: insert and set quantizers, train, harden, lower to integers, verify. The same network, rows and options
/// give the same bytes on every machine and thread count. Where both operands have 2 bits or fewer and enough rows are held back, they are scored by the network that would be exported at that moment,
/// on the engine: several times faster than the graph in training, and what the exported network will score.
/// </summary>
/// <param name="kernels">The kernel set; it never changes a bit.</param>
/// <param name="pool">The threads; they never change a bit.</param>
/// <param name="engine">The engine that will run the result; it must agree with the interpreter before a result is handed over.</param>
/// <param name="log">Told what happens to which layer, or null.</param>
public sealed class QuantizationAwareTrainer(KernelSet kernels, WorkerPool pool, IGraphRunnerFactory engine, Action<string>? log = null)
{
    private const int FewBits = 2;

    private const int ReportedRows = 32;

    // Lowering costs about a sample of initial rows, for the ranges of streams.
    private const int RowsToLower = 2;

    /// <summary>Puts quantizers in and sets their parameters; <see cref="Run"/> begins with it.</summary>
    /// <param name="graph">The float network, its trainable constants marked.</param>
    /// <param name="rows">Rows from which activations are sampled.</param>
    /// <param name="options">How.</param>
    public Graph Prepare(Graph graph, IBatchSource rows, QuantizationAwareOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        graph = InsertLearnedQuantizers.WithoutRectifiers(InsertShifts.Run(graph, options.Scheme), options.Scheme);
        Func<string, Tensor> sample = ActivationSample.Of(graph, rows, options.InitialRows, options.Training.Seed, kernels, pool);
        graph = InsertLearnedQuantizers.Run(graph, options.Scheme, sample);
        if (!graph.Nodes.Any(n => n is LearnedQuantize { Site: not QuantizerSites.Gradients }))
        {
            throw new QuantizationException(
                QuantizationErrorCode.NothingToQuantize, "Network: expected a layer whose weights or input the scheme quantizes, found gradients alone, which leave a float network. Give methods for weights or activations too, or look at edges and layers kept float.");
        }

        return InsertScaleMaps.Run(InsertOffsets.Run(graph, options.Scheme), options.Scheme);
    }

    /// <summary>Trains and lowers.</summary>
    /// <param name="graph">The float network: from a builder, or imported and marked by <see cref="TrainableConstants.Mark"/>; pretrained networks keep their constants as the start.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told after each step, or null.</param>
    /// <param name="cancellationToken">Cancels training; the best so far is lowered and handed over.</param>
    /// <exception cref="QuantizationException">Those of <see cref="Trainer.Run"/>, of the scheme, and VerificationFailed.</exception>
    public QuantizationAwareResult Run(
        Graph graph, IBatchSource rows, QuantizationAwareOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        Graph prepared = Prepare(graph, rows, options);
        TrainingResult trained = TrainerOf(rows, options).Run(prepared, rows, options.Training, progress, cancellationToken);
        return Finish(trained, rows, options, prepared);
    }

    /// <summary>Trains in stages, each from the constants of the last, and lowers the last: see <see cref="StagedTraining"/>.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="stages">From 1.</param>
    /// <param name="progress">Told after each step, with the number of the stage, or null.</param>
    /// <param name="cancellationToken">Cancels training; what there is by then is lowered and handed over.</param>
    /// <exception cref="QuantizationException">Those of <see cref="Run"/>; InvalidOptions without stages.</exception>
    public StagedResult RunStages(
        Graph graph, IBatchSource rows, IReadOnlyList<QuantizationAwareOptions> stages, Func<int, IProgress<TrainingProgress>?>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(stages);
        if (stages.Count == 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(RunStages)}: expected stages, found none.");
        }

        CheckPaths(stages);
        (Graph start, Graph last) = (graph, graph);
        var done = new List<TrainingResult>();
        foreach (QuantizationAwareOptions stage in stages)
        {
            Graph prepared = Prepare(start, rows, stage);
            prepared = done.Count == 0 ? prepared : TrainableConstants.Replace(prepared, StagedTraining.Carried(done[^1].Graph, prepared));
            TrainingResult trained = TrainerOf(rows, stage).Run(prepared, rows, stage.Training, progress?.Invoke(done.Count), cancellationToken);
            done.Add(trained);
            last = prepared;
            start = TrainableConstants.Replace(graph, StagedTraining.Carried(trained.Graph, graph));
            if (trained.Stop is TrainingStop.Diverged or TrainingStop.Cancelled)
            {
                break;
            }
        }

        return new StagedResult(Finish(done[^1], rows, stages[done.Count - 1], last), [.. done]);
    }

    /// <summary>Hardens and lowers what training gave.</summary>
    /// <param name="trained">What training gave.</param>
    /// <param name="rows">Rows on which the ranges of residual streams are measured.</param>
    /// <param name="options">How it was trained.</param>
    /// <param name="start">The graph before training, against which the card counts changed levels; null for none.</param>
    public QuantizationAwareResult Finish(TrainingResult trained, IBatchSource rows, QuantizationAwareOptions options, Graph? start = null)
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(options);
        TrainingChecks.RequireFinite(trained.Graph);
        Graph scores = Harden(trained.Graph, rows, options);
        Graph hard = options.Probabilities ? AppendSoftmax.Run(scores) : scores;
        var quantizer = new PostTrainingQuantizer(engine, OperatorTable.Fast(kernels, pool), log);
        QuantizationResult result = quantizer.RunQuantized(hard, options.Model);
        return new QuantizationAwareResult(trained, hard, result with { Notes = [.. result.Notes, .. Warnings(options)], Document = result.Document with { Metadata = Card(trained, start, rows, result, options) } });
    }

    private Graph Harden(Graph trained, IBatchSource rows, QuantizationAwareOptions options)
    {
        Graph streamed = options.Scheme.ResidualBits is int bits and > 0
            ? InsertStreams.Run(trained, bits, ActivationSample.Of(trained, rows, options.InitialRows, options.Training.Seed, kernels, pool, training: false))
            : trained;
        return HardenQuantizers.Run(streamed);
    }

    private Trainer TrainerOf(IBatchSource rows, QuantizationAwareOptions options)
    {
        bool isFast = options.Scheme is { Weights.Bits: <= FewBits, Activations.Bits: <= FewBits };
        return new Trainer(kernels, pool)
        {
            Scorer = isFast ? graph => engine.Create(PostTrainingQuantizer.Lower(Harden(graph, rows, options))) : null,
            ScorerRows = RowsToLower * options.InitialRows,
        };
    }

    private string[] Warnings(QuantizationAwareOptions options)
    {
        string[] warnings = [.. SchemeWarnings.Of(options.Scheme, options.Training)];
        foreach (string warning in warnings)
        {
            log?.Invoke(warning);
        }

        return warnings;
    }

    /// <summary>The last step that the constants handed over have seen; the first for those of the start.</summary>
    private static MethodContext LastStep(TrainingOptions options, int rows, int bestEpoch)
    {
        int trained = rows - (int)(rows * (double)options.ValidationShare);
        long steps = Math.Max(1, (trained + options.BatchSize - 1) / options.BatchSize);
        return new MethodContext(options.Seed, Math.Max(0, (steps * (bestEpoch + 1)) - 1), steps, options.Epochs);
    }

    /// <summary>Two stages in one file would take each other's checkpoint for a strange one, the second when the first is done.</summary>
    private static void CheckPaths(IReadOnlyList<QuantizationAwareOptions> stages)
    {
        string? twice = stages.Select(s => s.Training.CheckpointPath).OfType<string>().GroupBy(p => p, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
        if (twice is not null)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(RunStages)}: expected a {nameof(TrainingOptions.CheckpointPath)} of its own for each stage, found '{twice}' twice.");
        }
    }

    /// <summary>Layers whose weights have 8 bits because they are first or last, or treated so.</summary>
    private static IEnumerable<string> EightBitLayers(Graph trained, QuantizationAwareScheme scheme)
    {
        Node?[] producers = trained.Producers();
        return trained.Nodes.Where(n => LayerSelection.IsLayer(n) && producers[n.Inputs[1].Index] is LearnedQuantize { Method: Affine { Bits: 8 } method } && !method.Equals(scheme.Weights)).Select(n => n.Name);
    }

    /// <summary>The model's card: the scheme, the layers of 8 bits, and for weights of few levels what they do to each layer, which is logged too.</summary>
    private ModelMetadata Card(TrainingResult trained, Graph? start, IBatchSource rows, QuantizationResult result, QuantizationAwareOptions options)
    {
        ModelMetadata metadata = result.Document.Metadata;
        metadata = metadata with { Facts = metadata.Facts.SetItem("scheme", options.Scheme.ToString()), EightBitLayers = [.. EightBitLayers(trained.Graph, options.Scheme)] };
        if (options.Scheme.Weights is not { Bits: <= FewBits })
        {
            return metadata;
        }

        Func<string, Tensor> values = ActivationSample.Of(trained.Graph, rows, Math.Min(options.InitialRows, ReportedRows), options.Training.Seed, kernels, pool, training: false);
        LevelReport report = LevelReport.Of(trained.Graph, start, values, LastStep(options.Training, rows.Count, trained.BestEpoch)).WithFlips(trained.Flips).WithConstantOutputs(trained.Graph, result);
        log?.Invoke(report.ToString());
        return report.AddTo(metadata);
    }
}
