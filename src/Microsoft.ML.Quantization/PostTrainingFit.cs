using System.IO;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>One fit: connects a view, the host's channel and the core's post-training quantizer.</summary>
internal static class PostTrainingFit
{
    public static ModelDocument Run(Graph graph, ModelSignature signature, ScoringColumns columns, PostTrainingQuantizationEstimator.Options options, IDataView input, IChannel channel)
    {
        KernelSet kernels = QuantizedModel.FindKernels(options.KernelSet);
        var quantizer = new PostTrainingQuantizer(
            new EngineRunnerFactory(kernels),
            OperatorTable.Fast(kernels, WorkerPool.Shared),
            message => channel.Info(MessageSensitivity.Schema, "{0}", message),
            options.Progress);
        var settings = new PostTrainingOptions
        {
            Scheme = options.Scheme,
            Signature = signature,
            ClassNames = [.. options.ClassNames ?? []],
            NonFiniteRows = options.NonFiniteRows,
            AllowQuantized = options.AllowQuantized,
            Statistics = options.StatisticsFile is { } file && File.Exists(file) ? CalibrationResult.Load(file) : null,
        };
        QuantizationResult result = quantizer.Run(
            graph,
            settings,
            CalibrationRows.Read(input, graph, signature, columns, options.MaximumCalibrationRows ?? long.MaxValue, options.CalibrationBatchSize),
            options.CancellationToken);
        foreach (string warning in result.Notes)
        {
            channel.Warning(MessageSensitivity.Schema, "{0}", warning);
        }

        if (options.StatisticsFile is { } target)
        {
            result.Calibration?.Save(target);
        }

        return result.Document;
    }
}
