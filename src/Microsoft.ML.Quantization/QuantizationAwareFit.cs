using System;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.ML.Quantization.TrainingData;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>One fit of a trainer: connects rows, the host's channel and the core's quantization-aware trainer.</summary>
internal static class QuantizationAwareFit
{
    private const int VerifiedRows = 2;

    public static ModelDocument Run(
        Graph graph, ModelSignature signature, ClassLabels labels, QuantizationAwareTrainingEstimator.Options options, TrainingRows rows, IChannel channel)
    {
        if (rows.Unlabelled > 0)
        {
            channel.Warning(MessageSensitivity.Schema, "{0} rows without a label are left out.", rows.Unlabelled);
        }

        if (rows.IsSpilled)
        {
            channel.Info(MessageSensitivity.Schema, "{0} rows exceed {1} bytes and lie in a temporary file.", rows.Count, options.CacheBytes);
        }

        KernelSet kernels = QuantizedModel.FindKernels(options.KernelSet);
        TrainingOptions training = options.Training with { Loss = options.Loss };
        var progress = new Report(channel, options.Progress);
        if (options.Scheme is null)
        {
            TrainingResult trained = new Trainer(kernels, WorkerPool.Shared).Run(graph, rows, training, progress, options.CancellationToken);
            Tell(trained, channel);
            Graph floats = options.GivesProbabilities ? AppendSoftmax.Run(trained.Graph) : trained.Graph;
            ReferenceRun verified = ModelVerification.Run(floats, signature, new EngineRunnerFactory(kernels), VerifiedRows, training.Seed);
            return labels.In(new ModelDocument(floats, signature, new ModelMetadata { Producer = NetworkFiles.Producer, ReferenceRuns = [verified] }));
        }

        var settings = new QuantizationAwareOptions
        {
            Scheme = options.Scheme,
            Training = training,
            InitialRows = options.InitialRows,
            Probabilities = options.GivesProbabilities,
            Model = new PostTrainingOptions { Signature = signature, ClassNames = labels.Names },
        };
        var trainer = new QuantizationAwareTrainer(kernels, WorkerPool.Shared, new EngineRunnerFactory(kernels), message => channel.Info(MessageSensitivity.Schema, "{0}", message));
        QuantizationAwareResult result = trainer.Run(graph, rows, settings, progress, options.CancellationToken);
        Tell(result.Training, channel);
        NetworkFiles.Tell(result.Quantized.Notes, channel);
        return labels.In(result.Quantized.Document);
    }

    private static void Tell(TrainingResult result, IChannel channel)
    {
        if (result.Stop == TrainingStop.Diverged)
        {
            channel.Warning(MessageSensitivity.Schema, "Training diverged at '{0}'; the model is {1}. Lower the learning rate or bound the gradient's norm.", result.DivergedAt ?? string.Empty, Kept(result));
        }
        else if (result.Stop == TrainingStop.Cancelled)
        {
            channel.Warning(MessageSensitivity.Schema, "Training was cancelled; the model is {0}.", Kept(result));
        }
    }

    /// <summary>Which model was kept, in the numbers of the log, which count epochs from 1.</summary>
    private static string Kept(TrainingResult result) => result.BestEpoch < 0 ? "the network as it was given" : FormattableString.Invariant($"that of epoch {result.BestEpoch + 1}");

    private sealed class Report(IChannel channel, IProgress<TrainingProgress>? next) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value)
        {
            if (value.Finished is { } e)
            {
                channel.Info(MessageSensitivity.None, "{0}", Text(e));
            }

            next?.Report(value);
        }

        /// <summary>Losses, and accuracies where the task has any; validation where rows are held back.</summary>
        private static string Text(EpochReport e)
        {
            static string Both(float loss, float? accuracy) => accuracy is null ? FormattableString.Invariant($"loss {loss:F4}") : FormattableString.Invariant($"loss {loss:F4}, accuracy {accuracy:F4}");
            string validation = float.IsNaN(e.ValidationLoss) ? string.Empty : "; validation " + Both(e.ValidationLoss, e.ValidationAccuracy);
            return FormattableString.Invariant($"Epoch {e.Epoch + 1}: {Both(e.Loss, e.Accuracy)}{validation}.");
        }
    }
}
