using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Objects as a view.</summary>
/// <typeparam name="TRow">The row type.</typeparam>
internal sealed class EnumerableDataView<TRow>(IEnumerable<TRow> data, RowReader<TRow> reader) : IDataView
    where TRow : class
{
    public bool CanShuffle => false;

    public DataViewSchema Schema => reader.Schema;

    public long? GetRowCount() => (data as ICollection<TRow>)?.Count ?? (data as IReadOnlyCollection<TRow>)?.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        ArgumentNullException.ThrowIfNull(columnsNeeded);
        var active = new bool[Schema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded)
        {
            active[column.Index] = true;
        }

        return new Cursor(reader, data.GetEnumerator(), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly RowReader<TRow> _reader;
        private readonly IEnumerator<TRow> _rows;
        private readonly bool[] _active;
        private readonly Delegate[] _getters;
        private TRow _current;
        private long _position = -1;

        public Cursor(RowReader<TRow> reader, IEnumerator<TRow> rows, bool[] active)
        {
            _reader = reader;
            _rows = rows;
            _active = active;
            _getters = active.Select((on, i) => on ? reader.MakeGetter(i, () => _current) : null).ToArray();
        }

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => _reader.Schema;

        public override bool MoveNext()
        {
            if (!_rows.MoveNext())
            {
                _position = -1;
                _current = null;
                return false;
            }

            _current = _rows.Current ?? throw Errors.Mark(new InvalidOperationException("Encountered null when iterating over data, this is not supported."));
            _position++;
            return true;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)_position, 0);

        public override bool IsColumnActive(DataViewSchema.Column column) => column.Index < _active.Length && _active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
            {
                throw Errors.OutOfRange(nameof(column), "requested column not active");
            }

            return _getters[column.Index] as ValueGetter<TValue> ?? throw Errors.InvalidGetter(typeof(TValue), Schema[column.Index].Type.RawType);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _rows.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
