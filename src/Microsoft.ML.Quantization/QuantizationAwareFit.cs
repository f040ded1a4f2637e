using System;
using System.Collections.Immutable;
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
    public static ModelDocument Run(
        Graph graph, ModelSignature signature, ImmutableArray<string> classNames, QuantizationAwareTrainingEstimator.Options options, TrainingRows rows, IChannel channel)
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
        TrainingOptions training = options.Training with { Loss = options.Task == ScoringTask.Regression ? TrainingLoss.MeanSquaredError : TrainingLoss.SoftmaxCrossEntropy };
        var progress = new Report(channel, options.Progress);
        if (options.Scheme is null)
        {
            TrainingResult trained = new Trainer(kernels, WorkerPool.Shared).Run(graph, rows, training, progress, options.CancellationToken);
            Tell(trained, channel);
            return new ModelDocument(options.GivesProbabilities ? AppendSoftmax.Run(trained.Graph) : trained.Graph, signature, new ModelMetadata { ClassNames = classNames });
        }

        var settings = new QuantizationAwareOptions
        {
            Scheme = options.Scheme,
            Training = training,
            InitialRows = options.InitialRows,
            Probabilities = options.GivesProbabilities,
            Model = new PostTrainingOptions { Signature = signature, ClassNames = classNames },
        };
        var trainer = new QuantizationAwareTrainer(kernels, WorkerPool.Shared, new EngineRunnerFactory(kernels), message => channel.Info(MessageSensitivity.Schema, "{0}", message));
        QuantizationAwareResult result = trainer.Run(graph, rows, settings, progress, options.CancellationToken);
        Tell(result.Training, channel);
        return result.Quantized.Document;
    }

    private static void Tell(TrainingResult result, IChannel channel)
    {
        if (result.Stop == TrainingStop.Diverged)
        {
            channel.Warning(MessageSensitivity.Schema, "Training diverged at '{0}'; the model is that of epoch {1}. Lower the learning rate or bound the gradient's norm.", result.DivergedAt ?? string.Empty, result.BestEpoch);
        }
        else if (result.Stop == TrainingStop.Cancelled)
        {
            channel.Warning(MessageSensitivity.Schema, "Training was cancelled; the model is that of epoch {0}.", result.BestEpoch);
        }
    }

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
