using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>
/// A view whose cursor sets always have as many cursors as asked for: cursor i of n gives the batches i, i + n, i + 2n, ...
/// of <paramref name="batchSize"/> rows each. For tests of cursor sets, since LoadFromEnumerable gives one cursor only.
/// </summary>
public sealed class BatchedView(IDataView source, int batchSize) : IDataView
{
    public bool CanShuffle => false;

    public DataViewSchema Schema => source.Schema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => source.GetRowCursor(columnsNeeded);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        DataViewSchema.Column[] columns = columnsNeeded.ToArray();
        return Enumerable.Range(0, Math.Max(1, n)).Select(i => (DataViewRowCursor)new Cursor(source.GetRowCursor(columns), batchSize, i, Math.Max(1, n))).ToArray();
    }

    private sealed class Cursor(DataViewRowCursor input, int batchSize, int part, int parts) : DataViewRowCursor
    {
        private long _position = -1;
        private bool _disposed;

        public override long Position => _position;

        public override long Batch => Math.Max(0, input.Position) / batchSize;

        public override DataViewSchema Schema => input.Schema;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => input.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => input.GetGetter<TValue>(column);

        public override bool MoveNext()
        {
            while (input.MoveNext())
            {
                if (Batch % parts == part)
                {
                    _position++;
                    return true;
                }
            }

            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
            {
                _disposed = true;
                input.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
