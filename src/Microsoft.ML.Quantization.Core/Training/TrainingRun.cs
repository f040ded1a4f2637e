using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>One training run.</summary>
internal sealed class TrainingRun : IDisposable
{
    private const ulong AugmentationSite = 0xA06;
    private const long SplitStep = -1;

    private readonly Graph _graph;
    private readonly TrainingOptions _options;
    private readonly IBatchSource _training;
    private readonly Validation _validation;
    private readonly ReverseMode _reverse;
    private readonly TrainingState _state;
    private readonly Stepper _stepper;
    private readonly MemoryStore _rows = new();
    private readonly TeacherLoss? _teacher;
    private readonly PruningSteps _pruning;
    private readonly GuideSteps? _guide;
    private readonly FlipCounter _flips;
    private readonly Reestimation _reestimation;
    private readonly byte[] _fingerprint;
    private readonly long _stepsPerEpoch;

    public TrainingRun(Graph graph, IBatchSource rows, TrainingOptions options, KernelSet kernels, WorkerPool pool)
    {
        _graph = graph;
        _options = options;
        int[] order = Batches.Permutation(rows.Count, options.Seed, SplitStep);
        int held = (int)(rows.Count * (double)options.ValidationShare);
        _training = held > 0 ? new RowsOf(rows, [.. order[held..].Order()]) : rows;
        _reverse = new ReverseMode(graph, Logits(graph, options.Loss), kernels, pool);
        _validation = new Validation(graph, held > 0 ? new RowsOf(rows, [.. order[..held].Order()]) : null, _reverse, options);
        _state = new TrainingState(graph, options.Optimizer);
        _stepper = new Stepper(graph, options, _state, pool);
        _flips = new FlipCounter(graph, pool);
        _reestimation = new Reestimation(_training, _reverse, _stepper, options);
        _pruning = new PruningSteps(graph, options, _state);
        _guide = options.Guide is { } guide ? new GuideSteps(guide, graph, options, kernels, pool) : null;
        _teacher = options.Distillation is { } distillation ? new TeacherLoss(distillation, kernels, pool) : null;
        _stepsPerEpoch = (_training.Count + options.BatchSize - 1) / options.BatchSize;
        _fingerprint = Checkpoint.Fingerprint(graph, options, rows);
        if (options.CheckpointPath is { } path && File.Exists(path))
        {
            Checkpoint.Read(path, _state, _fingerprint);
        }
    }

    /// <inheritdoc cref="Trainer.Scorer"/>
    public Func<Graph, IGraphRunner>? Scorer { init => _validation.Scorer = value; }

    /// <inheritdoc cref="Trainer.ScorerRows"/>
    public int ScorerRows { init => _validation.ScorerRows = value; }

    /// <inheritdoc/>
    public void Dispose() => _teacher?.Dispose();

    public TrainingResult Go(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            while (_state.Epoch < _options.Epochs && !IsStale())
            {
                if (Epoch(progress, cancellationToken) is { } place)
                {
                    Reestimate(cancellationToken);
                    return Result(TrainingStop.Diverged, place);
                }
            }

            Reestimate(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // What is handed over must be whole: statistics that lag behind its constants cost more than the wait.
            Reestimate(CancellationToken.None);
            return Result(TrainingStop.Cancelled, null);
        }

        return Result(IsStale() && _state.Epoch < _options.Epochs ? TrainingStop.EarlyStop : TrainingStop.Finished, null);
    }

    private long Steps => _stepsPerEpoch * _options.Epochs;

    private bool IsStale() => _options.Patience > 0 && _state.Stale >= _options.Patience;

    private TrainingResult Result(TrainingStop stop, string? divergedAt)
        => new(TrainableConstants.Replace(_graph, TrainingState.Copy(_state.Best)), stop, _state.BestEpoch, [.. _state.History], divergedAt) { Guide = _guide?.Network, Flips = _state.Flips.ToImmutableDictionary(StringComparer.Ordinal) };

    /// <summary>One epoch; gives the layer at which it diverged, or null.</summary>
    private string? Epoch(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        int[] order = Batches.Permutation(_training.Count, _options.Seed, _state.Epoch);
        foreach (int[] batch in Batches.Of(order[_state.Done..], _options.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            float rate = (float)(_options.Rate * _options.Schedule.Factor(_state.Step, _stepsPerEpoch, _options.Epochs));
            (LossValue value, string? place) = Step(batch, rate, cancellationToken);
            if (place is not null)
            {
                return place;
            }

            _state.Loss += value.Sum;
            _state.Correct += value.Correct;
            _state.Done += batch.Length;
            _state.Step++;
            (float loss, float? accuracy) = ((float)(_state.Loss / _state.Done), _validation.Share(_state.Correct, _state.Done));
            EpochReport? finished = _state.Done == order.Length ? Finish(loss, accuracy, rate, cancellationToken) : null;
            progress?.Report(new TrainingProgress(finished?.Epoch ?? _state.Epoch, _state.Step, Steps, loss, accuracy, finished) { Constants = finished is null ? null : _state.Constants });
            if (finished is null && _options.CheckpointSteps > 0 && _state.Step % _options.CheckpointSteps == 0 && Divergence.InConstants(_graph, _state.Constants) is null)
            {
                Save();
            }
        }

        return Divergence.InConstants(_graph, _state.Constants);
    }

    private (LossValue Value, string? DivergedAt) Step(int[] batch, float rate, CancellationToken cancellationToken)
    {
        using var rows = new StepMemory(_rows);
        (Tensor input, float[] targets) = Batches.Read(_training, batch, Augment, rows);
        Dropout? dropout = _options.Dropout.Length > 0 ? new Dropout(_options.Dropout, _options.Seed, _state.Step) : null;
        using ForwardPass pass = _reverse.Forward([input], _state.Constants, training: true, dropout, Place(), cancellationToken);
        Tensor output = pass[_reverse.OutputName];
        TrainingChecks.Targets(_options.Loss, targets, output);
        Tensor? taught = _teacher?.Logits(input, cancellationToken);
        LossValue value = Loss(output, targets, taught);
        (float hints, Dictionary<string, Tensor> extra) = _guide?.Step((input, targets), pass, rate, Place(), cancellationToken) ?? (0, []);
        if (!float.IsFinite(hints))
        {
            return (value, "guide");
        }

        value = value with { Sum = value.Sum + (hints * batch.Length) };
        (Dictionary<string, Tensor> gradients, float norm) = Gradients(pass, value, extra);
        if (DivergedAt(pass, value, norm) is { } place)
        {
            return (value, place);
        }

        _stepper.Measure(pass, _state.Constants, _options.StatisticsMomentum);
        _stepper.MeasureQuantizers(pass, _state.Constants);
        using ForwardPass? ahead = _options.Optimizer.LooksAhead
            ? _reverse.Forward([input], _stepper.Ahead(_state, gradients, norm, rate), training: true, dropout, Place(), cancellationToken)
            : null;
        if (ahead is not null)
        {
            LossValue there = Loss(ahead[_reverse.OutputName], targets, taught);
            (gradients, norm) = Gradients(ahead, there, []);
            if (DivergedAt(ahead, there, norm) is { } beyond)
            {
                return (there, beyond);
            }
        }

        Move(gradients, norm, rate, isLast: _state.Done + batch.Length == _training.Count);
        return (value, null);
    }

    /// <summary>The step itself; the last of an epoch counts the codes that it changes.</summary>
    private void Move(Dictionary<string, Tensor> gradients, float norm, float rate, bool isLast)
    {
        Dictionary<string, long[]>? codes = isLast ? _flips.Codes(_state.Constants) : null;
        _stepper.Step(_state, gradients, norm, rate, Place().Context);
        if (codes is not null)
        {
            (_state.Flips, _state.Flipped) = _flips.Changed(codes, _state.Constants);
        }

        _pruning.After(_state.Step, Steps);
    }

    private (Dictionary<string, Tensor> Gradients, float Norm) Gradients(ForwardPass pass, LossValue value, Dictionary<string, Tensor> extra)
    {
        Dictionary<string, Tensor> gradients = _reverse.Backward(pass, value.Gradient, extra);
        _pruning.Mask(gradients);
        return (gradients, Stepper.Norm(_state, gradients));
    }

    /// <summary>The layer at which a step diverged, or null.</summary>
    private string? DivergedAt(ForwardPass pass, LossValue value, float norm)
        => float.IsFinite(value.Sum) && float.IsFinite(norm) ? null : Divergence.Find(_reverse, pass, value.Gradient);

    private LossValue Loss(Tensor output, float[] targets, Tensor? taught)
    {
        LossValue value = Losses.Of(_options.Loss, output, targets, _options.LabelSmoothing);
        return taught is null ? value : _teacher!.Of(value, output, taught);
    }

    private StepPlace Place() => new(new MethodContext(_options.Seed, _state.Step, _stepsPerEpoch, _options.Epochs), _state.SecondMoments, _state.MaskOf);

    private void Augment(int row, Span<float> image)
    {
        for (int i = 0; i < _options.Augmentations.Length; i++)
        {
            var random = new CounterRandom(CounterRandom.Mix(CounterRandom.Mix(_options.Seed) + (ulong)_state.Epoch), AugmentationSite + (ulong)i, (ulong)row);
            _options.Augmentations[i].Apply(image, _training.InputShape, random);
        }
    }

    private EpochReport? Finish(float loss, float? accuracy, float rate, CancellationToken cancellationToken)
    {
        if (Divergence.InConstants(_graph, _state.Constants) is not null)
        {
            return null;
        }

        (float validationLoss, float? validationAccuracy) = _validation.Score(Scored(cancellationToken), cancellationToken);
        var report = new EpochReport(_state.Epoch, loss, accuracy, validationLoss, validationAccuracy, rate) { Flipped = _state.Flipped };
        bool isBetter = !IsWhole(report) || _state.History.Where(IsWhole).All(h => _validation.IsBetter(report, h));
        _state.Stale = isBetter ? 0 : _state.Stale + 1;
        if (isBetter || !_validation.HasRows)
        {
            // Without rows held back nothing tells epochs apart honestly: the latest counts as the best, and patience watches the training loss.
            _state.Best = TrainingState.Copy(_state.Constants);
            _state.BestEpoch = _state.Epoch;
        }

        _state.History.Add(report);
        _state.Epoch++;
        (_state.Loss, _state.Correct, _state.Done) = (0, 0, 0);
        Save();
        return report;
    }

    /// <summary>The constants as they would be handed over at this moment.</summary>
    private Dictionary<string, Tensor> Scored(CancellationToken cancellationToken)
        => _validation.HasRows && _reestimation.IsOn ? _reestimation.Of(_state.Constants, Behind(_state.Epoch), cancellationToken) : _state.Constants;

    private void Save()
    {
        if (_options.CheckpointPath is { } path)
        {
            Checkpoint.Write(path, _state, _fingerprint);
        }
    }

    /// <summary>Whether all pruning was done behind an epoch.</summary>
    private bool IsWhole(EpochReport report) => (report.Epoch + 1) * _stepsPerEpoch > _pruning.LastStep(Steps);

    /// <summary>The share of the run that was done behind an epoch.</summary>
    private double Behind(int epoch) => (epoch + 1.0) / _options.Epochs;

    private void Reestimate(CancellationToken cancellationToken)
    {
        if (_reestimation.IsOn && _state.BestEpoch >= 0)
        {
            _state.Best = _reestimation.Of(_state.Best, Behind(_state.BestEpoch), cancellationToken);
        }
    }

    /// <summary>The value that the loss reads.</summary>
    internal static ValueId Logits(Graph graph, TrainingLoss loss)
    {
        ValueId output = graph.Outputs[0];
        return loss == TrainingLoss.SoftmaxCrossEntropy && graph.Producers()[output.Index] is Softmax softmax ? softmax.Inputs[0] : output;
    }
}
