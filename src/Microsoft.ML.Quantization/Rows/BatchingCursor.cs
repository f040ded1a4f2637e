using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Scoring;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>
/// Scores several rows at once under a row-wise cursor: reads ahead over its one input cursor, 1, 2, 4, .. up to 64 rows, keeps every active
/// pass-through column, position, batch and id of those rows, and hands them out one by one. What reading row r throws is thrown at row r.
/// </summary>
internal sealed class BatchingCursor : DataViewRowCursor
{
    private const int MaximumRows = 64;
    private readonly ScoreMapping _mapping;
    private readonly DataViewRowCursor _input;
    private readonly bool[] _active;
    private readonly ScoreBatch _scores;
    private readonly Dictionary<int, RowBuffer> _passed = [];
    private readonly ValueGetter<DataViewRowId> _idGetter;
    private readonly DataViewRowId[] _ids = new DataViewRowId[MaximumRows];
    private readonly long[] _positions = new long[MaximumRows];
    private readonly long[] _batches = new long[MaximumRows];
    private ExceptionDispatchInfo? _failure;
    private int _rows;
    private int _slot = -1;
    private int _limit = 1;
    private bool _isAtEnd;

    public BatchingCursor(ScoreMapping mapping, DataViewRowCursor input, bool[] active)
    {
        _mapping = mapping;
        _input = input;
        _active = active;
        _scores = new ScoreBatch(mapping.Model, MaximumRows);
        _scores.Attach(input, mapping.InputSchema);
        _idGetter = input.GetIdGetter();
        foreach (DataViewSchema.Column column in mapping.InputSchema.Where(c => active[c.Index]))
        {
            _passed[column.Index] = RowBuffer.Create(input, column, MaximumRows);
        }
    }

    public override long Position => _slot >= 0 ? _positions[_slot] : -1;

    public override long Batch => _slot >= 0 ? _batches[_slot] : 0;

    public override DataViewSchema Schema => _mapping.OutputSchema;

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = _ids[Current()];

    public override bool IsColumnActive(DataViewSchema.Column column) => Getters.IsActive(_mapping, _active, column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        Getters.Check<TValue>(_mapping, _active, column);
        Delegate getter = _mapping.IsInput(column) ? _passed[column.Index].Getter(Current) : _mapping.Getter(column, _scores, Current);
        return Getters.Cast<TValue>(getter, column);
    }

    public override bool MoveNext()
    {
        if (_slot + 1 < _rows)
        {
            _slot++;
            return true;
        }

        if (_failure is { } failure)
        {
            _slot = -1;
            _rows = 0;
            failure.Throw();
        }

        _slot = -1;
        _rows = 0;
        if (!_isAtEnd)
        {
            Fill();
        }

        if (_rows == 0)
        {
            _failure?.Throw();
            return false;
        }

        _slot = 0;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _input.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Current() => _slot >= 0 ? _slot : throw new InvalidOperationException("The cursor is not on a row; call MoveNext first.");

    private void Fill()
    {
        try
        {
            while (_rows < _limit && !_isAtEnd)
            {
                Take();
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
            _isAtEnd = true;
        }

        _limit = Math.Min(_limit * 2, MaximumRows);
        if (_rows > 0)
        {
            Score();
        }
    }

    // Rows that could not be scored at all are never handed out: the cursor stays at its error.
    private void Score()
    {
        try
        {
            _scores.Run(_rows);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
            _isAtEnd = true;
            _rows = 0;
        }
    }

    private void Take()
    {
        if (!_input.MoveNext())
        {
            _isAtEnd = true;
            return;
        }

        int slot = _rows;
        _positions[slot] = _input.Position;
        _batches[slot] = _input.Batch;
        _idGetter(ref _ids[slot]);
        _scores.Read(slot);
        foreach (RowBuffer buffer in _passed.Values)
        {
            buffer.Capture(slot);
        }

        _rows++;
    }
}
