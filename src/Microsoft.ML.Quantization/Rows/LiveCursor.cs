using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>A cursor that does not read ahead: used when nothing is scored, or when a column that passes through must not be kept (images).</summary>
internal sealed class LiveCursor(ScoreMapping mapping, DataViewRowCursor input, bool[] active) : DataViewRowCursor
{
    private readonly LiveRow _row = new(mapping, input, active);

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override DataViewSchema Schema => mapping.OutputSchema;

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _row.IsColumnActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _row.GetGetter<TValue>(column);

    public override bool MoveNext() => input.MoveNext();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _row.Dispose();
        }

        base.Dispose(disposing);
    }
}
