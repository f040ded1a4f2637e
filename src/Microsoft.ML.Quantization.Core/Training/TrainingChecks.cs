using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>What is refused before the first step.</summary>
internal static class TrainingChecks
{
    private const string Numbers = $"Labels that are numbers, not classes, need the loss {nameof(TrainingLoss.MeanSquaredError)}.";

    public static void Check(Graph graph, IBatchSource rows, TrainingOptions options)
    {
        Require(graph.Inputs.Length == 1 && graph.Outputs.Length == 1, QuantizationErrorCode.InvalidGraph, "one input and one output", $"{graph.Inputs.Length} and {graph.Outputs.Length}");
        Require(graph.Values.Any(v => v.IsTrainable), QuantizationErrorCode.InvalidGraph, "a trainable constant", "none; mark them (TrainableConstants.Mark)");
        Require(rows.Count > 0, QuantizationErrorCode.InconsistentData, "rows", "none");
        Shape input = graph[graph.Inputs[0]].Type.Shape;
        Shape found = new([Shape.Free, .. rows.InputShape.Dimensions]);
        Require(input.Equals(found), QuantizationErrorCode.InputShapeMismatch, $"rows of the graph input's shape {input}", $"rows of {found}");
        Shape output = graph[graph.Outputs[0]].Type.Shape;
        int targets = options.Loss == TrainingLoss.MeanSquaredError ? output.FixedCount : 1;
        bool isRegression = options.Loss == TrainingLoss.MeanSquaredError;
        string wayOut = isRegression ? $"Classes need {nameof(TrainingLoss.SoftmaxCrossEntropy)}." : Numbers;
        Require(rows.TargetLength == targets && output.Rank > 0 && output[0] == Shape.Free, QuantizationErrorCode.InconsistentData, $"{targets} target values a row for the output {output}", $"{rows.TargetLength}", wayOut);
        bool isImage = rows.InputShape.Rank == 3 || !options.Augmentations.Any(a => a is RandomShift or RandomFlip);
        Require(isImage, QuantizationErrorCode.InputShapeMismatch, "images [channels, height, width] to shift and flip", $"rows of {rows.InputShape}", $"Leave {nameof(TrainingOptions.Augmentations)} out, or give a graph that takes images.");
        RequireFinite(graph);
        RequireFolder(options.CheckpointPath);
        RequireVariance(graph, Math.Min(options.BatchSize, rows.Count - (int)(rows.Count * (double)options.ValidationShare)));
        options.Distillation?.Check(options.Loss, graph);
        foreach (MagnitudePruning rule in options.Pruning)
        {
            rule.Check();
        }

        foreach (DropoutSite site in options.Dropout)
        {
            Require(graph.TryFind(site.Value, out ValueId id) && graph[id].Constant is null, QuantizationErrorCode.UnknownLayer, "values of the graph for dropout", $"'{site.Value}'");
        }
    }

    /// <summary>Refuses constants that training would spread or quantizers would turn into levels.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NonFiniteWeight"/>.</exception>
    public static void RequireFinite(Graph graph)
    {
        foreach (Value value in graph.Values.Where(v => v.IsTrainable && v.Constant is not null))
        {
            ReadOnlySpan<float> values = value.Constant!.Values<float>();
            int index = FiniteNumbers.FirstOther(values);
            if (index >= 0)
            {
                throw new QuantizationException(
                    QuantizationErrorCode.NonFiniteWeight,
                    string.Create(CultureInfo.InvariantCulture, $"Training, constant '{value.Name}' {value.Type.Shape}: expected finite numbers, found {values[index]} at index {index}. Repair the network."));
            }
        }
    }

    /// <summary>Refuses batches in which a normalization would see one value a channel: its outputs are then its shifts, and nothing in front of it learns.</summary>
    private static void RequireVariance(Graph graph, int largestBatch)
    {
        Node? alone = largestBatch > 1 ? null : graph.Nodes.FirstOrDefault(n => IsMeasured(graph, n) && graph[n.Inputs[0]].Type.Shape is var s && s.CountOf(2, s.Rank) == 1);
        Require(alone is null, QuantizationErrorCode.InvalidOptions, $"batches of 2 rows and more for the batch normalization '{alone?.Name}', which sees one value a channel and row", "1", $"Raise {nameof(TrainingOptions.BatchSize)}, or give more rows.");
    }

    private static bool IsMeasured(Graph graph, Node node) => node switch
    {
        BatchNormalization => graph[node.Inputs[3]].IsTrainable,
        FoldedNormalization => graph[node.Inputs[4]].IsTrainable,
        _ => false,
    };

    /// <summary>Refuses a file whose folder is not there before there is anything to lose.</summary>
    private static void RequireFolder(string? path)
    {
        if (path is not null && Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
        {
            throw new QuantizationException(QuantizationErrorCode.WriteFailed, $"Checkpoint '{path}': expected a folder that exists, found none at '{folder}'. Make it, or name another.");
        }
    }

    /// <summary>Refuses a class that the output does not have, and numbers that are not finite.</summary>
    public static void Targets(TrainingLoss loss, float[] targets, Tensor output)
    {
        if (loss == TrainingLoss.MeanSquaredError)
        {
            float strange = targets.FirstOrDefault(t => !float.IsFinite(t));
            Require(strange == 0, QuantizationErrorCode.InconsistentData, "finite numbers as targets", strange.ToString(CultureInfo.InvariantCulture), "Leave such rows out.");
            return;
        }

        int classes = output.Shape.Count / output.Shape[0];
        float wrong = targets.FirstOrDefault(t => !(t >= 0 && t < classes && t == (int)t));
        Require(
            wrong == 0,
            QuantizationErrorCode.InconsistentData,
            string.Create(CultureInfo.InvariantCulture, $"classes 0 to {classes - 1} as labels for the loss {loss}"),
            wrong.ToString(CultureInfo.InvariantCulture),
            $"{Numbers} More classes need an output of that width.");
    }

    private static void Require(bool isGood, QuantizationErrorCode code, string expected, string found, string wayOut = "")
    {
        if (!isGood)
        {
            throw new QuantizationException(code, $"Training: expected {expected}, found {found}.{(wayOut.Length > 0 ? " " : string.Empty)}{wayOut}");
        }
    }
}
