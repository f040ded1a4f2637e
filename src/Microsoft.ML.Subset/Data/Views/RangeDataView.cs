using System;
using System.Collections.Generic;

namespace Microsoft.ML.Data;

/// <summary>Rows <paramref name="skip"/> to <paramref name="skip"/> + <paramref name="take"/> of a view, in its order.</summary>
internal sealed class RangeDataView(IDataView input, long skip, long take) : IDataView
{
    public bool CanShuffle => false;

    public DataViewSchema Schema => input.Schema;

    public long? GetRowCount() => input.GetRowCount() is { } count ? Math.Clamp(count - skip, 0, take) : null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => new Cursor(input.GetRowCursor(columnsNeeded), skip, take);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewRowCursor input, long skip, long take) : WrappedCursor(input)
    {
        private long _position = -1;
        private long _toSkip = skip;
        private long _left = take;

        public override long Position => _position;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            for (; _toSkip > 0 && _left > 0; _toSkip--)
            {
                if (!Input.MoveNext())
                {
                    _left = 0;
                }
            }

            if (_left <= 0 || !Input.MoveNext())
            {
                _left = 0;
                _position = -1;
                return false;
            }

            _left--;
            _position++;
            return true;
        }
    }
}
