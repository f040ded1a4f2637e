using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>A view that keeps each column in memory from the first time it is asked for.</summary>
internal sealed class CacheDataView : IDataView
{
    private const int BatchSize = 64;
    private readonly IDataView _input;
    private readonly string[] _prefetch;
    private readonly object _lock = new();
    private readonly ColumnStore[] _stores;
    private DataViewRowId[] _ids;

    public CacheDataView(IDataView input, string[] prefetch)
    {
        _input = input;
        _prefetch = prefetch;
        _stores = new ColumnStore[input.Schema.Count];
        foreach (string name in prefetch)
        {
            _ = input.Schema[name];
        }
    }

    public bool CanShuffle => true;

    public DataViewSchema Schema => _input.Schema;

    public long? GetRowCount() => _ids?.Length ?? _input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => GetRowCursorSet(columnsNeeded, 1, rand)[0];

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        ArgumentNullException.ThrowIfNull(columnsNeeded);
        DataViewSchema.Column[] columns = columnsNeeded.ToArray();
        Fill(columns);
        int[] order = null;
        if (rand != null)
        {
            order = Enumerable.Range(0, _ids.Length).ToArray();
            rand.Shuffle(order);
        }

        int count = Math.Clamp((_ids.Length + BatchSize - 1) / BatchSize, 1, Math.Max(1, n));
        var active = new bool[Schema.Count];
        foreach (DataViewSchema.Column column in columns)
        {
            active[column.Index] = true;
        }

        return Enumerable.Range(0, count).Select(i => (DataViewRowCursor)new Cursor(this, active, order, i, count)).ToArray();
    }

    // One pass for all columns that are asked for and not there yet.
    private void Fill(DataViewSchema.Column[] wanted)
    {
        lock (_lock)
        {
            IEnumerable<DataViewSchema.Column> all = _ids == null ? wanted.Concat(_prefetch.Select(name => Schema[name])) : wanted;
            DataViewSchema.Column[] missing = all.Where(c => _stores[c.Index] == null).DistinctBy(c => c.Index).ToArray();
            if (missing.Length == 0 && _ids != null)
            {
                return;
            }

            ColumnStore[] stores = missing.Select(ColumnStore.Create).ToArray();
            var ids = new List<DataViewRowId>();
            using (DataViewRowCursor cursor = _input.GetRowCursor(missing))
            {
                ValueGetter<DataViewRowId> id = cursor.GetIdGetter();
                Array.ForEach(stores, s => s.Bind(cursor));
                DataViewRowId value = default;
                while (cursor.MoveNext())
                {
                    Array.ForEach(stores, s => s.Store(ids.Count));
                    id(ref value);
                    ids.Add(value);
                }
            }

            for (int i = 0; i < missing.Length; i++)
            {
                _stores[missing[i].Index] = stores[i];
            }

            _ids ??= ids.ToArray();
        }
    }

    // Cursor i of n takes the batches i, i + n, i + 2n, ...
    private sealed class Cursor : DataViewRowCursor
    {
        private readonly CacheDataView _parent;
        private readonly bool[] _active;
        private readonly int[] _order;
        private readonly Delegate[] _getters;
        private readonly int _first;
        private readonly int _step;
        private long _position = -1;
        private int _at = -1;

        public Cursor(CacheDataView parent, bool[] active, int[] order, int first, int step)
        {
            _parent = parent;
            _active = active;
            _order = order;
            _first = first;
            _step = step;
            _getters = active.Select((on, i) => on ? parent._stores[i].MakeGetter(() => Slot) : null).ToArray();
        }

        public override long Position => _position;

        public override long Batch => _step == 1 || _at < 0 ? 0 : _at / BatchSize;

        public override DataViewSchema Schema => _parent.Schema;

        private int Slot => _order == null ? _at : _order[_at];

        public override bool MoveNext()
        {
            int next = _at < 0 ? _first * BatchSize : _at + 1;
            if (_at >= 0 && next % BatchSize == 0)
            {
                next += (_step - 1) * BatchSize;
            }

            if (next >= _parent._ids.Length)
            {
                _position = -1;
                return false;
            }

            _at = next;
            _position++;
            return true;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = _parent._ids[Slot];

        public override bool IsColumnActive(DataViewSchema.Column column) => column.Index < _active.Length && _active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
            {
                throw Errors.OutOfRange(nameof(column), "requested column not active");
            }

            return _getters[column.Index] as ValueGetter<TValue> ?? throw Errors.InvalidGetter(typeof(TValue), Schema[column.Index].Type.RawType);
        }
    }
}
