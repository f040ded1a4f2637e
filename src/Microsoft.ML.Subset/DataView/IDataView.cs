using System;
using System.Collections.Generic;

namespace Microsoft.ML;

/// <summary>A lazy table: a schema and cursors over its rows.</summary>
public interface IDataView
{
    public bool CanShuffle { get; }

    public DataViewSchema Schema { get; }

    public long? GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null);
}
