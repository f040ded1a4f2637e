using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>What tells the epochs of a run apart: rows held back, or the training loss without them.</summary>
/// <param name="graph">The graph in training.</param>
/// <param name="rows">The rows held back, or null for none.</param>
/// <param name="reverse">What scores them where no scorer is given.</param>
/// <param name="options">The run's options.</param>
internal sealed class Validation(Graph graph, RowsOf? rows, ReverseMode reverse, TrainingOptions options)
{
    /// <inheritdoc cref="Trainer.Scorer"/>
    public Func<Graph, IGraphRunner>? Scorer { get; set; }

    /// <inheritdoc cref="Trainer.ScorerRows"/>
    public int ScorerRows { get; set; }

    /// <summary>Whether rows were held back.</summary>
    public bool HasRows => rows is not null;

    /// <summary>By the rows held back: the larger accuracy, then the smaller loss; where there is no accuracy, the loss alone. Without such rows: the smaller training loss.</summary>
    public bool IsBetter(EpochReport report, EpochReport other) => rows is null
        ? report.Loss < other.Loss
        : report.ValidationAccuracy is { } own && other.ValidationAccuracy is { } its && own != its ? own > its : report.ValidationLoss < other.ValidationLoss;

    /// <summary>The share of rows that are right; null for a loss without classes.</summary>
    public float? Share(int correct, int count) => options.Loss == TrainingLoss.MeanSquaredError ? null : (float)correct / count;

    /// <summary>Mean loss and accuracy of the rows held back with constants in place of the graph's; NaN and null where there are none.</summary>
    public (float Loss, float? Accuracy) Score(Dictionary<string, Tensor> constants, CancellationToken cancellationToken)
    {
        if (rows is null)
        {
            return (float.NaN, null);
        }

        bool hasScores = rows.Count >= ScorerRows && reverse.OutputName == graph[graph.Outputs[0]].Name;
        using IGraphRunner? scorer = hasScores ? Scorer?.Invoke(TrainableConstants.Replace(graph, constants)) : null;
        double loss = 0;
        int correct = 0;
        foreach (int[] batch in Batches.Of([.. Enumerable.Range(0, rows.Count)], options.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            (Tensor input, float[] targets) = Batches.Read(rows, batch);
            LossValue value = scorer is null ? Forward(input, targets, constants, cancellationToken) : Valued(scorer.Run([input])[0], targets);
            loss += value.Sum;
            correct += value.Correct;
        }

        return ((float)(loss / rows.Count), Share(correct, rows.Count));
    }

    private LossValue Forward(Tensor input, float[] targets, Dictionary<string, Tensor> constants, CancellationToken cancellationToken)
    {
        using ForwardPass pass = reverse.Forward([input], constants, training: false, cancellationToken: cancellationToken);
        return Valued(pass[reverse.OutputName], targets);
    }

    /// <summary>The loss of rows held back, whose targets nobody has looked at yet.</summary>
    private LossValue Valued(Tensor output, float[] targets)
    {
        TrainingChecks.Targets(options.Loss, targets, output);
        return Losses.Of(options.Loss, output, targets);
    }
}
