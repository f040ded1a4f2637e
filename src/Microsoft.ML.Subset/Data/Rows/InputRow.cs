using System;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>A row whose values are those of the object it is set to; its position counts the objects.</summary>
/// <typeparam name="TRow">The row type.</typeparam>
internal sealed class InputRow<TRow> : DataViewRow
    where TRow : class
{
    private readonly RowReader<TRow> _reader;
    private readonly Delegate[] _getters;
    private TRow _current;
    private long _position = -1;

    public InputRow(RowReader<TRow> reader)
    {
        _reader = reader;
        _getters = reader.Schema.Select(c => reader.MakeGetter(c.Index, () => _current)).ToArray();
    }

    public override long Position => _position;

    public override long Batch => 0;

    public override DataViewSchema Schema => _reader.Schema;

    public void Set(TRow row)
    {
        _current = row;
        _position++;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)_position, 0);

    public override bool IsColumnActive(DataViewSchema.Column column) => column.Index < _getters.Length;

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        => _getters[column.Index] as ValueGetter<TValue> ?? throw Errors.InvalidGetter(typeof(TValue), Schema[column.Index].Type.RawType);
}
