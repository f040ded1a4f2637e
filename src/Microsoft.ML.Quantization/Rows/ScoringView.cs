using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>The view that scoring a view gives; lazy, opens no cursor by itself.</summary>
internal sealed class ScoringView(ScoreMapping mapping, IDataView input) : IDataView
{
    public bool CanShuffle => input.CanShuffle;

    public DataViewSchema Schema => mapping.OutputSchema;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = mapping.Active(columnsNeeded);
        return Wrap(input.GetRowCursor(mapping.Sources(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        bool[] active = mapping.Active(columnsNeeded);
        return Array.ConvertAll(input.GetRowCursorSet(mapping.Sources(active), n, rand), c => Wrap(c, active));
    }

    private DataViewRowCursor Wrap(DataViewRowCursor cursor, bool[] active)
    {
        bool canBuffer = mapping.InputSchema.Where(c => active[c.Index]).All(c => RowBuffer.CanBuffer(c.Type));
        return mapping.IsScoring(active) && canBuffer ? new BatchingCursor(mapping, cursor, active) : new LiveCursor(mapping, cursor, active);
    }
}
