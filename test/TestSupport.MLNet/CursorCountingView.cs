using System;
using System.Collections.Generic;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>A view that counts the cursors opened on it.</summary>
public sealed class CursorCountingView(IDataView source) : IDataView
{
    /// <summary>Calls of GetRowCursor and GetRowCursorSet so far.</summary>
    public int Opened { get; private set; }

    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => source.Schema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        Opened++;
        return source.GetRowCursor(columnsNeeded, rand);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        Opened++;
        return source.GetRowCursorSet(columnsNeeded, n, rand);
    }
}
