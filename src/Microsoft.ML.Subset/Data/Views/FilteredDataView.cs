using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>The rows of a view for which a predicate holds.</summary>
/// <param name="input">The view.</param>
/// <param name="sources">The columns that the predicate reads.</param>
/// <param name="makePredicate">Makes the predicate over a cursor.</param>
internal sealed class FilteredDataView(IDataView input, DataViewSchema.Column[] sources, Func<DataViewRow, Func<bool>> makePredicate) : IDataView
{
    public bool CanShuffle => input.CanShuffle;

    public DataViewSchema Schema => input.Schema;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        DataViewSchema.Column[] columns = columnsNeeded.ToArray();
        return Wrap(input.GetRowCursor(columns.Concat(sources), rand), columns);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        DataViewSchema.Column[] columns = columnsNeeded.ToArray();
        return Array.ConvertAll(input.GetRowCursorSet(columns.Concat(sources), n, rand), c => (DataViewRowCursor)Wrap(c, columns));
    }

    private Cursor Wrap(DataViewRowCursor cursor, DataViewSchema.Column[] columns)
        => new Cursor(cursor, makePredicate(cursor), columns.Select(c => c.Index).ToHashSet());

    private sealed class Cursor(DataViewRowCursor input, Func<bool> keep, HashSet<int> active) : WrappedCursor(input)
    {
        private long _position = -1;

        public override long Position => _position;

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => IsColumnActive(column) ? base.GetGetter<TValue>(column) : throw Errors.Inactive(column.Name);

        public override bool MoveNext()
        {
            while (Input.MoveNext())
            {
                if (keep())
                {
                    _position++;
                    return true;
                }
            }

            _position = -1;
            return false;
        }
    }
}
