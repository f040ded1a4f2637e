using System.Collections.Generic;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Why training ended.</summary>
public enum TrainingStop
{
    /// <summary>All epochs are done.</summary>
    Finished = 1,

    /// <summary>No better result for the epochs of patience.</summary>
    EarlyStop = 2,

    /// <summary>The caller cancelled; the graph is the best so far.</summary>
    Cancelled = 3,

    /// <summary>A value was no longer finite; the graph is the best so far.</summary>
    Diverged = 4,
}

/// <summary>One epoch. Losses are means over rows; accuracies are shares of rows, null for the mean squared error, which has none.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Loss">Loss of the training rows as they were trained (augmented, dropout).</param>
/// <param name="Accuracy">Accuracy of the same, or null.</param>
/// <param name="ValidationLoss">Loss of the rows held back, evaluated after the epoch; NaN where there are none.</param>
/// <param name="ValidationAccuracy">Accuracy of the same; null where there are none.</param>
/// <param name="Rate">Learning rate of the last step.</param>
public sealed record EpochReport(int Epoch, float Loss, float? Accuracy, float ValidationLoss, float? ValidationAccuracy, float Rate)
{
    /// <summary>Share of the codes of weights of 1 and 2 bits that the last step of the epoch changed: about 1e-2 early, 1e-5 late; NaN where there are none.</summary>
    public float Flipped { get; init; } = float.NaN;
}

/// <summary>How far training is.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Step">Steps done in all.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Loss">Mean loss of this epoch so far.</param>
/// <param name="Accuracy">Accuracy of this epoch so far; null for the mean squared error.</param>
/// <param name="Finished">The report of the epoch that this step ended, or null.</param>
public sealed record TrainingProgress(int Epoch, long Step, long Steps, float Loss, float? Accuracy, EpochReport? Finished)
{
    /// <summary>At the end of an epoch: the trained constants by name (weights, learned steps and ranges), as they are during this call; otherwise null.</summary>
    public IReadOnlyDictionary<string, Tensor>? Constants { get; init; }
}

/// <summary>What training gives.</summary>
/// <param name="Graph">The graph with the constants of the best epoch.</param>
/// <param name="Stop">Why it ended.</param>
/// <param name="BestEpoch">The epoch whose constants these are; −1 for those given.</param>
/// <param name="History">The epochs.</param>
/// <param name="DivergedAt">The layer whose value or gradient was the first that was not finite, or null.</param>
public sealed record TrainingResult(Graph Graph, TrainingStop Stop, int BestEpoch, ImmutableArray<EpochReport> History, string? DivergedAt)
{
    /// <summary>The float network that was trained beside this one, behind the last step; null where there was none.</summary>
    public Graph? Guide { get; init; }

    /// <summary>For each trained weight of 1 or 2 bits, by name: the share of its codes that the last step of the last whole epoch changed; empty where there are none.</summary>
    public ImmutableDictionary<string, float> Flips { get; init; } = ImmutableDictionary<string, float>.Empty;
}
