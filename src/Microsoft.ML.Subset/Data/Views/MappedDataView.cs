using System;
using System.Collections.Generic;

namespace Microsoft.ML.Data;

/// <summary>The lazy view that a row mapping makes of its input.</summary>
internal sealed class MappedDataView(IDataView input, RowMapping mapping) : IDataView
{
    public bool CanShuffle => input.CanShuffle;

    public DataViewSchema Schema => mapping.OutputSchema;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = mapping.Active(columnsNeeded);
        return new Cursor(mapping, input.GetRowCursor(mapping.Sources(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = mapping.Active(columnsNeeded);
        return Array.ConvertAll<DataViewRowCursor, DataViewRowCursor>(
            input.GetRowCursorSet(mapping.Sources(active), n, rand), c => new Cursor(mapping, c, active));
    }

    private sealed class Cursor(RowMapping mapping, DataViewRowCursor input, bool[] active) : WrappedCursor(input)
    {
        private readonly RowMapping.RowBinding _binding = new(mapping, input, active);

        public override DataViewSchema Schema => _binding.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => _binding.IsActive(column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _binding.Getter<TValue>(column);
    }
}
