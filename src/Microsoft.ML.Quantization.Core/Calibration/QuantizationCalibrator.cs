using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// Runs batches of rows through a network and collects the statistics of its values, in one pass and in memory that does not depend on the number of rows.
/// How rows are cut into batches never changes the result, unless a moving average is asked for. Not for several threads at once.
/// </summary>
public sealed class QuantizationCalibrator
{
    private readonly Graph _graph;
    private readonly ObservedRun _run;
    private readonly CalibrationOptions _options;
    private readonly Dictionary<ValueId, Observer> _observers = [];
    private readonly string _model;
    private SkippedRows _skipped = SkippedRows.None;
    private long _rows;
    private bool _broken;

    /// <summary>Prepares observers.</summary>
    /// <param name="graph">The float graph.</param>
    /// <param name="run">Runs it, for example an evaluator's <c>Run</c>.</param>
    /// <param name="options">What to collect.</param>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.InvalidOptions"/>; <see cref="QuantizationErrorCode.UnknownLayer"/> for a value that does not exist;
    /// <see cref="QuantizationErrorCode.UnsupportedElementType"/> for one that holds no floats; <see cref="QuantizationErrorCode.MemoryLimitExceeded"/>.
    /// </exception>
    public QuantizationCalibrator(Graph graph, ObservedRun run, CalibrationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(run);
        _graph = graph;
        _run = run;
        _options = (options ?? new CalibrationOptions()).Validate();
        _model = CalibrationFingerprints.OfModel(graph);
        ImmutableArray<ValueId> values = ObservedValues.Of(graph, _options);
        foreach (ValueId id in values)
        {
            _observers[id] = new Observer(_options.BinCount, _options.MovingAverage);
        }
    }

    /// <summary>Rows taken in, without skipped ones.</summary>
    public long Rows => _rows;

    /// <summary>Rows skipped because they were not finite.</summary>
    public long SkippedRowCount => _skipped.Count;

    /// <summary>Goes on from saved statistics of the same model and options.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.StatisticsMismatch"/>.</exception>
    public void Resume(CalibrationResult saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        saved.RequireMatch(_model, CalibrationFingerprints.OfOptions(_options), "Statistics to resume");
        foreach ((ValueId id, _) in _observers.ToArray())
        {
            _observers[id] = Observer.Resume(saved[_graph[id].Name]);
        }

        _rows = saved.Rows;
        _skipped = saved.Skipped;
    }

    /// <summary>
    /// Takes in every batch. When it is cancelled, or a batch is refused, everything up to the last whole batch is kept and <see cref="ToResult"/> hands it over.
    /// </summary>
    /// <param name="batches">Batches of one tensor a graph input, rows in the first dimension; read once.</param>
    /// <param name="progress">Told after each batch: stage "calibrate", rows done, 0.</param>
    /// <param name="cancellationToken">Looked at before each batch.</param>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.MissingCalibrationData"/> for null, <see cref="QuantizationErrorCode.EmptyCalibrationData"/> for no rows,
    /// <see cref="QuantizationErrorCode.NonFiniteInput"/>, <see cref="QuantizationErrorCode.InputShapeMismatch"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public CalibrationResult Run(IEnumerable<IReadOnlyList<Tensor>>? batches, IProgress<QuantizationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (batches is null)
        {
            throw new QuantizationException(
                QuantizationErrorCode.MissingCalibrationData,
                "Calibration data: expected rows, found none given. Give rows like those that will be scored; ranges are never made up.");
        }

        foreach (IReadOnlyList<Tensor> batch in batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Add(batch);
            progress?.Report(new QuantizationProgress("calibrate", _rows, 0));
        }

        CheckTotals();
        return ToResult();
    }

    /// <summary>Takes in one batch; all of it, or nothing when its rows are refused.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NonFiniteInput"/>, <see cref="QuantizationErrorCode.InputShapeMismatch"/>.</exception>
    public void Add(IReadOnlyList<Tensor> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ThrowIfBroken();
        int rows = InputRows.Count(_graph, batch);
        if (rows == 0)
        {
            return;
        }

        ImmutableArray<int> bad = InputRows.NonFinite(batch, rows);
        long first = _options.FirstRow + _rows + _skipped.Count;
        if (bad.Length > 0 && _options.NonFiniteRows == NonFiniteRowPolicy.Fail)
        {
            throw new QuantizationException(
                QuantizationErrorCode.NonFiniteInput,
                string.Create(CultureInfo.InvariantCulture, $"Calibration row {first + bad[0]}: expected finite numbers, found NaN or infinity. Clean the data, or set NonFiniteRows to Skip."));
        }

        int kept = rows - bad.Length;
        if (kept > 0)
        {
            Observe(bad.Length > 0 ? InputRows.Without(batch, rows, bad) : batch, kept);
        }

        _skipped = _skipped.And(bad.Select(row => first + row));
        _rows += kept;
    }

    /// <summary>What was seen up to the last whole batch.</summary>
    public CalibrationResult ToResult()
    {
        ThrowIfBroken();
        return new CalibrationResult
        {
            ModelFingerprint = _model,
            OptionsFingerprint = CalibrationFingerprints.OfOptions(_options),
            Rows = _rows,
            Skipped = _skipped,
            Values = _observers.ToImmutableSortedDictionary(o => _graph[o.Key].Name, o => o.Value.ToStatistics(), StringComparer.Ordinal),
        };
    }

    private void Observe(IReadOnlyList<Tensor> batch, int rows)
    {
        // Half a batch in some observers could not be undone, so a run that fails makes this calibrator useless; the token is looked at between batches only.
        _broken = true;
        _run(
            batch,
            (id, tensor) =>
            {
                if (_observers.TryGetValue(id, out Observer? observer))
                {
                    observer.Observe(tensor.Values<float>(), rows);
                }
            },
            CancellationToken.None);
        _broken = false;
    }

    private void CheckTotals()
    {
        long total = _rows + _skipped.Count;
        if (_skipped.Count > _options.MaximumSkippedShare * total)
        {
            throw new QuantizationException(
                QuantizationErrorCode.NonFiniteInput,
                string.Create(CultureInfo.InvariantCulture, $"Calibration rows: expected at most the share {_options.MaximumSkippedShare:R} with NaN or infinity, found {_skipped.Count} of {total}, the first being row {_skipped.Rows[0]}. Clean the data."));
        }

        if (_rows == 0)
        {
            throw new QuantizationException(QuantizationErrorCode.EmptyCalibrationData, "Calibration data: expected at least one row, found none.");
        }
    }

    private void ThrowIfBroken()
    {
        if (_broken)
        {
            throw new InvalidOperationException("A run failed in the middle of a batch; the statistics are incomplete. Start a new calibration.");
        }
    }
}
