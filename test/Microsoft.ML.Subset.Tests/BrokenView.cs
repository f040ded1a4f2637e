using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;

namespace Microsoft.ML.Subset.Tests;

/// <summary>A view over a good one that breaks one rule of views.</summary>
internal sealed class BrokenView(Breakage breakage, IDataView inner) : IDataView
{
    public bool CanShuffle => inner.CanShuffle;

    public DataViewSchema Schema => inner.Schema;

    public long? GetRowCount() => breakage == Breakage.RowCountWrong ? 1 : inner.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        => Wrap(columnsNeeded.ToArray(), inner.GetRowCursor(Wanted(columnsNeeded), rand), 0, long.MaxValue);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        DataViewSchema.Column[] columns = columnsNeeded.ToArray();
        long rows = breakage == Breakage.CursorSetDropsRows ? 1 : long.MaxValue;
        if (breakage == Breakage.CursorSetSharesBatch && n > 1)
        {
            // The first row by one cursor, the rest by another, both saying batch 0.
            return [Wrap(columns, inner.GetRowCursor(columns), 0, 1), Wrap(columns, inner.GetRowCursor(columns), 1, long.MaxValue)];
        }

        DataViewRowCursor[] cursors = Array.ConvertAll(inner.GetRowCursorSet(Wanted(columns), n, rand), c => (DataViewRowCursor)Wrap(columns, c, 0, rows));
        return breakage == Breakage.CursorSetTooLarge ? [.. cursors, .. Enumerable.Range(0, n).Select(_ => Wrap(columns, inner.GetRowCursor(columns), 0, 0))] : cursors;
    }

    private IEnumerable<DataViewSchema.Column> Wanted(IEnumerable<DataViewSchema.Column> columns)
        => breakage is Breakage.InactiveGetterGiven or Breakage.RequestedColumnInactive ? Schema : columns;

    private BrokenCursor Wrap(DataViewSchema.Column[] asked, DataViewRowCursor cursor, long skip, long take)
        => new BrokenCursor(breakage, asked, cursor, skip, take);

    private sealed class BrokenCursor(Breakage breakage, DataViewSchema.Column[] asked, DataViewRowCursor inner, long skip, long take) : DataViewRowCursor
    {
        private readonly DataViewSchema _schema = breakage == Breakage.CursorSchemaCopied ? BrokenTransformer.Clone(inner.Schema) : inner.Schema;
        private long _left = take;
        private bool _skipped;
        private bool _disposed;

        public override long Position => breakage == Breakage.PositionBeforeStart ? Math.Max(0, inner.Position) : inner.Position;

        public override long Batch => inner.Batch;

        public override DataViewSchema Schema => _schema;

        public override bool MoveNext()
        {
            for (long i = 0; i < skip && !_skipped; i++)
            {
                inner.MoveNext();
            }

            _skipped = true;
            return _left-- > 0 && inner.MoveNext();
        }

        public override ValueGetter<DataViewRowId> GetIdGetter()
            => breakage == Breakage.RowIdsChange
                ? (ref DataViewRowId value) => value = new DataViewRowId((ulong)Guid.NewGuid().GetHashCode(), 1)
                : inner.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => breakage switch
        {
            Breakage.RequestedColumnInactive => false,
            Breakage.InactiveGetterGiven => asked.Any(c => c.Index == column.Index),
            _ => inner.IsColumnActive(column),
        };

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => breakage == Breakage.WrongGetterGiven && typeof(TValue) != column.Type.RawType
                ? (ref TValue value) => value = default!
                : inner.GetGetter<TValue>(inner.Schema[column.Index]);

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
            {
                _disposed = true;
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
