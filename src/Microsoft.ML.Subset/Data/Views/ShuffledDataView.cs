using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>The rows of a view in a random order: each is drawn from a pool that the source refills.</summary>
internal sealed class ShuffledDataView(IDataView input, int seed, int poolSize, bool shuffleSource) : IDataView
{
    public bool CanShuffle => true;

    public DataViewSchema Schema => input.Schema;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        DataViewSchema.Column[] columns = columnsNeeded.DistinctBy(c => c.Index).ToArray();
        Random random = rand ?? new Random(seed);
        Random source = shuffleSource && input.CanShuffle ? new Random(random.Next()) : null;
        return new Cursor(input.GetRowCursor(columns, source), columns, random, poolSize);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : WrappedCursor
    {
        private readonly Random _random;
        private readonly int _poolSize;
        private readonly Dictionary<int, ColumnStore> _stores;
        private readonly Dictionary<int, Delegate> _getters;
        private readonly ValueGetter<DataViewRowId> _id;
        private readonly DataViewRowId[] _ids;
        private int _live;
        private int _current = -1;
        private long _position = -1;

        public Cursor(DataViewRowCursor input, DataViewSchema.Column[] columns, Random random, int poolSize)
            : base(input)
        {
            _random = random;
            _poolSize = poolSize;
            _id = input.GetIdGetter();
            _ids = new DataViewRowId[poolSize];
            _stores = columns.ToDictionary(c => c.Index, ColumnStore.Create);
            _getters = _stores.ToDictionary(s => s.Key, s => s.Value.MakeGetter(() => _current));
            foreach (ColumnStore store in _stores.Values)
            {
                store.Bind(input);
            }
        }

        public override long Position => _position;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            if (_position < 0)
            {
                while (_live < _poolSize && Input.MoveNext())
                {
                    Store(_live++);
                }
            }
            else if (_current >= 0)
            {
                Refill();
            }

            if (_live == 0)
            {
                _current = -1;
                return false;
            }

            _current = _random.Next(_live);
            _position++;
            return true;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = _ids[_current];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!_getters.TryGetValue(column.Index, out Delegate getter))
            {
                throw Errors.Inactive(column.Name);
            }

            return getter as ValueGetter<TValue> ?? throw Errors.InvalidGetter(typeof(TValue), Schema[column.Index].Type.RawType);
        }

        // The slot of the row just given out takes the next row of the source, or the last of the pool.
        private void Refill()
        {
            if (Input.MoveNext())
            {
                Store(_current);
                return;
            }

            _live--;
            foreach (ColumnStore store in _stores.Values)
            {
                store.Swap(_current, _live);
            }

            (_ids[_current], _ids[_live]) = (_ids[_live], _ids[_current]);
        }

        private void Store(int slot)
        {
            foreach (ColumnStore store in _stores.Values)
            {
                store.Store(slot);
            }

            _id(ref _ids[slot]);
        }
    }
}
