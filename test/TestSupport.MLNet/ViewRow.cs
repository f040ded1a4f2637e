using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>One row read from a cursor.</summary>
/// <param name="Batch">The cursor's batch at that row.</param>
/// <param name="Id">The row's identity.</param>
/// <param name="Values">One value for each column that was read.</param>
internal sealed record ViewRow(long Batch, DataViewRowId Id, object?[] Values)
{
    public static List<ViewRow> ReadAll(IDataView view)
    {
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        return ReadAll(cursor, view.Schema.ToArray());
    }

    public static List<ViewRow> ReadAll(DataViewRowCursor cursor, DataViewSchema.Column[] columns)
    {
        ContractViolationException.ThrowUnless(cursor.Position == -1, "a cursor's position before the first MoveNext is -1");
        Func<object?>[] readers = columns.Select(c => CellValue.Reader(cursor, c)).ToArray();
        ValueGetter<DataViewRowId> getId = cursor.GetIdGetter();
        var rows = new List<ViewRow>();
        while (cursor.MoveNext())
        {
            DataViewRowId id = default;
            getId(ref id);
            rows.Add(new ViewRow(cursor.Batch, id, readers.Select(read => read()).ToArray()));
        }

        return rows;
    }

    public static void ThrowUnlessSame(List<ViewRow> expected, List<ViewRow> actual, string what, bool compareIds = true)
    {
        ContractViolationException.ThrowUnless(expected.Count == actual.Count, $"{what}: {actual.Count} rows where {expected.Count} are due");
        for (int i = 0; i < expected.Count; i++)
        {
            ContractViolationException.ThrowUnless(!compareIds || expected[i].Id.Equals(actual[i].Id), $"{what}: row {i} has another identity");
            for (int k = 0; k < expected[i].Values.Length; k++)
            {
                object? due = expected[i].Values[k], got = actual[i].Values[k];
                ContractViolationException.ThrowUnless(
                    CellValue.Same(due, got), $"{what}: row {i}, column {k}: {CellValue.Show(got)} where {CellValue.Show(due)} is due");
            }
        }
    }
}
