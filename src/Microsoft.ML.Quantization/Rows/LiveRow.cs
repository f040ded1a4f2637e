using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>A row over a live input row: the caller moves the input, and getters follow it. Never reads ahead; scores once a position.</summary>
internal sealed class LiveRow(ScoreMapping mapping, DataViewRow input, bool[] active) : DataViewRow
{
    private readonly LiveScore? _score = mapping.IsScoring(active) ? new LiveScore(mapping, input) : null;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override DataViewSchema Schema => mapping.OutputSchema;

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => Getters.IsActive(mapping, active, column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        Getters.Check<TValue>(mapping, active, column);
        return mapping.IsInput(column)
            ? input.GetGetter<TValue>(mapping.InputSchema[column.Index])
            : Getters.Cast<TValue>(mapping.Getter(column, _score!.Batch, _score.Slot), column);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            input.Dispose();
        }

        base.Dispose(disposing);
    }
}
